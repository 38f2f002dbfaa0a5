import { and, count, desc, eq, gt, gte, isNull, lt, max, min, sql } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import { behind, type Cursor } from "../../kernel/db/cursor";
import { reconcileFindings } from "../../schema/cloud-vms";
import { cronRuns, deadLetters, outbox, processedMessages } from "../../schema/kernel";

/** Work in the background belongs to nobody: these are for administrators only. */

export type CronRun = typeof cronRuns.$inferSelect;
export type Finding = typeof reconcileFindings.$inferSelect;
type Reader = Pick<Ctx, "db">;

/** Ticks of one job, newest first. */
export const selectRuns = ({ db }: Reader, job: string, outcome: "ok" | "failed" | undefined, after: Cursor | null, limit: number) =>
  db
    .select()
    .from(cronRuns)
    .where(and(eq(cronRuns.job, job), outcome === undefined ? undefined : eq(cronRuns.outcome, outcome), after ? lt(cronRuns.scheduledAt, after.at) : undefined))
    .orderBy(desc(cronRuns.scheduledAt))
    .limit(limit);

/** Ticks of all jobs that failed, newest first. */
export const selectFailures = ({ db }: Reader, after: Cursor | null, limit: number) =>
  db
    .select()
    .from(cronRuns)
    // Written out, so that the index of failures is seen to fit.
    .where(and(sql`${cronRuns.outcome} = 'failed'`, behind(cronRuns.scheduledAt, cronRuns.job, after)))
    .orderBy(desc(cronRuns.scheduledAt), desc(cronRuns.job))
    .limit(limit);

/** The last tick of every job, in no order. One look-up a job: it steps from name to name along the primary key instead of reading the history. */
export const selectLastRuns = ({ db }: Reader) =>
  db
    .select()
    .from(cronRuns)
    .where(
      sql`(${cronRuns.job}, ${cronRuns.scheduledAt}) IN (
        WITH RECURSIVE names(job) AS (
          SELECT min(job) FROM cron_runs
          UNION ALL
          SELECT (SELECT min(next.job) FROM cron_runs AS next WHERE next.job > names.job) FROM names WHERE names.job IS NOT NULL
        )
        SELECT names.job, (SELECT max(own.scheduled_at) FROM cron_runs AS own WHERE own.job = names.job) FROM names WHERE names.job IS NOT NULL)`,
    );

/** Failures per job since `since` (ms). */
export async function countFailures(ctx: Ctx, since: number): Promise<ReadonlyMap<string, number>> {
  const rows = await ctx.db
    .select({ job: cronRuns.job, n: count() })
    .from(cronRuns)
    .where(and(sql`${cronRuns.outcome} = 'failed'`, gte(cronRuns.scheduledAt, since)))
    .groupBy(cronRuns.job);
  return new Map(rows.map(({ job, n }) => [job, n]));
}

/** Newest first; at most `limit`, so that a busy hour costs no more than that. */
export const selectHandled = ({ db }: Reader, since: number, limit: number) =>
  db.select({ handledAt: processedMessages.handledAt, lateMs: processedMessages.lateMs }).from(processedMessages).where(gt(processedMessages.handledAt, since)).orderBy(desc(processedMessages.handledAt)).limit(limit);

/** What waits in the outbox: how much, since when the oldest is due, and how much gave up. */
export async function readBacklog(ctx: Ctx, nowMs: number): Promise<{ readonly due: number; readonly oldestDueAt: number | null; readonly parked: number }> {
  const [[waiting], [parked]] = await ctx.db.batch([
    ctx.db.select({ n: count(), oldest: min(outbox.dueAt) }).from(outbox).where(and(isNull(outbox.parkedAt), lt(outbox.dueAt, nowMs))),
    ctx.db.select({ n: count() }).from(outbox).where(gt(outbox.parkedAt, 0)),
  ]);
  return { due: waiting?.n ?? 0, oldestDueAt: waiting?.oldest ?? null, parked: parked?.n ?? 0 };
}

/** Dead letters by type; few, or something is very wrong. */
export const countLettersByType = (ctx: Ctx) =>
  ctx.db.select({ type: deadLetters.type, count: count(), newestAt: max(deadLetters.createdAt) }).from(deadLetters).groupBy(deadLetters.type).orderBy(deadLetters.type);

interface FindingFilter {
  readonly open: boolean;
  readonly kind?: string | undefined;
}

/** Newest first, by number: what a reconciler sees again does not move. */
export const selectFindings = ({ db }: Reader, { open, kind }: FindingFilter, after: number | null, limit: number) =>
  db
    .select()
    .from(reconcileFindings)
    .where(
      and(
        // Written as the index has it.
        sql`(${reconcileFindings.resolvedAt} IS NULL) = ${open ? 1 : 0}`,
        kind === undefined ? undefined : eq(reconcileFindings.kind, kind),
        after === null ? undefined : lt(reconcileFindings.id, after),
      ),
    )
    .orderBy(desc(reconcileFindings.id))
    .limit(limit);
