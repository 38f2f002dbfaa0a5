import type { components } from "../../../clients/fleet.gen";
import { CliError, EXIT } from "../core/errors";
import { ApiClient } from "../core/http";
import { isObject, stringField } from "../core/json";
import { formatAgo, formatDuration, formatTable } from "../core/output";
import type { CliContext } from "./context";

type Schemas = components["schemas"];

const BASE = "/api/v1/admin/ops";
const NO_ADMIN = "Set SETT_ADMIN_TOKEN to an administrator's access token, or SETT_ADMIN_EMAIL and SETT_ADMIN_PASSWORD.";

export interface LettersOptions {
  readonly type?: string;
  readonly limit: number;
  readonly retry?: string;
  readonly drop?: string;
}

/** `sett ops dead-letters` */
export const showDeadLetters = (context: CliContext, options: LettersOptions): Promise<void> =>
  asAdministrator(context, async (api) => {
    const { out } = context;
    if (options.retry !== undefined) return acted(context, "retried", options.retry, await api.call<unknown>("POST", `${BASE}/dead-letters/${encodeURIComponent(options.retry)}/retry`));
    if (options.drop !== undefined) return acted(context, "dropped", options.drop, await api.call<unknown>("DELETE", `${BASE}/dead-letters/${encodeURIComponent(options.drop)}`));
    const answer = await api.call<Schemas["DeadLetterList"]>("GET", `${BASE}/dead-letters?${queryOf({ type: options.type, limit: options.limit })}`);
    if (out.options.json) return out.json(answer);
    const now = Date.now();
    printTable(context, "no dead letters", ["BURIED", "TYPE", "REASON", "PAYLOAD", "ID"], answer.dead_letters.map((one) => [formatAgo(one.created_at, now), one.type, short(one.reason), short(JSON.stringify(one.payload ?? null), 40), one.id]));
    if (answer.total > answer.dead_letters.length) out.note(`  ${answer.total} in all; --limit shows more`);
  });

export interface OutboxOptions extends LettersOptions {
  readonly state: string;
}

/** `sett ops outbox` */
export const showOutbox = (context: CliContext, options: OutboxOptions): Promise<void> =>
  asAdministrator(context, async (api) => {
    const { out } = context;
    if (options.retry !== undefined) return acted(context, "retried", options.retry, await api.call<unknown>("POST", `${BASE}/outbox/${encodeURIComponent(options.retry)}/retry`));
    if (options.drop !== undefined) return acted(context, "dropped", options.drop, await api.call<unknown>("DELETE", `${BASE}/outbox/${encodeURIComponent(options.drop)}`));
    const answer = await api.call<Schemas["OutboxEffectList"]>("GET", `${BASE}/outbox?${queryOf({ state: options.state, type: options.type, limit: options.limit })}`);
    const counts = await api.call<Schemas["OutboxCounts"]>("GET", `${BASE}/outbox/counts`);
    if (out.options.json) return out.json({ ...answer, counts });
    const now = Date.now();
    printTable(context, `nothing is ${options.state}`, ["MADE", "TYPE", "STATE", "TRIES", "LAST ERROR", "ID"], answer.effects.map((one) => [formatAgo(one.created_at, now), one.type, one.state, String(one.attempts), short(one.last_error ?? "–"), one.id]));
    out.note(`  ${counts.pending} pending (${counts.due} due), ${counts.parked} parked`);
  });

export interface CronOptions {
  readonly limit: number;
  readonly failures?: boolean;
}

/** `sett ops cron [JOB]` */
export const showCron = (context: CliContext, job: string | undefined, options: CronOptions): Promise<void> =>
  asAdministrator(context, async (api) => {
    const { out } = context;
    const now = Date.now();
    const line = (run: Schemas["CronRun"]): string[] => [run.job, formatAgo(run.scheduled_at, now), state(context, run.outcome), run.duration_ms === null ? "–" : `${run.duration_ms} ms`];
    if (job === undefined && options.failures !== true) {
      const answer = await api.call<Schemas["CronOverview"]>("GET", `${BASE}/cron`);
      if (out.options.json) return out.json(answer);
      return printTable(context, "no cron job has run", ["JOB", "LAST", "OUTCOME", "TOOK", "FAILED IN A DAY", "ERROR"], answer.jobs.map((one) => [...line(one), String(one.failures_last_day), short(one.error ?? "–")]));
    }
    const query = queryOf({ limit: options.limit, outcome: job !== undefined && options.failures === true ? "failed" : undefined });
    const answer = await api.call<Schemas["CronRunList"]>("GET", job === undefined ? `${BASE}/cron-failures?${query}` : `${BASE}/cron/${encodeURIComponent(job)}?${query}`);
    if (out.options.json) return out.json(answer);
    printTable(context, "no such runs", ["JOB", "WHEN", "OUTCOME", "TOOK", "ERROR"], answer.runs.map((one) => [...line(one), short(one.error ?? "–")]));
  });

export interface AuditOptions {
  readonly actor?: string;
  readonly action?: string;
  readonly subject?: string;
  readonly tenant?: string;
  readonly since?: string;
  readonly until?: string;
  readonly limit: number;
}

/** `sett ops audit` */
export const showAudit = (context: CliContext, options: AuditOptions): Promise<void> =>
  asAdministrator(context, async (api) => {
    const [subjectType, ...subjectId] = options.subject?.split(":") ?? [];
    if (options.subject !== undefined && subjectId.join(":") === "") throw new CliError(EXIT.usage, "a subject is TYPE:ID, for example account:42", undefined, "bad_subject");
    const query = queryOf({
      actor_id: options.actor,
      action: options.action,
      subject_type: subjectType,
      subject_id: options.subject === undefined ? undefined : subjectId.join(":"),
      tenant_id: options.tenant,
      since: timeOf(options.since),
      until: timeOf(options.until),
      limit: options.limit,
    });
    const answer = await api.call<Schemas["AuditPage"]>("GET", `${BASE}/audit?${query}`);
    if (context.out.options.json) return context.out.json(answer);
    const rows = answer.entries.map((one) => [
      one.created_at,
      one.action,
      `${one.actor_type} ${one.actor_id ?? "–"}`,
      one.subject_type === null ? "–" : `${one.subject_type}:${one.subject_id ?? ""}`,
      one.ip ?? "–",
      short(JSON.stringify(one.detail), 80),
    ]);
    printTable(context, "nothing was done", ["WHEN", "ACTION", "WHO", "SUBJECT", "IP", "DETAIL"], rows);
  });

export interface GatesOptions {
  readonly open?: string;
  readonly close?: string;
}

/** `sett ops gates`: lists them, or turns one on or off and leaves the rest of its setting. */
export const showGates = (context: CliContext, options: GatesOptions): Promise<void> =>
  asAdministrator(context, async (api) => {
    const { out } = context;
    const key = options.open ?? options.close;
    if (key !== undefined) {
      const path = `${BASE}/gates/${encodeURIComponent(key)}`;
      const { percentage, allowed_accounts, note } = await api.call<Schemas["FeatureGate"]>("GET", path);
      const gate = await api.call<Schemas["FeatureGate"]>("PUT", path, { body: { enabled: options.open !== undefined, percentage, allowed_accounts, note } });
      if (out.options.json) return out.json(gate);
      return out.note(`${out.errColors.green("✓")} ${key} is ${gateState(gate)}; every isolate follows within a minute`);
    }
    const answer = await api.call<Schemas["FeatureGateList"]>("GET", `${BASE}/gates`);
    if (out.options.json) return out.json(answer);
    printTable(context, "no gates", ["GATE", "STATE", "ALWAYS FOR", "GUARDS", "NOTE"], answer.gates.map((gate) => [gate.key, gateState(gate), gate.allowed_accounts.join(" ") || "–", short(gate.guards ?? "nothing asks it"), gate.note ?? "–"]));
  });

const gateState = ({ enabled, percentage }: Schemas["FeatureGate"]): string => (!enabled || percentage === 0 ? "shut" : percentage === 100 ? "open" : `open for ${percentage} %`);

/** `sett ops findings` */
export const showFindings = (context: CliContext, options: { readonly resolved?: boolean; readonly limit: number }): Promise<void> =>
  asAdministrator(context, async (api) => {
    const answer = await api.call<Schemas["ReconcileFindingList"]>("GET", `${BASE}/findings?${queryOf({ state: options.resolved === true ? "resolved" : "open", limit: options.limit })}`);
    if (context.out.options.json) return context.out.json(answer);
    const now = Date.now();
    printTable(context, "nothing differs from what we know", ["KIND", "SUBJECT", "DRIVER", "FIRST SEEN", "LAST SEEN", "DETAIL"], answer.findings.map((one) => [one.kind, one.subject, one.driver, formatAgo(one.first_seen_at, now), formatAgo(one.last_seen_at, now), short(JSON.stringify(one.detail), 60)]));
  });

/** `sett ops lag` */
export const showLag = (context: CliContext): Promise<void> =>
  asAdministrator(context, async (api) => {
    const { out } = context;
    const lag = await api.call<Schemas["QueueLag"]>("GET", `${BASE}/lag`);
    if (out.options.json) return out.json(lag);
    const late = lag.queue.late_ms;
    out.print(`outbox        ${lag.outbox.due} due, the oldest ${formatDuration(lag.outbox.oldest_age_seconds * 1_000)} old; ${lag.outbox.parked} gave up`);
    out.print(`queue         ${lag.queue.handled_last_5_minutes} handled in 5 min, ${lag.queue.handled_last_hour}${lag.queue.capped ? " or more" : ""} in an hour; late by ${late === null ? "–" : `${late.p50} ms (middle), ${late.p95} ms (one in twenty), ${late.max} ms (most)`}`);
    out.print(`dead letters  ${lag.dead_letters.total}${lag.dead_letters.by_type.map((one) => `, ${one.count} ${one.type}`).join("")}`);
  });

/**
 * Runs with an administrator's credential, which is never the machine's own login: that is a CLI token, and those may not do this. A session that
 * was opened for the command is closed after it. Throws CliError: exit 3 without a credential or with a dead one.
 */
async function asAdministrator<T>(context: CliContext, work: (api: ApiClient) => Promise<T>): Promise<T> {
  const { SETT_ADMIN_TOKEN: given, SETT_ADMIN_EMAIL: email, SETT_ADMIN_PASSWORD: password } = process.env;
  if (!given && !(email && password)) throw new CliError(EXIT.notLoggedIn, "no administrator's credential", NO_ADMIN, "no_admin");
  const token = given || (await signIn(context, email ?? "", password ?? ""));
  const api = new ApiClient(context.server, token);
  try {
    return await work(api);
  } catch (error) {
    if (error instanceof CliError && error.exitCode === EXIT.notLoggedIn) throw new CliError(EXIT.notLoggedIn, error.message, NO_ADMIN, error.code);
    throw error;
  } finally {
    if (!given) await api.request("POST", "/api/v1/user/logout").catch(() => undefined);
  }
}

async function signIn({ server }: CliContext, email: string, password: string): Promise<string> {
  const answer = await new ApiClient(server).call<unknown>("POST", "/api/v1/admin/login", { body: { email, password } });
  const token = isObject(answer) ? stringField(answer, "access_token") : undefined;
  if (token === undefined) throw new CliError(EXIT.unreachable, "the server's answer cannot be read", undefined, "bad_answer");
  return token;
}

function acted({ out }: CliContext, event: string, id: string, answer: unknown): void {
  if (out.options.json) out.json({ event, id, ...(isObject(answer) ? answer : {}) });
  else out.note(`${out.errColors.green("✓")} ${event} ${id}`);
}

function printTable({ out }: CliContext, empty: string, header: readonly string[], rows: ReadonlyArray<readonly string[]>): void {
  if (rows.length === 0) return out.print(empty);
  for (const line of formatTable(header.map((word) => out.colors.dim(word)), rows)) out.print(line);
}

const state = ({ out }: CliContext, outcome: string): string => (outcome === "ok" ? out.colors.green(outcome) : outcome === "failed" ? out.colors.red(outcome) : out.colors.yellow(outcome));

/** One line of at most `chars` characters. */
function short(text: string, chars = 60): string {
  const line = text.replaceAll(/\s+/g, " ");
  return line.length > chars ? `${line.slice(0, chars - 1)}…` : line;
}

function queryOf(fields: Readonly<Record<string, string | number | undefined>>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) query.set(name, String(value));
  return query.toString();
}

/** A time as the API takes it: whatever JavaScript reads as a date, or `2h`, `30m`, `7d` ago. */
function timeOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const ago = /^(\d{1,5})([mhd])$/.exec(text);
  const at = ago ? Date.now() - Number(ago[1]) * { m: 60_000, h: 3_600_000, d: 86_400_000 }[ago[2] as "m" | "h" | "d"] : Date.parse(text);
  if (Number.isNaN(at)) throw new CliError(EXIT.usage, `"${text}" is no time`, "Give it as 2026-01-31T08:00:00Z, or as 30m, 2h or 7d ago.", "bad_time");
  return new Date(at).toISOString();
}
