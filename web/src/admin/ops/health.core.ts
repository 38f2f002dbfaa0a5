/** Whether the server's work is in time, and what to do when it is not. The bounds are those of docs/operations.md. */
import { countOf, formatSpan } from "../../lib/format";
import type { CronJob, Lag } from "../admin.types";

interface LagSample {
  atMs: number;
  oldestSeconds: number;
  /** ms; null when nothing was handled in the last hour. */
  lateMs: number | null;
}

export interface LagTrack {
  lag: Lag;
  samples: LagSample[];
}

/** An hour at a look every ten seconds. */
const SAMPLES_MAX = 360;

/** The newest lag behind what was seen before. */
export function foldLag(before: LagTrack | undefined, lag: Lag, nowMs: number): LagTrack {
  const sample = { atMs: nowMs, oldestSeconds: lag.outbox.oldest_age_seconds, lateMs: lag.queue.late_ms?.p95 ?? null };
  return { lag, samples: [...(before?.samples ?? []), sample].slice(-SAMPLES_MAX) };
}

export interface Trouble {
  tone: "warn" | "bad";
  title: string;
  advice: string;
  /** The page that shows more. */
  to: "/admin/work" | "/admin/cron" | "/admin/findings" | null;
}

const STANDS_STILL_SECONDS = 120;
const LATE_MS = 60_000;
const HANGS_MS = 10 * 60_000;
/** Some job is due every minute. */
const NO_TICK_MS = 3 * 60_000;

/** Everything that is wrong now, the worst first. */
export function listTroubles(lag: Lag, jobs: readonly CronJob[], openFindings: number, nowMs: number): Trouble[] {
  const troubles: Trouble[] = [];
  const { outbox, queue, dead_letters: letters } = lag;
  const lastTick = Math.max(...jobs.map(({ scheduled_at: at }) => Date.parse(at)), 0);
  if (jobs.length > 0 && nowMs - lastTick > NO_TICK_MS) troubles.push({ tone: "bad", title: `The schedule does not run: the last tick was ${formatSpan((nowMs - lastTick) / 1000)} ago`, advice: "Nothing that waits for a sweep is done. Look whether the process, or the Worker's cron triggers, are there.", to: "/admin/cron" });
  if (outbox.due > 0 && outbox.oldest_age_seconds > STANDS_STILL_SECONDS) troubles.push({ tone: "bad", title: `Deliveries are late: the oldest effect has been due for ${formatSpan(outbox.oldest_age_seconds)}`, advice: "Deliveries or the queue stand still, or what they call does not answer.", to: "/admin/work" });
  for (const { job, outcome, started_at: startedAt } of jobs) {
    if (outcome === "running" && nowMs - Date.parse(startedAt) > HANGS_MS) troubles.push({ tone: "bad", title: `${job} never ended`, advice: "Its isolate died, most likely. The next tick finds the same rows.", to: "/admin/cron" });
    if (outcome === "failed") troubles.push({ tone: "bad", title: `${job} failed at its last tick`, advice: "Its error is in the history.", to: "/admin/cron" });
  }
  if (queue.late_ms !== null && queue.late_ms.p95 > LATE_MS) troubles.push({ tone: "warn", title: `Messages are handled ${formatSpan(queue.late_ms.p95 / 1000)} late (one in twenty later still)`, advice: "Too much was sent at once, or handling is slow.", to: null });
  if (outbox.parked > 0) troubles.push({ tone: "warn", title: `${countOf(outbox.parked, "effect")} gave up`, advice: "Put the cause right, which the error names, then try again.", to: "/admin/work" });
  if (letters.total > 0) troubles.push({ tone: "warn", title: `${countOf(letters.total, "message")} could not be handled`, advice: "Send them again once the cause is gone, or drop them.", to: "/admin/work" });
  if (openFindings > 0) troubles.push({ tone: "warn", title: `${countOf(openFindings, "finding")} of the reconcilers ${openFindings === 1 ? "is" : "are"} open`, advice: "Computers or machines do not match what is on record.", to: "/admin/findings" });
  return troubles.toSorted((a, b) => Number(b.tone === "bad") - Number(a.tone === "bad"));
}

/** "240 ms", "1.2 s", "3 min". */
export function formatMs(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 10_000) return `${(ms / 1000).toFixed(1).replace(/\.0$/, "")} s`;
  return formatSpan(ms / 1000);
}
