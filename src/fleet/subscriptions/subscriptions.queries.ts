import type { z } from "zod";
import { isoOrNull } from "../../kernel/clock";
import type { OwnerCtx } from "../../kernel/context";
import { findCustomer } from "../payments";
import { getCatalogue, getEntitlements, type Entitlements, type Subscription } from "../plans";
import { isLive, isRunning } from "./subscriptions.core";
import type { SubscriptionView } from "./subscriptions.schemas";
import { listSubscriptionRows } from "./subscriptions.store";

type Status = z.input<typeof SubscriptionView>["status"];

/** What the caller is on and may do about it, from our own tables: it answers while the provider does not. */
export async function getSubscription(ctx: OwnerCtx): Promise<z.input<typeof SubscriptionView>> {
  const tenantId = ctx.actor.userId;
  const [entitlements, rows, customer, { plans }] = await Promise.all([getEntitlements(ctx, tenantId, { fresh: true }), listSubscriptionRows(ctx, tenantId), findCustomer(ctx, tenantId), getCatalogue(ctx)]);
  const { plan, source, subscription } = entitlements;
  // One that is over still says how it ended, until something else is in force.
  const shown = subscription ?? (source === "free" ? (rows.find(({ source: from }) => from === "stripe" || from === "apple") ?? null) : null);
  const own = rows.find(isLive);
  const paysItself = own !== undefined && own.id === subscription?.id && isRunning(own);
  const status = statusOf(entitlements, shown);
  const isCanceling = subscription !== null && isRunning(subscription) && subscription.cancelAtPeriodEnd;
  return {
    subscription_id: shown === null ? null : (shown.externalId ?? shown.id),
    status,
    subscription_status: status,
    subscription_price_id: shown?.priceId ?? null,
    subscription_ends_at: isoOrNull(source === "trial" ? entitlements.trialEndsAt : (shown?.endedAt ?? shown?.currentPeriodEnd)),
    stripe_customer_id: customer?.customerId ?? null,
    plan_name: plan.name,
    is_free: plan.key === "free",
    is_canceling: isCanceling,
    can_cancel: paysItself && !own.cancelAtPeriodEnd,
    pending_plan_name: plans.find(({ id }) => id === subscription?.pendingPlanId)?.name ?? null,
    pending_change_date: isoOrNull(subscription?.pendingChangeAt),
    can_change_plan: paysItself && !own.cancelAtPeriodEnd && own.pendingPlanId === null,
    plan_key: plan.key,
    source,
    interval: subscription?.interval ?? null,
    grace_until: isoOrNull(subscription?.graceUntil),
  };
}

function statusOf({ source, subscription }: Entitlements, shown: Subscription | null): Status {
  if (subscription) return subscription.status === "expired" ? "canceled" : subscription.status;
  if (source === "trial") return "trialing";
  if (source === "operator") return "active";
  if (!shown) return "free";
  // Overdue beyond its grace: nobody has ended it, and paying brings it back.
  return shown.source === "stripe" && isLive(shown) && shown.graceUntil !== null ? "past_due" : "canceled";
}
