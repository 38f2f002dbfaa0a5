import { and, eq, lt, or } from "drizzle-orm";
import { cronRuns } from "../../schema/kernel";
import { DAY_MS } from "../clock";
import type { Ctx } from "../context";
import { describeError } from "../logging/logger";

const KEEP_MS = DAY_MS;
/** What failed, or never ended, is kept longer: somebody may look a week after. */
const KEEP_FAILED_MS = 30 * DAY_MS;

/** Whether this tick of `job` is ours to run: the same (job, time) is claimed once, however often the platform fires it. */
async function claimTick(ctx: Ctx, job: string, scheduledAt: number): Promise<boolean> {
  const claimed = await ctx.db.insert(cronRuns).values({ job, scheduledAt, createdAt: ctx.clock.now() }).onConflictDoNothing().returning({ job: cronRuns.job });
  return claimed.length > 0;
}

/**
 * Runs one job of a tick, if nobody else has, and records how it ended. Never throws: a job that fails must not keep the others of its tick from
 * running, and the next tick finds the same rows.
 */
export async function runTick(ctx: Ctx, job: string, scheduledAt: number, run: (ctx: Ctx) => Promise<void>): Promise<void> {
  try {
    if (!(await claimTick(ctx, job, scheduledAt))) return;
    const error = await run(ctx).then(() => null, (failure: unknown) => describeError(failure));
    if (error) ctx.log.error("a cron job failed", { event: "cron.failed", job, ...error });
    await ctx.db
      .update(cronRuns)
      .set({ endedAt: ctx.clock.now(), outcome: error ? "failed" : "ok", error: error?.error_message ?? null })
      .where(and(eq(cronRuns.job, job), eq(cronRuns.scheduledAt, scheduledAt)));
  } catch (failure) {
    // D1 took the claim or the end not; then it shows as never started, or as running for ever.
    ctx.log.error("a cron job was not recorded", { event: "cron.unrecorded", job, ...describeError(failure) });
  }
}

/** Forgets ticks of more than a day ago; those that did not end well are kept for a month. */
export async function forgetTicks(ctx: Ctx, now: number): Promise<void> {
  await ctx.db.delete(cronRuns).where(or(and(eq(cronRuns.outcome, "ok"), lt(cronRuns.createdAt, now - KEEP_MS)), lt(cronRuns.createdAt, now - KEEP_FAILED_MS)));
}
