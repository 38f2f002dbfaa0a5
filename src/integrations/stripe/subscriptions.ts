import type { Stripe } from "stripe";
import type { CancelChange, PaidSubscription, Payments } from "../../kernel/ports/payments";
import type { StripeCalls } from "./calls";
import type { Refusal } from "./errors";
import { isEnded, toSubscription } from "./mapper";

/** Stripe's largest page. */
const PAGE_SIZE = 100;

/** Reads one; null when there is none. */
export async function readSubscription(calls: StripeCalls, subscriptionId: string): Promise<PaidSubscription | null> {
  const found = await calls.find("GET subscription", (stripe) => stripe.subscriptions.retrieve(subscriptionId));
  return found && toSubscription(found);
}

/** Subscriptions, and what changes them at once. */
export function createSubscriptions(calls: StripeCalls): Pick<Payments, "getSubscription" | "listSubscriptions" | "changePriceNow" | "setCancelAtPeriodEnd" | "cancelNow"> {
  /** Why a change was refused, told by what the subscription is now: the refusal's own words are not to be relied on. */
  const explain = async (subscriptionId: string, refusal: Refusal): Promise<Exclude<CancelChange, { kind: "changed" }>> => {
    const subscription = await readSubscription(calls, subscriptionId);
    if (!subscription) return { kind: "unknown" };
    if (isEnded(subscription)) return { kind: "ended" };
    if (subscription.scheduleId !== null) return { kind: "managed_by_schedule", scheduleId: subscription.scheduleId };
    throw refusal.unexpected;
  };

  return {
    getSubscription: (subscriptionId) => readSubscription(calls, subscriptionId),

    async listSubscriptions(customerId) {
      const page = await calls.find("GET subscriptions", (stripe) => stripe.subscriptions.list({ customer: customerId, status: "all", limit: PAGE_SIZE }));
      return page ? page.data.map(toSubscription) : [];
    },

    async changePriceNow({ subscriptionId, priceId, idempotencyKey }) {
      const subscription = await readSubscription(calls, subscriptionId);
      if (!subscription) return { kind: "unknown" };
      if (isEnded(subscription)) return { kind: "ended" };
      if (subscription.scheduleId !== null) return { kind: "managed_by_schedule", scheduleId: subscription.scheduleId };
      if (subscription.priceId === priceId) return { kind: "changed", subscription };
      const done = await calls.attempt("POST subscription", (stripe) =>
        stripe.subscriptions.update(
          subscriptionId,
          { items: [{ id: subscription.itemId, price: priceId }], proration_behavior: "always_invoice", payment_behavior: "error_if_incomplete" },
          { idempotencyKey },
        ),
      );
      if (done.ok) return { kind: "changed", subscription: toSubscription(done.value) };
      if (done.refusal.payment) return { kind: "payment_failed", reason: done.refusal.payment.reason };
      if (done.refusal.parameter.startsWith("items")) return { kind: "unknown_price" };
      return explain(subscriptionId, done.refusal);
    },

    async setCancelAtPeriodEnd(subscriptionId, cancel) {
      const found = await calls.find("GET subscription", (stripe) => stripe.subscriptions.retrieve(subscriptionId));
      if (!found) return { kind: "unknown" };
      const subscription = toSubscription(found);
      if (isEnded(subscription)) return { kind: "ended" };
      if (subscription.cancelAtPeriodEnd === cancel) return { kind: "changed", subscription };
      const change: Stripe.SubscriptionUpdateParams = cancel || found.cancel_at_period_end ? { cancel_at_period_end: cancel } : { cancel_at: "" };
      const done = await calls.attempt("POST subscription", (stripe) => stripe.subscriptions.update(subscriptionId, change));
      return done.ok ? { kind: "changed", subscription: toSubscription(done.value) } : explain(subscriptionId, done.refusal);
    },

    async cancelNow(subscriptionId) {
      const done = await calls.find("DELETE subscription", (stripe) => stripe.subscriptions.cancel(subscriptionId));
      // One that has ended is as unknown to this call as one that never was.
      return done ? toSubscription(done) : readSubscription(calls, subscriptionId);
    },
  };
}
