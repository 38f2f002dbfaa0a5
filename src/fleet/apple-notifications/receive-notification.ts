import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { seal } from "../../kernel/crypto/envelope";
import { Plan } from "../../kernel/db/client";
import { describeError } from "../../kernel/logging/logger";
import { purchaseInvalid, requireAppStore } from "../apple-purchases";
import type { AppleNotificationBody, AppleNotificationView } from "./apple-notifications.schemas";
import { findNotification, insertNotification } from "./apple-notifications.store";
import { enqueueNotification, notificationSealContext } from "./apple-notifications.jobs";

/**
 * Keeps what Apple tells, and leaves its working off to the queue: what is answered with success is stored.
 * @throws AppError PURCHASE_INVALID {reason} (not Apple's, or not about our app), DEPENDENCY_UNAVAILABLE
 */
export async function receiveNotification(ctx: Ctx, { signedPayload }: z.output<typeof AppleNotificationBody>): Promise<z.input<typeof AppleNotificationView>> {
  const verdict = await requireAppStore(ctx).readNotification(signedPayload);
  if (verdict.kind !== "ok") throw purchaseInvalid(verdict.kind === "invalid" ? verdict.reason : verdict.kind);
  const { notificationId: id, type, subtype } = verdict.notification;
  const known = await findNotification(ctx, id);
  if (known?.processedAt != null) return { received: true };
  if (!known) {
    const name = subtype === null ? type : `${type}.${subtype}`;
    await new Plan(ctx)
      .write(insertNotification(ctx, { id, type: name, sealedPayload: await seal(ctx.config.sealKeys, signedPayload, notificationSealContext(id)) }, ctx.clock.now()))
      .audit({ action: "apple_notification.receive", tenantId: null, subject: { type: "apple_notification", id }, detail: { type: name } })
      .commit();
  }
  // It is stored: what the queue misses the sweep finds.
  await enqueueNotification(ctx, id).catch((error: unknown) => ctx.log.warn("a notification was not enqueued", { event: "apple_notification.not_enqueued", notification_id: id, ...describeError(error) }));
  return { received: true };
}
