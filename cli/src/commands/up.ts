import { spawn } from "node:child_process";
import { openSync } from "node:fs";
import { hostname } from "node:os";
import { join, resolve } from "node:path";
import { sleep } from "../core/backoff";
import { loadConfig } from "../core/config";
import { CliError, errorText, EXIT, type ExitCode } from "../core/errors";
import { ensurePrivateDir } from "../core/files";
import { numberField, stringField } from "../core/json";
import { Logger } from "../core/log";
import { Daemon, type DaemonEnd } from "../daemon/daemon";
import { acquireLock, findLockHolder } from "../daemon/lock";
import type { Paths } from "../core/paths";
import { readState } from "../daemon/state-file";
import type { Transport } from "../link/ladder";
import { isAlive } from "../watch/process-info";
import { parseWatchFlag, type WatchEntry } from "../watch/watch-entry";
import { requireClient, type CliContext } from "./context";
import { UpView } from "./up-view";

export interface UpOptions {
  readonly name?: string;
  readonly transport: Transport;
  readonly watch: readonly string[];
  readonly configFile?: string;
  readonly leaveRunning?: boolean;
  readonly detach?: boolean;
  readonly openclaw: boolean;
}

/** Set in a daemon started by --detach; it has no terminal and nobody waits for it. */
const DETACHED_VARIABLE = "SETT_DETACHED";
const DETACH_WAIT_MS = 15_000;
const DOWN_WAIT_MS = 20_000;
const LABEL_MAX = 100;

/** `sett up`: runs the daemon until it is told to stop. Returns the exit code. */
export async function up(context: CliContext, options: UpOptions): Promise<ExitCode> {
  const { out, paths } = context;
  const { auth, api } = requireClient(context);
  const flagEntries = options.watch.map(toEntry);
  const configFile = options.configFile === undefined ? paths.config : resolve(options.configFile);
  const configMustExist = options.configFile !== undefined;
  loadConfig(configFile, configMustExist);
  if (options.detach === true) return detach(context);
  const release = acquireLock(paths.lock);
  let end: DaemonEnd;
  const view = new UpView(out);
  try {
    ensurePrivateDir(paths.home);
    const log = new Logger(paths.daemonLog, [auth.access_token]);
    const daemon = new Daemon({
      paths,
      api,
      auth,
      log,
      configFile,
      configMustExist,
      flagEntries,
      label: (options.name ?? hostname()).slice(0, LABEL_MAX),
      transport: options.transport,
      leaveRunning: options.leaveRunning === true,
      openclaw: options.openclaw,
      onEvent: (event) => view.show(event),
    });
    const undo = stopOnSignals(() => daemon.stop());
    const onDefect = (error: Error): void => log.error("daemon.defect", { error, stack: error.stack });
    process.on("uncaughtExceptionMonitor", onDefect);
    try {
      end = await daemon.run();
    } finally {
      undo();
      process.off("uncaughtExceptionMonitor", onDefect);
    }
    if (end.message !== undefined) log.error("daemon.ended", { detail: end.message, exit_code: end.exitCode });
  } finally {
    view.close();
    release();
  }
  if (end.handover !== undefined) return handOver(end.handover);
  if (end.message !== undefined) throw new CliError(end.exitCode, end.message, end.hint, "daemon_ended");
  return end.exitCode;
}

/** `sett down`: asks the daemon of this home folder to leave and waits for it. */
export async function down(context: CliContext): Promise<void> {
  const { out, paths } = context;
  const pid = await stopDaemon(paths);
  if (out.options.json) out.json({ event: "stopped", pid });
  else out.note(pid === null ? "no daemon runs here" : `${out.errColors.green("✓")} stopped (pid ${pid})`);
}

/** Stops the daemon of a home folder; its pid, or null when none ran. Throws CliError when it does not end. */
export async function stopDaemon(paths: Paths): Promise<number | null> {
  const holder = findLockHolder(paths.lock);
  if (holder === undefined) return null;
  process.kill(holder.pid, "SIGTERM");
  for (const until = Date.now() + DOWN_WAIT_MS; Date.now() < until; ) {
    await sleep(50);
    if (!isAlive(holder)) return holder.pid;
  }
  throw new CliError(EXIT.general, `the daemon (pid ${holder.pid}) does not stop`, "See its log: sett logs", "not_stopped");
}

function toEntry(text: string): WatchEntry {
  try {
    return parseWatchFlag(text);
  } catch (error) {
    throw new CliError(EXIT.usage, errorText(error), 'Example: --watch "demo=node server.js"', "bad_watch");
  }
}

function stopOnSignals(stop: () => void): () => void {
  let asked = 0;
  const onSignal = (): void => {
    asked += 1;
    // A third Ctrl-C means now (npm passes the first one on twice); the children stay and the next daemon adopts them.
    if (asked > 2) process.exit(EXIT.general);
    stop();
  };
  const signals: NodeJS.Signals[] = process.env[DETACHED_VARIABLE] === "1" ? ["SIGTERM", "SIGINT"] : ["SIGTERM", "SIGINT", "SIGHUP"];
  const ignore = (): void => undefined;
  if (!signals.includes("SIGHUP")) process.on("SIGHUP", ignore);
  for (const signal of signals) process.on(signal, onSignal);
  return () => {
    for (const signal of signals) process.off(signal, onSignal);
    process.off("SIGHUP", ignore);
  };
}

/** Starts the new version in this one's place: the same words, the same terminal. Waits for it and passes signals on. */
async function handOver(binary: readonly string[]): Promise<ExitCode> {
  const [program, ...args] = binary;
  const detached = process.env[DETACHED_VARIABLE] === "1";
  const child = spawn(program ?? "", [...args, ...process.argv.slice(2)], { stdio: "inherit", detached });
  if (detached) {
    child.unref();
    return EXIT.ok;
  }
  const pass = (signal: NodeJS.Signals): void => void child.kill(signal);
  const signals: readonly NodeJS.Signals[] = ["SIGTERM", "SIGHUP"];
  for (const signal of signals) process.on(signal, pass);
  // Ctrl-C reaches the new process by itself, through the terminal.
  process.on("SIGINT", () => undefined);
  return new Promise((resolve, reject) => {
    child.once("error", (error) => reject(new CliError(EXIT.general, `cannot start the new version: ${errorText(error)}`, "Run: sett up", "handover")));
    child.once("exit", (code) => resolve((code ?? EXIT.general) as ExitCode));
  });
}

/** Starts the daemon in the background and waits until it is linked, or has ended. */
async function detach(context: CliContext): Promise<ExitCode> {
  const { out, paths } = context;
  const holder = findLockHolder(paths.lock);
  if (holder !== undefined) throw new CliError(EXIT.general, `sett is already running here as pid ${holder.pid}`, "See it with: sett status", "already_running");
  ensurePrivateDir(paths.logs);
  const output = openSync(join(paths.logs, "daemon.out"), "w", 0o600);
  const args = process.argv.slice(1).filter((word) => word !== "--detach" && word !== "-d");
  const child = spawn(process.execPath, args, { detached: true, stdio: ["ignore", output, output], env: { ...process.env, [DETACHED_VARIABLE]: "1" } });
  child.unref();
  let ended: number | undefined;
  child.once("exit", (code) => (ended = code ?? EXIT.general));
  for (const until = Date.now() + DETACH_WAIT_MS; Date.now() < until; ) {
    await sleep(100);
    if (ended !== undefined) throw new CliError(EXIT.general, `the daemon ended at once (exit code ${ended})`, `See: ${join(paths.logs, "daemon.out")}`, "daemon_ended");
    const state = readState(paths.state);
    if (state === undefined || numberField(state, "pid") !== child.pid || stringField(state, "link") === "none") continue;
    out.note(`${out.errColors.green("✓")} running in the background as pid ${child.pid ?? "?"}, linked by ${stringField(state, "link") ?? "?"}`);
    if (out.options.json) out.json({ event: "detached", pid: child.pid, link: stringField(state, "link") });
    return EXIT.ok;
  }
  out.note(`running in the background as pid ${child.pid ?? "?"}, not linked yet; see: sett status`);
  if (out.options.json) out.json({ event: "detached", pid: child.pid, link: "none" });
  return EXIT.ok;
}
