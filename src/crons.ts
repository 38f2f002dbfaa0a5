import type { Env } from "./env";
import { createSystemContext, type Deferral } from "./context";
import { families } from "./families";
import { DAY_MS, MINUTE_MS } from "./kernel/clock";
import type { Ctx } from "./kernel/context";
import type { CronJob } from "./kernel/family";
import { forgetIdempotencyKeys } from "./kernel/idempotency";
import { forgetTicks, runTick } from "./kernel/jobs/claim-tick";
import { forgetProcessedMessages } from "./kernel/jobs/consume";
import { listDueEffects } from "./kernel/outbox/drain";

const SWEEP_LIMIT = 100;

/** Cron string of wrangler.toml → its jobs. A tick finds and enqueues; it never does the work itself. */
const ownJobs: Readonly<Record<string, Readonly<Record<string, CronJob>>>> = {
  "* * * * *": { "outbox.sweep": sweepOutbox },
  "17 * * * *": { "rows.expire": expireRows },
};

/** Runs the jobs of one tick one after the other, each claimed by (job, scheduled time); one that fails is recorded and does not stop the next. */
export async function handleScheduled(controller: ScheduledController, env: Env, deferral: Deferral): Promise<void> {
  for (const [job, run] of [ownJobs, ...families.map(({ crons }) => crons)].flatMap((crons) => Object.entries(crons[controller.cron] ?? {}))) {
    const ctx = createSystemContext(env, deferral, `cron:${job}`, `cron_${job}_${controller.scheduledTime}`);
    await runTick(ctx, job, controller.scheduledTime, run);
  }
}

/** Finds effects that the poke after their commit missed. */
async function sweepOutbox(ctx: Ctx): Promise<void> {
  const ids = await listDueEffects(ctx, SWEEP_LIMIT);
  const minute = Math.floor(ctx.clock.now() / MINUTE_MS);
  await Promise.all(ids.map((id) => ctx.services.jobs.send({ v: 1, id: `${id}:${minute}`, type: "outbox.deliver", payload: id })));
  if (ids.length > 0) ctx.log.info("overdue effects enqueued", { event: "outbox.swept", count: ids.length });
}

async function expireRows(ctx: Ctx): Promise<void> {
  const now = ctx.clock.now();
  await forgetIdempotencyKeys(ctx, now);
  await forgetProcessedMessages(ctx, now - 7 * DAY_MS);
  await forgetTicks(ctx, now);
}
