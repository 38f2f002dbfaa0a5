import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { fromUtf8, utf8 } from "../../kernel/crypto/bytes";
import { Plan } from "../../kernel/db/client";
import { notFound } from "../../kernel/errors/app-error";
import { newId } from "../../kernel/ids/ids";
import { describeError } from "../../kernel/logging/logger";
import type { PushGateway } from "../../kernel/ports/services";
import { findAccountById } from "../accounts";
import { deactivateRejected, listActiveDevices, markUsed, type PushDevice } from "../push-devices";
import { readRejected } from "../push-gateway";
import { HISTORY_MAX, outcomeOf, summarize, TEST_EVENT_ID, testNotificationOf, type Outcome, type Reason } from "./notifications.core";
import { toNotificationView, type RecipientRef, type TestNotificationView } from "./notifications.schemas";
import { insertNotification, pruneNotifications, settleNotification } from "./notifications.store";

/**
 * Notifies every active device of a person, as a trial. Each attempt is on record before the gateway is asked, so that one cut
 * short is seen as such. That nothing was delivered is an answer, not an error.
 * @throws AppError NOT_FOUND when there is no such person
 */
export async function sendTestNotification(ctx: OwnerCtx, ref: z.output<typeof RecipientRef>): Promise<z.input<typeof TestNotificationView>> {
  const account = await findAccountById(ctx, ref.user_id);
  if (!account) throw notFound("User");
  const { push } = ctx.services;
  const devices = await listActiveDevices(ctx, account.id);
  const reason: Reason = devices.length === 0 ? "no_active_device" : push ? "gateway_interrupted" : "gateway_not_configured";
  const attempts = devices.length === 0 ? [record(ctx, account.id, null, reason)] : devices.map((device) => record(ctx, account.id, device, reason));

  const plan = new Plan(ctx);
  for (const { row } of attempts) plan.write(insertNotification(ctx, row));
  await plan
    .write(pruneNotifications(ctx, account.id, HISTORY_MAX))
    .audit({ action: "notification.test", tenantId: account.id, subject: { type: "account", id: account.sub }, detail: { devices: devices.length } })
    .commit();

  const settled = await Promise.all(attempts.map(async ({ row, device }) => ({ row, device, outcome: push && device ? await notifyDevice(ctx, push, device) : { status: row.status, reason } })));
  if (push) await settle(ctx, account.id, settled);
  const outcomes = settled.map(({ outcome }) => outcome);
  const count = (status: Outcome["status"]): number => outcomes.filter((outcome) => outcome.status === status).length;
  return {
    success: count("sent") > 0,
    message: summarize(outcomes),
    result: {
      sent: count("sent"),
      rejected: count("rejected"),
      not_sent: count("not_sent"),
      notifications: settled.map(({ row, outcome }) => toNotificationView({ ...row, ...outcome })),
    },
  };
}

interface Attempt {
  readonly row: ReturnType<typeof record>["row"];
  readonly device: PushDevice | null;
}

/** An attempt as it stands until the gateway answers. */
function record(ctx: OwnerCtx, tenantId: number, device: PushDevice | null, reason: Reason) {
  const now = ctx.clock.now();
  const row = {
    id: newId("ntf", now),
    tenantId,
    eventId: TEST_EVENT_ID,
    status: "not_sent" as const,
    reason,
    deviceId: device?.id ?? null,
    platform: device?.platform ?? null,
    appId: device?.appId ?? null,
    createdAt: now,
    updatedAt: now,
  };
  return { row, device };
}

async function notifyDevice(ctx: OwnerCtx, push: PushGateway, device: PushDevice): Promise<Outcome> {
  try {
    const answer = await push.notify(utf8(JSON.stringify(testNotificationOf(device))), "application/json");
    return outcomeOf(answer.status, readRejected(fromUtf8(answer.body)), device.deviceToken);
  } catch (error) {
    ctx.log.warn("test notification failed", { event: "notification.failed", device_id: device.id, ...describeError(error) });
    return { status: "not_sent", reason: "gateway_unreachable" };
  }
}

/** Records what the gateway said, and believes it about dead devices. */
async function settle(ctx: OwnerCtx, tenantId: number, settled: readonly (Attempt & { readonly outcome: Outcome })[]): Promise<void> {
  const now = ctx.clock.now();
  const plan = new Plan(ctx);
  for (const { row, device, outcome } of settled) {
    if (!device) continue;
    plan.write(settleNotification(ctx, tenantId, row.id, outcome, now));
    if (outcome.status === "sent") plan.write(markUsed(ctx, device, now));
  }
  await plan.commit();
  await deactivateRejected(ctx, settled.flatMap(({ device, outcome }) => (device && outcome.status === "rejected" ? [device] : [])));
}
