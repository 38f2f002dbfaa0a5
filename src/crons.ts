import { lt } from "drizzle-orm";
import type { Env } from "./env";
import { createSystemContext, type Deferral } from "./context";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "./kernel/clock";
import type { Ctx } from "./kernel/context";
import { listDueEffects } from "./kernel/outbox/drain";
import { cliLogins } from "./schema/accounts";
import { cronRuns, idempotencyKeys, processedMessages } from "./schema/kernel";

type CronJob = (ctx: Ctx) => Promise<void>;

const SWEEP_LIMIT = 100;

/** Cron string of wrangler.toml → its jobs. A tick finds and enqueues; it never does the work itself. */
const jobsByCron: Readonly<Record<string, Readonly<Record<string, CronJob>>>> = {
  "* * * * *": { "outbox.sweep": sweepOutbox },
  "17 * * * *": { "rows.expire": expireRows },
};

/** Runs the jobs of one tick, each claimed by (job, scheduled time) so that a repeated tick does nothing. */
export async function handleScheduled(controller: ScheduledController, env: Env, deferral: Deferral): Promise<void> {
  for (const [job, run] of Object.entries(jobsByCron[controller.cron] ?? {})) {
    const ctx = createSystemContext(env, deferral, `cron:${job}`, `cron_${job}_${controller.scheduledTime}`);
    const claimed = await ctx.db.insert(cronRuns).values({ job, scheduledAt: controller.scheduledTime, createdAt: ctx.clock.now() }).onConflictDoNothing().returning();
    if (claimed.length > 0) await run(ctx);
  }
}

async function sweepOutbox(ctx: Ctx): Promise<void> {
  const ids = await listDueEffects(ctx, SWEEP_LIMIT);
  const minute = Math.floor(ctx.clock.now() / MINUTE_MS);
  await Promise.all(ids.map((id) => ctx.services.jobs.send({ v: 1, id: `${id}:${minute}`, type: "outbox.deliver", payload: id })));
  if (ids.length > 0) ctx.log.info("overdue effects enqueued", { event: "outbox.swept", count: ids.length });
}

async function expireRows(ctx: Ctx): Promise<void> {
  const now = ctx.clock.now();
  await ctx.db.delete(idempotencyKeys).where(lt(idempotencyKeys.expiresAt, now));
  await ctx.db.delete(cliLogins).where(lt(cliLogins.expiresAt, now - HOUR_MS));
  await ctx.db.delete(processedMessages).where(lt(processedMessages.handledAt, now - 7 * DAY_MS));
  await ctx.db.delete(cronRuns).where(lt(cronRuns.createdAt, now - DAY_MS));
}
