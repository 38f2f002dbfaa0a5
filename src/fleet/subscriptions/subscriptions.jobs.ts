import type { Ctx } from "../../kernel/context";
import { HOUR_MS, MINUTE_MS } from "../../kernel/clock";
import { applySubscription } from "./apply-subscription";
import { findSubscriptionRow, listToSettle, releaseClaim } from "./subscriptions.store";

const SETTLE_LIMIT = 200;
/** How long after the end of a period its renewal may still be under way. */
const LATE_MS = 2 * HOUR_MS;

/** The reconciler's tick: finds subscriptions that may differ from the provider's, and puts one message on the queue for each. */
export async function enqueueSubscriptionsToSettle(ctx: Ctx): Promise<void> {
  if (!ctx.services.payments) return;
  const now = ctx.clock.now();
  const { claims, graces, late } = await listToSettle(ctx, now, LATE_MS, SETTLE_LIMIT);
  const send = (ids: readonly string[], why: string, everyMs: number): Promise<unknown> =>
    Promise.all(ids.map((id) => ctx.services.jobs.send({ v: 1, id: `subscription.settle:${id}:${why}:${Math.floor(now / everyMs)}`, type: "subscription.settle", payload: id })));
  await send(claims, "claim", MINUTE_MS);
  await send(graces, "grace", MINUTE_MS);
  await send(late, "late", HOUR_MS);
  const count = claims.length + graces.length + late.length;
  if (count > 0) ctx.log.info("subscriptions to settle enqueued", { event: "subscriptions.swept", count });
}

/** Reads one subscription again and ends a change that broke off. @throws AppError DEPENDENCY_UNAVAILABLE, BAD_GATEWAY of the provider */
export async function settleSubscription(ctx: Ctx, id: string): Promise<void> {
  const { payments } = ctx.services;
  const row = await findSubscriptionRow(ctx, id);
  if (!payments || row?.source !== "stripe" || row.externalId === null) return;
  const now = ctx.clock.now();
  // Somebody is at it.
  if (row.changingUntil !== null && row.changingUntil > now) return;
  const paid = await payments.getSubscription(row.externalId);
  if (!paid) {
    ctx.log.error("the provider does not know a subscription", { event: "subscription.unknown", subscription: row.externalId });
    if (row.changingUntil !== null) await releaseClaim(ctx, row);
    return;
  }
  await applySubscription(ctx, paid, now, row.changingUntil === null ? {} : { claim: row.changingUntil });
}
