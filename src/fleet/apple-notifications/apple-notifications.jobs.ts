import { DAY_MS, MINUTE_MS } from "../../kernel/clock";
import type { Ctx } from "../../kernel/context";
import { unseal } from "../../kernel/crypto/envelope";
import { LostUpdateError } from "../../kernel/db/client";
import { AppError } from "../../kernel/errors/app-error";
import { describeError } from "../../kernel/logging/logger";
import { askAgain, isAccepted, requireAppStore, updatePurchase } from "../apple-purchases";
import { updateAddonPurchase } from "../vm-addons";
import { findNotification, forgetNotifications, listOpenNotifications, markFailed, markProcessed } from "./apple-notifications.store";

/** A notification that the queue lost is old enough for the sweep. */
const LOST_AFTER_MS = 5 * MINUTE_MS;
const MAX_ATTEMPTS = 40;
const SWEEP_LIMIT = 100;
/** Apple repeats one for three days. */
const KEEP_MS = 30 * DAY_MS;

export const notificationSealContext = (id: string): string => `webhook_event:${id}`;

/** At most one message a minute for one notification. */
export const enqueueNotification = (ctx: Ctx, id: string): Promise<void> =>
  ctx.services.jobs.send({ v: 1, id: `apple.notification:${id}:${Math.floor(ctx.clock.now() / MINUTE_MS)}`, type: "apple.notification", payload: id });

/** The tick of the sweep: notifications that were stored and not worked off. */
export async function enqueueOpenNotifications(ctx: Ctx): Promise<void> {
  const ids = await listOpenNotifications(ctx, ctx.clock.now() - LOST_AFTER_MS, MAX_ATTEMPTS, SWEEP_LIMIT);
  await Promise.all(ids.map((id) => enqueueNotification(ctx, id)));
  if (ids.length > 0) ctx.log.info("open notifications enqueued", { event: "apple_notifications.swept", count: ids.length });
}

/** Job `apple.notification`: works one notification off. A repeat changes nothing. */
export async function notificationJob(ctx: Ctx, payload: unknown): Promise<void> {
  if (typeof payload !== "string") throw new AppError("MALFORMED_REQUEST", "not a notification");
  const row = await findNotification(ctx, payload);
  if (!row || row.processedAt !== null) return;
  try {
    const signedPayload = await unseal(ctx.config.sealKeys, row.sealedPayload, notificationSealContext(row.id));
    if (signedPayload === null) throw new Error("the payload does not open with any key of the ring");
    await markProcessed(ctx, row.id, await applyNotification(ctx, signedPayload), ctx.clock.now());
  } catch (error) {
    // Told again it would be refused again: an operator must look.
    if (error instanceof AppError && error.status < 500 && !(error instanceof LostUpdateError)) {
      ctx.log.error("a notification is refused", { event: "apple_notification.refused", notification_id: row.id, error_code: error.code });
      await markProcessed(ctx, row.id, error.code, ctx.clock.now());
      return;
    }
    await markFailed(ctx, row.id, describeError(error).error_message);
    throw error;
  }
}

/** @returns null, or why it had no effect */
async function applyNotification(ctx: Ctx, signedPayload: string): Promise<string | null> {
  const verdict = await requireAppStore(ctx).readNotification(signedPayload);
  if (verdict.kind !== "ok") throw new Error(`the stored notification is ${verdict.kind === "invalid" ? verdict.reason : verdict.kind}`);
  const { purchase, environment, signedAt, isPast } = verdict.notification;
  if (purchase === null) return "about no purchase";
  if (!isAccepted(ctx, environment)) return "of the sandbox";
  const current = await askAgain(ctx, purchase.originalTransactionId, environment);
  if (!current && isPast) return "about an earlier transaction";
  const known = current ?? { purchase, asOf: signedAt };
  if (await updatePurchase(ctx, known)) return null;
  if (await updateAddonPurchase(ctx, known)) return null;
  // Whoever brings the purchase later has it read anew.
  return "of an unknown purchase";
}

/** Forgets notifications that were worked off long ago. */
export const forgetOldNotifications = (ctx: Ctx): Promise<void> => forgetNotifications(ctx, ctx.clock.now() - KEEP_MS);
