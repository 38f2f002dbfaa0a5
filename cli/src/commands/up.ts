import { spawn } from "node:child_process";
import { openSync } from "node:fs";
import { hostname } from "node:os";
import { join, resolve } from "node:path";
import { sleep, withTimeout } from "../core/backoff";
import { loadConfig } from "../core/config";
import { CliError, errorText, EXIT, EXIT_MEANINGS, type ExitCode } from "../core/errors";
import { ensurePrivateDir } from "../core/files";
import { numberField, stringField } from "../core/json";
import { Logger } from "../core/log";
import { Daemon } from "../daemon/daemon";
import type { DaemonOptions } from "../daemon/daemon-options";
import type { DaemonEnd } from "../daemon/daemon-end";
import { acquireLock, findLockHolder } from "../daemon/lock";
import type { Paths } from "../core/paths";
import { readState } from "../daemon/state-file";
import type { Transport } from "../link/ladder";
import { isAlive } from "../watch/process-info";
import { parseWatchFlag, splitCommand, type WatchEntry } from "../watch/watch-entry";
import { requireClient, type CliContext } from "./context";
import { CLI_VERSION } from "../version";
import { UpView } from "./up-view";

export interface UpOptions {
  readonly name?: string;
  readonly transport: Transport;
  readonly watch: readonly string[];
  readonly configFile?: string;
  readonly leaveRunning?: boolean;
  readonly detach?: boolean;
  readonly openclaw: boolean;
  readonly hermesCommand?: string;
}

/** Set in a daemon started by --detach; it has no terminal and nobody waits for it. */
const DETACHED_VARIABLE = "SETT_DETACHED";
const DETACH_WAIT_MS = 15_000;
/** A new version that ends with an error sooner than this does not work. */
const TRIAL_MS = 10_000;
const DOWN_WAIT_MS = 20_000;
const LABEL_MAX = 100;

/** `sett up`: runs the daemon until it is told to stop. Returns the exit code. */
export async function up(context: CliContext, options: UpOptions): Promise<ExitCode> {
  const { out, paths } = context;
  const { auth, api } = requireClient(context);
  const flagEntries = options.watch.map(toEntry);
  const hermesCommand = options.hermesCommand === undefined ? undefined : toWords(options.hermesCommand);
  const configFile = options.configFile === undefined ? paths.config : resolve(options.configFile);
  const configMustExist = options.configFile !== undefined;
  loadConfig(configFile, configMustExist);
  if (options.detach === true) return detach(context);
  const log = new Logger(paths.daemonLog, [auth.access_token]);
  for (;;) {
    const view = new UpView(out);
    const end = await runDaemon(paths, log, view, {
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
      ...(hermesCommand === undefined ? {} : { hermesCommand }),
      onEvent: (event) => view.show(event),
    });
    if (end.message !== undefined) throw new CliError(end.exitCode, end.message, end.hint, "daemon_ended");
    if (end.handover === undefined) return end.exitCode;
    const code = await handOver(end.handover);
    if (code !== "does_not_start") return code;
    // This program is still whole in memory: an old daemon is better than none.
    log.error("daemon.handover.failed", { detail: "the new version does not start; the old one goes on" });
    out.note(`${out.errColors.red("✗")} the new version does not start; going on with ${CLI_VERSION}`);
  }
}

async function runDaemon(paths: Paths, log: Logger, view: UpView, options: DaemonOptions): Promise<DaemonEnd> {
  const release = acquireLock(paths.lock);
  const onDefect = (error: Error): void => log.error("daemon.defect", { error, stack: error.stack });
  process.on("uncaughtExceptionMonitor", onDefect);
  try {
    const daemon = new Daemon(options);
    const undo = stopOnSignals(() => daemon.stop());
    try {
      const end = await daemon.run();
      if (end.message !== undefined) log.error("daemon.ended", { detail: end.message, exit_code: end.exitCode });
      return end;
    } finally {
      undo();
    }
  } finally {
    process.off("uncaughtExceptionMonitor", onDefect);
    view.close();
    release();
  }
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

function toWords(text: string): readonly string[] {
  try {
    const words = splitCommand(text);
    if (words.length > 0) return words;
  } catch (error) {
    throw new CliError(EXIT.usage, `--hermes-command: ${errorText(error)}`, undefined, "bad_command");
  }
  throw new CliError(EXIT.usage, "--hermes-command has no command", 'Example: --hermes-command "hermes gateway run"', "bad_command");
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

/**
 * Starts the new version in this one's place: the same words, the same terminal. In the foreground it waits for it and
 * passes signals on; in the background it leaves once the new version has lived for a moment.
 */
async function handOver(binary: readonly string[]): Promise<ExitCode | "does_not_start"> {
  const [program, ...args] = binary;
  const detached = process.env[DETACHED_VARIABLE] === "1";
  const startedAt = Date.now();
  const child = spawn(program ?? "", [...args, ...process.argv.slice(2)], { stdio: "inherit", detached });
  let signalled = false;
  const pass = (signal: NodeJS.Signals): void => {
    signalled = true;
    child.kill(signal);
  };
  const signals: readonly NodeJS.Signals[] = ["SIGTERM", "SIGINT", "SIGHUP"];
  for (const signal of signals) process.on(signal, pass);
  const ended = new Promise<number>((resolve) => {
    child.once("error", () => resolve(EXIT.general));
    child.once("exit", (code) => resolve(code ?? EXIT.general));
  });
  const code = detached ? await withTimeout(ended, TRIAL_MS) : await ended;
  for (const signal of signals) process.off(signal, pass);
  if (code === undefined) {
    child.unref();
    return EXIT.ok;
  }
  // The codes with a meaning of their own come from a program that works.
  const broken = code !== EXIT.ok && !EXIT_MEANINGS.some(([known]) => known === code && known !== EXIT.general);
  return broken && !signalled && Date.now() - startedAt < TRIAL_MS ? "does_not_start" : toExitCode(code);
}

function toExitCode(code: number): ExitCode {
  return EXIT_MEANINGS.find(([known]) => known === code)?.[0] ?? EXIT.general;
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
