import type { Env } from "./env";
import { createSystemContext, type Deferral } from "./context";
import { effectHandlers } from "./effects";
import { consumeMessage, type JobHandlers } from "./kernel/jobs/consume";
import { deliverEffect } from "./kernel/outbox/drain";

/** Message type → lazy handler. */
const jobHandlers: JobHandlers = {
  "outbox.deliver": async () => async (ctx, payload) => {
    if (typeof payload === "string") await deliverEffect(ctx, effectHandlers, payload);
  },
  "bot.settle": async () => async (ctx, payload) => {
    if (typeof payload === "string") await (await import("./fleet/bots")).settleBot(ctx, payload);
  },
  "bot_room.settle": async () => async (ctx, payload) => {
    if (typeof payload === "number") await (await import("./fleet/bot-rooms")).settleBotRoom(ctx, payload);
  },
  "bot_group.settle": async () => async (ctx, payload) => {
    if (typeof payload === "string") await (await import("./fleet/cross-bot")).settleGroup(ctx, payload);
  },
  "room_cleanup.settle": async () => async (ctx, payload) => {
    if (typeof payload === "string") await (await import("./fleet/bot-rooms")).settleRoomCleanup(ctx, payload);
  },
  "matrix.create_account": async () => (await import("./fleet/matrix-accounts")).createMatrixAccount,
  "share.expire": async () => (await import("./fleet/bot-shares")).expireSharesJob,
  "skill.advance": async () => (await import("./fleet/skills")).advanceTransferJob,
  "downgrade.grace_end": async () => (await import("./fleet/downgrades")).endGraceJob,
  "downgrade.check": async () => (await import("./fleet/downgrades")).checkCapacityJob,
  "stripe.event": async () => async (ctx, payload) => {
    if (typeof payload === "string") await (await import("./fleet/webhooks")).handleStripeEvent(ctx, payload);
  },
  "subscription.settle": async () => async (ctx, payload) => {
    if (typeof payload === "string") await (await import("./fleet/subscriptions")).settleSubscription(ctx, payload);
  },
  "apple.notification": async () => (await import("./fleet/apple-notifications")).notificationJob,
  "apple.recheck": async () => (await import("./fleet/apple-purchases")).recheckJob,
  "vm_addon.settle": async () => (await import("./fleet/vm-addons")).settleAddonJob,
  "cloud_vms.reconcile": async () => (await import("./fleet/vm-reconcile")).reconcileProvider,
  "cloud_vm.destroy_computer": async () => (await import("./fleet/vm-reconcile")).destroyComputerJob,
  "cloud_vms.entitle": async () => (await import("./fleet/vm-reconcile")).checkEntitlementJob,
  "cloud_vms.entitle_page": async () => (await import("./fleet/vm-reconcile")).checkPageJob,
  "keys.reseal": async () => (await import("./fleet/ops-keys")).resealJob,
  "cloud_vm.advance": async () => (await import("./fleet/vm-provisioning")).advanceVmJob,
  "admin_job.step": async () => (await import("./fleet/admin-jobs")).runStep,
  "versions.check": async () => (await import("./fleet/versions")).checkRelease,
  "instance.project": async () => async (ctx, payload) => {
    await (await import("./fleet/instances")).recordInstanceProjection(ctx, payload);
    await (await import("./fleet/vm-provisioning")).followInstance(ctx, payload);
  },
};

const DEAD_QUEUE_SUFFIX = "-dead";

export async function handleQueue(batch: MessageBatch, env: Env, deferral: Deferral): Promise<void> {
  const spent = batch.queue.endsWith(DEAD_QUEUE_SUFFIX);
  for (const message of batch.messages) {
    await consumeMessage(createSystemContext(env, deferral, `queue:${batch.queue}`, `msg_${message.id}`), jobHandlers, message, spent);
  }
}
