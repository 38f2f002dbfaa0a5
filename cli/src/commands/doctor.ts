import { accessSync, constants, statfsSync } from "node:fs";
import { loadConfig } from "../core/config";
import { CliError, errorText, EXIT, type ExitCode } from "../core/errors";
import { ensurePrivateDir } from "../core/files";
import { ApiClient, type ApiAnswer } from "../core/http";
import type { InstanceResponse } from "../core/api-types";
import { isObject, stringField } from "../core/json";
import { formatDuration } from "../core/output";
import { findLockHolder } from "../daemon/lock";
import { readState } from "../daemon/state-file";
import { LINK_TIMINGS } from "../link/link";
import { openSocketLink } from "../link/socket-link";
import { findProgram } from "../watch/openclaw";
import { checkBots } from "./doctor-bots";
import { checkGovernance } from "./doctor-governance";
import type { CliContext } from "./context";

export interface Check {
  readonly name: string;
  readonly state: "ok" | "warn" | "fail";
  readonly detail: string;
  readonly todo?: string;
}

const SKEW_WARN_MS = 30_000;
const EXPIRY_WARN_MS = 7 * 86_400_000;
const DISK_WARN_BYTES = 100 * 1024 * 1024;
const SOCKET_LIMIT_MS = 5_000;
const MINIMUM_NODE = 20;

/** `sett doctor`: checks everything the daemon needs, one line each. Exit 6 when something fails. */
export async function doctor(context: CliContext): Promise<ExitCode> {
  const checks: Check[] = [checkNode(), checkDisk(context), checkConfig(context)];
  const health = await checkServer(context, checks);
  if (health !== undefined) {
    checks.push(checkClock(health));
    checks.push(await checkDatabase(context));
    const instances = await checkLogin(context, checks);
    checks.push(checkInstance(context, instances));
    checks.push(await checkSocket(context));
  }
  checks.push(checkOpenclaw(), ...(await checkBots(context)), ...(await checkGovernance(context)), checkDaemon(context));
  const failed = checks.some((check) => check.state === "fail");
  const { out } = context;
  if (out.options.json) out.json({ ok: !failed, server: context.server, checks });
  else for (const check of checks) printCheck(context, check);
  return failed ? EXIT.problems : EXIT.ok;
}

function printCheck({ out }: CliContext, check: Check): void {
  const c = out.colors;
  if (out.options.quiet && check.state === "ok") return;
  const mark = check.state === "ok" ? c.green("✓") : check.state === "warn" ? c.yellow("!") : c.red("✗");
  out.print(`${mark} ${check.name}: ${check.detail}${check.todo === undefined ? "" : c.dim(` → ${check.todo}`)}`);
}

function checkNode(): Check {
  const major = Number(process.versions.node.split(".")[0]);
  if (major >= MINIMUM_NODE) return { name: "node", state: "ok", detail: process.versions.node };
  return { name: "node", state: "fail", detail: `${process.versions.node} is too old`, todo: `install Node ${MINIMUM_NODE} or newer` };
}

function checkDisk({ paths }: CliContext): Check {
  try {
    ensurePrivateDir(paths.home);
    accessSync(paths.home, constants.W_OK);
    const disk = statfsSync(paths.home);
    const free = disk.bavail * disk.bsize;
    if (free < DISK_WARN_BYTES) return { name: "disk", state: "warn", detail: `${paths.home} has ${Math.round(free / 1024 / 1024)} MiB left`, todo: "free some space" };
    return { name: "disk", state: "ok", detail: `${paths.home} is writable` };
  } catch (error) {
    return { name: "disk", state: "fail", detail: errorText(error), todo: "choose another folder with --config or SETT_HOME" };
  }
}

function checkConfig({ paths }: CliContext): Check {
  try {
    const { watch } = loadConfig(paths.config);
    return { name: "config", state: "ok", detail: watch.length === 0 ? "nothing is watched by config" : `watches ${watch.map((entry) => entry.name).join(", ")}` };
  } catch (error) {
    return { name: "config", state: "fail", detail: errorText(error), todo: "mend the file" };
  }
}

async function checkServer(context: CliContext, checks: Check[]): Promise<ApiAnswer | undefined> {
  const { server } = context;
  try {
    const answer = await new ApiClient(server).request("GET", "/health");
    const ok = answer.status >= 200 && answer.status < 300;
    checks.push({ name: "server", state: ok ? "ok" : "fail", detail: `${server} answered ${answer.status} in ${answer.elapsedMs} ms`, ...(ok ? {} : { todo: "is this the right address?" }) });
    const url = new URL(server);
    if (url.protocol === "http:" && !["localhost", "127.0.0.1", "[::1]"].includes(url.hostname)) {
      checks.push({ name: "transport", state: "warn", detail: "http without TLS: the token travels in the clear", todo: "use an https address" });
    }
    return answer;
  } catch (error) {
    checks.push({ name: "server", state: "fail", detail: errorText(error), todo: "check --server, SETT_SERVER and the network" });
    return undefined;
  }
}

/** Compares clocks by the Date header, which counts whole seconds and was written half a round trip ago. */
function checkClock(health: ApiAnswer): Check {
  // A server without a Date header (a local one) still tells its time in the answer.
  const said = health.headers.get("date") ?? (isObject(health.body) ? stringField(health.body, "timestamp") : undefined);
  const server = Date.parse(said ?? "");
  if (Number.isNaN(server)) return { name: "clock", state: "warn", detail: "the server does not tell the time" };
  const skew = Date.now() - health.elapsedMs / 2 - (server + 500);
  if (Math.abs(skew) <= SKEW_WARN_MS) return { name: "clock", state: "ok", detail: `within ${Math.max(1, Math.round(Math.abs(skew) / 1000))} s of the server` };
  return { name: "clock", state: "warn", detail: `${formatDuration(Math.abs(skew))} ${skew > 0 ? "ahead of" : "behind"} the server`, todo: "turn on time synchronisation (NTP)" };
}

async function checkDatabase({ server }: CliContext): Promise<Check> {
  try {
    const answer = await new ApiClient(server).request("GET", "/health/db");
    if (answer.status === 200) return { name: "database", state: "ok", detail: `answers in ${answer.elapsedMs} ms` };
    return { name: "database", state: "fail", detail: `the server says ${answer.status}`, todo: "this is the server's trouble; tell whoever runs it" };
  } catch (error) {
    return { name: "database", state: "fail", detail: errorText(error) };
  }
}

async function checkLogin({ auth }: CliContext, checks: Check[]): Promise<readonly InstanceResponse[] | undefined> {
  if (auth === undefined) {
    checks.push({ name: "login", state: "fail", detail: "not logged in to this server", todo: "sett login" });
    return undefined;
  }
  try {
    const instances = await new ApiClient(auth.server, auth.access_token).call<InstanceResponse[]>("GET", "/api/v1/openclaw/status");
    checks.push(expiryCheck(auth.expires_at, Date.now()));
    return instances;
  } catch (error) {
    const hint = error instanceof CliError ? error.hint : undefined;
    checks.push({ name: "login", state: "fail", detail: errorText(error), ...(hint === undefined ? {} : { todo: hint }) });
    return undefined;
  }
}

/** The login line of an accepted token. Pure. */
export function expiryCheck(expiresAt: string | null, now: number): Check {
  const at = Date.parse(expiresAt ?? "");
  if (Number.isNaN(at)) return { name: "login", state: "ok", detail: "the token is accepted" };
  const left = at - now;
  if (left < EXPIRY_WARN_MS) return { name: "login", state: "warn", detail: `the token expires in ${formatDuration(left)}`, todo: "sett login" };
  return { name: "login", state: "ok", detail: `the token is accepted, expires in ${formatDuration(left)}` };
}

function checkInstance({ auth }: CliContext, instances: readonly InstanceResponse[] | undefined): Check {
  const id = auth?.instance_id ?? null;
  if (id === null) return { name: "machine", state: "warn", detail: "not registered yet", todo: "sett up" };
  if (instances === undefined) return { name: "machine", state: "warn", detail: `${id}: cannot tell without a login` };
  if (instances.some((instance) => instance.instance_id === id)) return { name: "machine", state: "ok", detail: `${id} is known` };
  return { name: "machine", state: "fail", detail: `${id} is not known to the server`, todo: "sett up registers it anew" };
}

/**
 * Whether a socket gets through to the server. A running daemon is asked instead, because a second socket for this
 * machine would push it off its own; without one, this machine's socket is opened and left again.
 */
async function checkSocket({ server, auth, paths }: CliContext): Promise<Check> {
  const holder = findLockHolder(paths.lock);
  if (holder !== undefined) {
    const link = stringField(readState(paths.state) ?? {}, "link") ?? "none";
    if (link === "socket") return { name: "socket", state: "ok", detail: "the daemon uses it" };
    return { name: "socket", state: "warn", detail: `the daemon's link is ${link}`, todo: "sett logs says why; sett down, then sett doctor tests the socket itself" };
  }
  if (auth?.instance_id == null) return { name: "socket", state: "warn", detail: "cannot be tested before the machine is registered", todo: "sett up" };
  const nothing = (): void => undefined;
  const hooks = { onCommands: nothing, onEvent: nothing, onEventId: nothing, onPace: nothing, onInterval: nothing, onContract: nothing };
  try {
    const link = await openSocketLink(new ApiClient(server, auth.access_token), auth.instance_id, undefined, hooks, { ...LINK_TIMINGS, openMs: SOCKET_LIMIT_MS });
    await link.goodbye(SOCKET_LIMIT_MS);
    return { name: "socket", state: "ok", detail: "opens" };
  } catch (error) {
    return { name: "socket", state: "warn", detail: errorText(error), todo: "the daemon falls back to streams and beats by itself; let proxies pass WebSocket upgrades" };
  }
}

function checkOpenclaw(): Check {
  const path = findProgram("openclaw");
  if (path !== undefined) return { name: "openclaw", state: "ok", detail: path };
  return { name: "openclaw", state: "warn", detail: "not found in PATH", todo: "fine if you watch other processes; otherwise install it" };
}

function checkDaemon({ paths }: CliContext): Check {
  const holder = findLockHolder(paths.lock);
  if (holder === undefined) return { name: "daemon", state: "warn", detail: "not running", todo: "sett up" };
  const state = readState(paths.state);
  const link = isObject(state) ? stringField(state, "link") : undefined;
  if (link === undefined || link === "none") return { name: "daemon", state: "warn", detail: `runs as pid ${holder.pid} but is not linked`, todo: "sett logs" };
  return { name: "daemon", state: "ok", detail: `runs as pid ${holder.pid}, linked by ${link}` };
}
