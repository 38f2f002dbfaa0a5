import { DAY_MS } from "../kernel/clock";
import type { Ctx } from "../kernel/context";
import type { CronJob } from "../kernel/family";
import type { JobHandlers } from "../kernel/jobs/consume";
import type { EffectHandlers } from "../kernel/outbox/drain";

/** Message type → lazy handler. */
export const fleetJobs: JobHandlers = {
  "bot.settle": async () => async (ctx, payload) => {
    if (typeof payload === "string") await (await import("./bots")).settleBot(ctx, payload);
  },
  "bot_room.settle": async () => async (ctx, payload) => {
    if (typeof payload === "number") await (await import("./bot-rooms")).settleBotRoom(ctx, payload);
  },
  "bot_group.settle": async () => async (ctx, payload) => {
    if (typeof payload === "string") await (await import("./cross-bot")).settleGroup(ctx, payload);
  },
  "room_cleanup.settle": async () => async (ctx, payload) => {
    if (typeof payload === "string") await (await import("./bot-rooms")).settleRoomCleanup(ctx, payload);
  },
  "matrix.create_account": async () => (await import("./matrix-accounts")).createMatrixAccount,
  "share.expire": async () => (await import("./bot-shares")).expireSharesJob,
  "skill.advance": async () => (await import("./skills")).advanceTransferJob,
  "downgrade.grace_end": async () => (await import("./downgrades")).endGraceJob,
  "downgrade.check": async () => (await import("./downgrades")).checkCapacityJob,
  "stripe.event": async () => async (ctx, payload) => {
    if (typeof payload === "string") await (await import("./webhooks")).handleStripeEvent(ctx, payload);
  },
  "subscription.settle": async () => async (ctx, payload) => {
    if (typeof payload === "string") await (await import("./subscriptions")).settleSubscription(ctx, payload);
  },
  "apple.notification": async () => (await import("./apple-notifications")).notificationJob,
  "apple.recheck": async () => (await import("./apple-purchases")).recheckJob,
  "vm_addon.settle": async () => (await import("./vm-addons")).settleAddonJob,
  "cloud_vms.reconcile": async () => (await import("./vm-reconcile")).reconcileProvider,
  "cloud_vm.destroy_computer": async () => (await import("./vm-reconcile")).destroyComputerJob,
  "cloud_vms.entitle": async () => (await import("./vm-reconcile")).checkEntitlementJob,
  "cloud_vms.entitle_page": async () => (await import("./vm-reconcile")).checkPageJob,
  "keys.reseal": async () => (await import("./ops-keys")).resealJob,
  "cloud_vm.advance": async () => (await import("./vm-provisioning")).advanceVmJob,
  "admin_job.step": async () => (await import("./admin-jobs")).runStep,
  "versions.check": async () => (await import("./versions")).checkRelease,
  "instance.project": async () => async (ctx, payload) => {
    await (await import("./instances")).recordInstanceProjection(ctx, payload);
    await (await import("./vm-provisioning")).followInstance(ctx, payload);
  },
};

/** Effect type → handler, loaded when the first such effect is delivered. */
export const fleetEffects: EffectHandlers = {
  "mail.send": async () => (await import("./mails")).sendMail,
  "device_check.mark": async () => (await import("./trials")).markDevice,
  "account.send_code": async () => (await import("./accounts")).sendSignupCode,
  "password.send_reset_code": async () => (await import("./passwords")).sendResetCode,
  "matrix.deactivate": async () => (await import("./matrix-accounts")).deactivateMatrixAccount,
  "session.cut_streams": async () => (await import("./sessions")).cutStreams,
  "instance.purge": async () => (await import("./instances")).purgeInstance,
  "account_feed.purge": async () => (await import("./user-removal")).purgeFeed,
  "customer.delete": async () => async (ctx, payload) => {
    await (await import("./payments")).deleteCustomerOf(ctx, payload);
  },
  "cli_token.cut": async () => (await import("./cli-tokens")).cutToken,
  "pairing.announce": async () => (await import("./pairings")).announcePairing,
  "pairing.renew": async () => (await import("./pairings")).renewPairing,
  "matrix.rename_account": async () => (await import("./matrix-accounts")).renameMatrixAccount,
  "bot.provision": async () => (await import("./cli-bots")).announceProvision,
  "bots.project": async () => (await import("./bots")).projectBots,
  "subscriptions.end_all": async () => (await import("./subscriptions")).endSubscriptionsOf,
  "bots.delete_all": async () => (await import("./bots")).deleteBotsOf,
  "share.notify": async () => (await import("./bot-shares")).notifyShare,
  "bot_room.mode": async () => (await import("./bot-rooms")).tellRoomMode,
  "bot.rejoin": async () => (await import("./bot-rooms")).rejoinRooms,
  "bot.shares_ended": async () => (await import("./bot-shares")).notifySharesEnded,
  "plan.changed": async () => async (ctx, payload, id) => {
    await (await import("./downgrades")).followPlanChange(ctx, payload, id);
    await (await import("./vm-reconcile")).checkAfterPlanChange(ctx, payload, id);
  },
  "job.send": async () => (await import("./ops-dead-letters")).sendJobAgain,
  "cloud_vms.entitle": async () => (await import("./vm-reconcile")).checkEntitlementSoon,
  "cloud_vms.destroy_all": async () => (await import("./cloud-vms")).destroyCloudVmsOf,
  "bot.shares_resend": async () => (await import("./bot-shares")).resendShares,
};

/** Pairing codes are waited for by who holds the phone or brings a bot back; whoever looks right after the answer finds a bot on its machine. */
export const fleetPromptEffects: ReadonlySet<string> = new Set(["pairing.announce", "pairing.renew", "bots.project"]);

/** Cron string of wrangler.toml → jobs. */
export const fleetCrons: Readonly<Record<string, Readonly<Record<string, CronJob>>>> = {
  "* * * * *": {
    "keys.reseal": async (ctx) => (await import("./ops-keys")).enqueueReseal(ctx),
    "bots.settle": async (ctx) => (await import("./bots")).enqueueBotsToSettle(ctx),
    "rooms.settle": async (ctx) => {
      await (await import("./bot-rooms")).enqueueRoomsToSettle(ctx);
      await (await import("./cross-bot")).enqueueGroupsToSettle(ctx);
    },
    "shares.sweep": async (ctx) => (await import("./bot-shares")).enqueueShareExpiry(ctx),
    "subscriptions.settle": async (ctx) => (await import("./subscriptions")).enqueueSubscriptionsToSettle(ctx),
    "webhooks.sweep": async (ctx) => (await import("./webhooks")).enqueueOpenEvents(ctx),
    "downgrades.sweep": async (ctx) => (await import("./downgrades")).enqueueGraceEnds(ctx),
    "cloud_vms.settle": async (ctx) => (await import("./vm-provisioning")).enqueueVmsToSettle(ctx),
    "skills.sweep": async (ctx) => (await import("./skills")).enqueueTransfers(ctx),
    "admin_jobs.wake": async (ctx) => (await import("./admin-jobs")).wakeJobs(ctx),
    "apple_notifications.sweep": async (ctx) => (await import("./apple-notifications")).enqueueOpenNotifications(ctx),
  },
  "*/5 * * * *": {
    "cloud_vms.reconcile": async (ctx) => (await import("./vm-reconcile")).enqueueReconcile(ctx),
    "cloud_vms.entitle": async (ctx) => (await import("./vm-reconcile")).enqueueEntitlementChecks(ctx),
  },
  "17 * * * *": {
    "fleet.rows.expire": expireRows,
    "keys.note": async (ctx) => (await import("./ops-keys")).noteTokenKeys(ctx),
    "admin_jobs.schedule": async (ctx) => (await import("./admin-jobs")).scheduleRefresh(ctx),
    "versions.check": async (ctx) => (await import("./versions")).enqueueReleaseChecks(ctx),
    "matrix_accounts.sweep": async (ctx) => (await import("./matrix-accounts")).enqueueMissingAccounts(ctx),
    "apple_notifications.forget": async (ctx) => (await import("./apple-notifications")).forgetOldNotifications(ctx),
    "apple_purchases.sweep": async (ctx) => (await import("./apple-purchases")).enqueueRechecks(ctx),
    "downgrades.check": async (ctx) => (await import("./downgrades")).enqueueChecks(ctx),
    "cloud_vms.entitle_all": async (ctx) => (await import("./vm-reconcile")).enqueueAllEntitlementChecks(ctx),
    "vm_addons.sweep": async (ctx) => (await import("./vm-addons")).enqueueDueAddons(ctx),
  },
};

async function expireRows(ctx: Ctx): Promise<void> {
  const now = ctx.clock.now();
  const { forgetCliLogins } = await import("./cli-logins");
  await forgetCliLogins(ctx, now);
  const { forgetOldTries } = await import("./passwords");
  await forgetOldTries(ctx, now);
  const { forgetExpiredCodes } = await import("./accounts");
  await forgetExpiredCodes(ctx, now - DAY_MS);
  const { forgetEndedSessions } = await import("./sessions");
  await forgetEndedSessions(ctx, now - 90 * DAY_MS);
  const { forgetOldMails } = await import("./mailbox");
  await forgetOldMails(ctx, now - 7 * DAY_MS);
  const { forgetEndedPairings, KEEP_ENDED_MS } = await import("./pairings");
  await forgetEndedPairings(ctx, now - KEEP_ENDED_MS);
  const { forgetOldSkills } = await import("./skills");
  await forgetOldSkills(ctx, now - 30 * DAY_MS);
  const { forgetHandledEvents } = await import("./webhooks");
  await forgetHandledEvents(ctx);
}
