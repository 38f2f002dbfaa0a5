import type { EffectHandlers } from "./kernel/outbox/drain";

/** Effect type → handler, loaded when the first such effect is delivered. */
export const effectHandlers: EffectHandlers = {
  "mail.send": async () => (await import("./fleet/mails")).sendMail,
  "device_check.mark": async () => (await import("./fleet/trials")).markDevice,
  "account.send_code": async () => (await import("./fleet/accounts")).sendSignupCode,
  "password.send_reset_code": async () => (await import("./fleet/passwords")).sendResetCode,
  "matrix.deactivate": async () => (await import("./fleet/matrix-accounts")).deactivateMatrixAccount,
  "session.cut_streams": async () => (await import("./fleet/sessions")).cutStreams,
  "instance.purge": async () => (await import("./fleet/instances")).purgeInstance,
  "account_feed.purge": async () => (await import("./fleet/user-removal")).purgeFeed,
  "customer.delete": async () => async (ctx, payload) => {
    await (await import("./fleet/payments")).deleteCustomerOf(ctx, payload);
  },
  "cli_token.cut": async () => (await import("./fleet/cli-tokens")).cutToken,
  "pairing.announce": async () => (await import("./fleet/pairings")).announcePairing,
  "pairing.renew": async () => (await import("./fleet/pairings")).renewPairing,
  "matrix.rename_account": async () => (await import("./fleet/matrix-accounts")).renameMatrixAccount,
  "bot.provision": async () => (await import("./fleet/cli-bots")).announceProvision,
  "bots.project": async () => (await import("./fleet/bots")).projectBots,
  "subscriptions.end_all": async () => (await import("./fleet/subscriptions")).endSubscriptionsOf,
  "bots.delete_all": async () => (await import("./fleet/bots")).deleteBotsOf,
  "share.notify": async () => (await import("./fleet/bot-shares")).notifyShare,
  "bot_room.mode": async () => (await import("./fleet/bot-rooms")).tellRoomMode,
  "bot.rejoin": async () => (await import("./fleet/bot-rooms")).rejoinRooms,
  "bot.shares_ended": async () => (await import("./fleet/bot-shares")).notifySharesEnded,
  "plan.changed": async () => async (ctx, payload, id) => {
    await (await import("./fleet/downgrades")).followPlanChange(ctx, payload, id);
    await (await import("./fleet/vm-reconcile")).checkAfterPlanChange(ctx, payload, id);
  },
  "job.send": async () => (await import("./fleet/ops-dead-letters")).sendJobAgain,
  "cloud_vms.entitle": async () => (await import("./fleet/vm-reconcile")).checkEntitlementSoon,
  "cloud_vms.destroy_all": async () => (await import("./fleet/cloud-vms")).destroyCloudVmsOf,
  "bot.shares_resend": async () => (await import("./fleet/bot-shares")).resendShares,
};
