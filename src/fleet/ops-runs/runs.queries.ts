import type { z } from "zod";
import { DAY_MS, HOUR_MS, iso, isoOrNull, MINUTE_MS, SECOND_MS } from "../../kernel/clock";
import type { OwnerCtx } from "../../kernel/context";
import { pageOf, readCursor, type Cursor } from "../../kernel/db/cursor";
import { latenessOf } from "./runs.core";
import { toFindingView, toRunView, type CronJobRef, type CronOverviewView, type CronRunListView, type FindingListView, type LagView, type ListFailuresQuery, type ListFindingsQuery, type ListRunsQuery } from "./runs.schemas";
import { countFailures, countLettersByType, readBacklog, selectFailures, selectFindings, selectHandled, selectLastRuns, selectRuns, type CronRun } from "./runs.store";

/** Messages that one answer looks at. */
const SAMPLE_MAX = 5_000;

const cursorOf = (text: string | undefined): Cursor | null => (text === undefined ? null : readCursor(text));

/** How late work is: what waits, how long messages waited, what gave up. */
export async function getLag(ctx: OwnerCtx): Promise<z.input<typeof LagView>> {
  const now = ctx.clock.now();
  const [backlog, handled, letters] = await Promise.all([readBacklog(ctx, now), selectHandled(ctx, now - HOUR_MS, SAMPLE_MAX + 1), countLettersByType(ctx)]);
  const counted = handled.slice(0, SAMPLE_MAX);
  const newest = letters.map((one) => one.newestAt).filter((at): at is number => at !== null);
  return {
    outbox: {
      due: backlog.due,
      oldest_due_at: isoOrNull(backlog.oldestDueAt),
      oldest_age_seconds: backlog.oldestDueAt === null ? 0 : Math.floor((now - backlog.oldestDueAt) / SECOND_MS),
      parked: backlog.parked,
    },
    queue: {
      handled_last_5_minutes: counted.filter((one) => one.handledAt > now - 5 * MINUTE_MS).length,
      handled_last_hour: counted.length,
      capped: handled.length > SAMPLE_MAX,
      last_handled_at: isoOrNull(counted[0]?.handledAt),
      late_ms: latenessOf(counted.map((one) => one.lateMs).filter((late): late is number => late !== null)),
    },
    dead_letters: {
      total: letters.reduce((sum, one) => sum + one.count, 0),
      newest_at: newest.length === 0 ? null : iso(Math.max(...newest)),
      by_type: letters.map((one) => ({ type: one.type, count: one.count, newest_at: isoOrNull(one.newestAt) })),
    },
  };
}

/** Every job that ever ticked: its last tick, and how often it failed in a day. */
export async function getCronOverview(ctx: OwnerCtx): Promise<z.input<typeof CronOverviewView>> {
  const [runs, failures] = await Promise.all([selectLastRuns(ctx), countFailures(ctx, ctx.clock.now() - DAY_MS)]);
  return { jobs: runs.toSorted((a, b) => (a.job < b.job ? -1 : 1)).map((run) => ({ ...toRunView(run), failures_last_day: failures.get(run.job) ?? 0 })) };
}

/** Ticks of one job, newest first; an unknown one has none. @throws AppError VALIDATION_ERROR (a cursor of elsewhere) */
export async function listRuns(ctx: OwnerCtx, { job, outcome, limit, cursor }: z.output<typeof CronJobRef> & z.output<typeof ListRunsQuery>): Promise<z.input<typeof CronRunListView>> {
  return toRunList(await selectRuns(ctx, job, outcome, cursorOf(cursor), limit + 1), limit);
}

/** Ticks of all jobs that failed, newest first. @throws AppError VALIDATION_ERROR (a cursor of elsewhere) */
export async function listFailures(ctx: OwnerCtx, { limit, cursor }: z.output<typeof ListFailuresQuery>): Promise<z.input<typeof CronRunListView>> {
  return toRunList(await selectFailures(ctx, cursorOf(cursor), limit + 1), limit);
}

function toRunList(runs: readonly CronRun[], limit: number): z.input<typeof CronRunListView> {
  const { page, nextCursor } = pageOf(runs, limit, (run) => ({ at: run.scheduledAt, id: run.job }));
  return { runs: page.map(toRunView), next_cursor: nextCursor };
}

/** What reconcilers found that differs from what we know, newest first. @throws AppError VALIDATION_ERROR (a cursor of elsewhere) */
export async function listFindings(ctx: OwnerCtx, { state, kind, limit, cursor }: z.output<typeof ListFindingsQuery>): Promise<z.input<typeof FindingListView>> {
  const rows = await selectFindings(ctx, { open: state === "open", kind }, cursorOf(cursor)?.at ?? null, limit + 1);
  const { page, nextCursor } = pageOf(rows, limit, (row) => ({ at: row.id, id: String(row.id) }));
  return { findings: page.map(toFindingView), next_cursor: nextCursor };
}
