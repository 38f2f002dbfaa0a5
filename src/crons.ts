import type { Env } from "./env";
import { createSystemContext, type Deferral } from "./context";
import { DAY_MS, MINUTE_MS } from "./kernel/clock";
import type { Ctx } from "./kernel/context";
import { forgetIdempotencyKeys } from "./kernel/idempotency";
import { forgetTicks, runTick } from "./kernel/jobs/claim-tick";
import { forgetProcessedMessages } from "./kernel/jobs/consume";
import { listDueEffects } from "./kernel/outbox/drain";

type CronJob = (ctx: Ctx) => Promise<void>;

const SWEEP_LIMIT = 100;

/** Cron string of wrangler.toml → its jobs. A tick finds and enqueues; it never does the work itself. */
const jobsByCron: Readonly<Record<string, Readonly<Record<string, CronJob>>>> = {
  "* * * * *": {
    "outbox.sweep": sweepOutbox,
    "keys.reseal": async (ctx) => (await import("./fleet/ops-keys")).enqueueReseal(ctx),
    "bots.settle": async (ctx) => (await import("./fleet/bots")).enqueueBotsToSettle(ctx),
    "rooms.settle": async (ctx) => {
      await (await import("./fleet/bot-rooms")).enqueueRoomsToSettle(ctx);
      await (await import("./fleet/cross-bot")).enqueueGroupsToSettle(ctx);
    },
    "shares.sweep": async (ctx) => (await import("./fleet/bot-shares")).enqueueShareExpiry(ctx),
    "subscriptions.settle": async (ctx) => (await import("./fleet/subscriptions")).enqueueSubscriptionsToSettle(ctx),
    "webhooks.sweep": async (ctx) => (await import("./fleet/webhooks")).enqueueOpenEvents(ctx),
    "downgrades.sweep": async (ctx) => (await import("./fleet/downgrades")).enqueueGraceEnds(ctx),
    "cloud_vms.settle": async (ctx) => (await import("./fleet/vm-provisioning")).enqueueVmsToSettle(ctx),
    "skills.sweep": async (ctx) => (await import("./fleet/skills")).enqueueTransfers(ctx),
    "admin_jobs.wake": async (ctx) => (await import("./fleet/admin-jobs")).wakeJobs(ctx),
    "apple_notifications.sweep": async (ctx) => (await import("./fleet/apple-notifications")).enqueueOpenNotifications(ctx),
  },
  "*/5 * * * *": {
    "cloud_vms.reconcile": async (ctx) => (await import("./fleet/vm-reconcile")).enqueueReconcile(ctx),
    "cloud_vms.entitle": async (ctx) => (await import("./fleet/vm-reconcile")).enqueueEntitlementChecks(ctx),
  },
  "17 * * * *": {
    "rows.expire": expireRows,
    "keys.note": async (ctx) => (await import("./fleet/ops-keys")).noteTokenKeys(ctx),
    "admin_jobs.schedule": async (ctx) => (await import("./fleet/admin-jobs")).scheduleRefresh(ctx),
    "versions.check": async (ctx) => (await import("./fleet/versions")).enqueueReleaseChecks(ctx),
    "matrix_accounts.sweep": async (ctx) => (await import("./fleet/matrix-accounts")).enqueueMissingAccounts(ctx),
    "apple_notifications.forget": async (ctx) => (await import("./fleet/apple-notifications")).forgetOldNotifications(ctx),
    "apple_purchases.sweep": async (ctx) => (await import("./fleet/apple-purchases")).enqueueRechecks(ctx),
    "downgrades.check": async (ctx) => (await import("./fleet/downgrades")).enqueueChecks(ctx),
    "cloud_vms.entitle_all": async (ctx) => (await import("./fleet/vm-reconcile")).enqueueAllEntitlementChecks(ctx),
    "vm_addons.sweep": async (ctx) => (await import("./fleet/vm-addons")).enqueueDueAddons(ctx),
  },
};

/** Runs the jobs of one tick one after the other, each claimed by (job, scheduled time); one that fails is recorded and does not stop the next. */
export async function handleScheduled(controller: ScheduledController, env: Env, deferral: Deferral): Promise<void> {
  for (const [job, run] of Object.entries(jobsByCron[controller.cron] ?? {})) {
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
  const { forgetCliLogins } = await import("./fleet/cli-logins");
  await forgetCliLogins(ctx, now);
  const { forgetOldTries } = await import("./fleet/passwords");
  await forgetOldTries(ctx, now);
  const { forgetExpiredCodes } = await import("./fleet/accounts");
  await forgetExpiredCodes(ctx, now - DAY_MS);
  const { forgetEndedSessions } = await import("./fleet/sessions");
  await forgetEndedSessions(ctx, now - 90 * DAY_MS);
  const { forgetOldMails } = await import("./fleet/mailbox");
  await forgetOldMails(ctx, now - 7 * DAY_MS);
  const { forgetEndedPairings, KEEP_ENDED_MS } = await import("./fleet/pairings");
  await forgetEndedPairings(ctx, now - KEEP_ENDED_MS);
  const { forgetOldSkills } = await import("./fleet/skills");
  await forgetOldSkills(ctx, now - 30 * DAY_MS);
  const { forgetHandledEvents } = await import("./fleet/webhooks");
  await forgetHandledEvents(ctx);
}
