import { lt } from "drizzle-orm";
import { cronRuns } from "../../schema/kernel";
import type { Ctx } from "../context";

/** Whether this tick of `job` is ours to run: the same (job, time) is claimed once, however often the platform fires it. */
export async function claimTick(ctx: Ctx, job: string, scheduledAt: number): Promise<boolean> {
  const claimed = await ctx.db.insert(cronRuns).values({ job, scheduledAt, createdAt: ctx.clock.now() }).onConflictDoNothing().returning({ job: cronRuns.job });
  return claimed.length > 0;
}

/** Forgets claims made before `before` (ms). */
export async function forgetTicks(ctx: Ctx, before: number): Promise<void> {
  await ctx.db.delete(cronRuns).where(lt(cronRuns.createdAt, before));
}
