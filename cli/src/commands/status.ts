import { CliError, EXIT } from "../core/errors";
import { ApiClient } from "../core/http";
import { isObject, numberField, stringField, type JsonObject } from "../core/json";
import { formatAgo, formatTable } from "../core/output";
import { findLockHolder } from "../daemon/lock";
import { readState } from "../daemon/state-file";
import type { CliContext } from "./context";
import { listMachines, machineTable } from "./machines";

/** `sett status`: this machine's daemon and processes, then the fleet. Throws what kept the fleet from being shown. */
export async function showStatus(context: CliContext): Promise<void> {
  const { out, paths, auth } = context;
  const holder = findLockHolder(paths.lock);
  const state = readState(paths.state);
  const live = holder !== undefined && state !== undefined && numberField(state, "pid") === holder.pid;
  const governance = live && isObject(state["governance"]) ? state["governance"] : null;
  const daemon = { running: holder !== undefined, pid: holder?.pid ?? null, ...(live ? { state } : {}) };
  let failure: CliError | undefined;
  let machines: Awaited<ReturnType<typeof listMachines>> | undefined;
  try {
    if (auth === undefined) throw new CliError(EXIT.notLoggedIn, "not logged in", "Run: sett login", "not_logged_in");
    machines = await listMachines(new ApiClient(auth.server, auth.access_token));
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    failure = error;
  }
  if (out.options.json) {
    out.json({ server: context.server, instance_id: auth?.instance_id ?? null, daemon, governance, machines: machines ?? null, ...(failure === undefined ? {} : { error: failure.message }) });
    // The one JSON line says it all; only the exit code is left to give.
    if (failure !== undefined) process.exitCode = failure.exitCode;
    return;
  }
  for (const line of daemonLines(context, holder?.pid, live ? state : undefined)) out.print(line);
  if (failure !== undefined) throw failure;
  out.print("");
  for (const line of machineTable(machines ?? [], auth?.instance_id ?? null, out)) out.print(line);
}

/** Who governs this machine, by which contract, and whether its agents may run. */
function governanceLines(out: CliContext["out"], raw: unknown): string[] {
  if (!isObject(raw)) return [];
  const c = out.colors;
  const tenant = stringField(raw, "tenant");
  const revision = numberField(raw, "revision");
  const problem = stringField(raw, "problem");
  const trouble = problem === undefined ? [] : [`         ${c.red(problem)}`];
  if (raw["mode"] === "broken") return [`governed ${c.red("by a contract that is lost: every domain is denied")}`, ...trouble];
  if (raw["mode"] === "released") return [`governed ${c.dim(`no more (${tenant ?? "?"} released this machine)`)}`];
  const enforcing = Array.isArray(raw["enforcing"]) ? raw["enforcing"].filter((item): item is string => typeof item === "string") : [];
  const suspended = raw["suspended"] === true ? c.yellow(", suspended: agents stay stopped") : "";
  return [`governed by ${c.bold(tenant ?? "?")}, contract revision ${revision ?? "?"}${suspended}${enforcing.length === 0 ? "" : c.dim(`  enforces ${enforcing.join(", ")}`)}`, ...trouble];
}

function daemonLines(context: CliContext, pid: number | undefined, state: JsonObject | undefined): string[] {
  const { out, server, auth } = context;
  const c = out.colors;
  const lines = [`server   ${server}${auth === undefined ? c.red("  not logged in") : auth.user_id === null ? "" : c.dim(`  ${auth.user_id}`)}`];
  lines.push(`machine  ${auth?.instance_id ?? c.dim("not registered yet")}`);
  if (pid === undefined) return [...lines, `daemon   ${c.yellow("not running")}  ${c.dim("start it with: sett up")}`];
  const version = state === undefined ? undefined : stringField(state, "version");
  const since = state === undefined ? undefined : stringField(state, "started_at");
  lines.push(`daemon   ${c.green("running")}  pid ${pid}${version === undefined ? "" : `, version ${version}, started ${formatAgo(since, Date.now())}`}`);
  if (state === undefined) return lines;
  const link = stringField(state, "link") ?? "none";
  const error = stringField(state, "last_error");
  const linkText = link === "none" ? c.yellow("none") + (error === undefined ? "" : `  ${error}`) : `${c.green(link)}  since ${formatAgo(stringField(state, "link_since"), Date.now())}`;
  lines.push(`link     ${linkText}, last beat ${formatAgo(stringField(state, "last_beat_at"), Date.now())}`);
  const gatewayPid = numberField(state, "gateway_pid");
  lines.push(`gateway  ${stringField(state, "gateway_status") ?? "unknown"}${gatewayPid === undefined ? "" : `  pid ${gatewayPid}`}`);
  lines.push(...governanceLines(out, state["governance"]));
  const watched = Array.isArray(state["watched"]) ? state["watched"].filter(isObject) : [];
  if (watched.length === 0) return lines;
  const rows = watched.map((item) => {
    const status = stringField(item, "status") ?? "?";
    const color = status === "running" ? c.green : status === "crashed" ? c.red : c.yellow;
    return [stringField(item, "name") ?? "?", color(status), String(numberField(item, "pid") ?? "–"), String(numberField(item, "restarts") ?? 0), formatAgo(stringField(item, "started_at"), Date.now())];
  });
  return [...lines, "", ...formatTable(["PROCESS", "STATUS", "PID", "RESTARTS", "STARTED"].map((word) => c.dim(word)), rows)];
}
