// @ts-check
/** Time passes: renewals, further attempts to collect, phases, ends. */
import { collect, draftInvoice } from "./invoices.mjs";
import { completeSchedule } from "./schedules.mjs";
import { idOf, itemOf, must } from "./state.mjs";
import { endSubscription, expireIncomplete, isEnded, periodEnd, periodLine, setPrice, updated } from "./subscriptions.mjs";

/** @typedef {import("./state.mjs").State} State */
/** @typedef {import("./state.mjs").Subscription} Subscription */
/** @typedef {import("./state.mjs").Invoice} Invoice */
/** @typedef {{ at: number, run: () => void }} Due */

const INCOMPLETE_S = 23 * 3_600;

/** @param {Invoice} invoice */
const subscriptionIdOf = (invoice) => idOf(invoice.parent?.subscription_details?.subscription);

/** An attempt to collect has ended: what that means to the subscription. @param {State} state @param {Subscription} subscription @param {Invoice} invoice */
export function settle(state, subscription, invoice) {
  const before = { status: subscription.status };
  if (isEnded(subscription)) return;
  if (invoice.status === "paid") {
    if (["past_due", "unpaid", "incomplete"].includes(subscription.status)) {
      subscription.status = "active";
      updated(state, subscription, before);
    }
    return;
  }
  if (subscription.status === "incomplete") return;
  if (invoice.next_payment_attempt !== null) {
    if (subscription.status === "past_due") return;
    subscription.status = "past_due";
    return updated(state, subscription, before);
  }
  if (state.afterRetries === "canceled") return endSubscription(state, subscription, "payment_failed");
  subscription.status = "unpaid";
  updated(state, subscription, before);
}

/** A new period. An unpaid subscription goes on making drafts that nobody collects. @param {State} state @param {Subscription} subscription */
function renew(state, subscription) {
  const item = itemOf(subscription);
  const trialEnded = subscription.status === "trialing";
  const schedule = state.schedules.get(idOf(subscription.schedule));
  const next = schedule?.phases.find(({ start_date: at }) => at === item.current_period_end);
  const start = item.current_period_end;
  if (schedule && next) {
    setPrice(subscription, must(state.prices, idOf(next.items[0]?.price)));
    schedule.current_phase = { start_date: next.start_date, end_date: next.end_date };
    state.emit("subscription_schedule.updated", schedule);
  } else if (schedule && (schedule.phases.at(-1)?.end_date ?? 0) <= start) {
    completeSchedule(state, schedule);
  }
  [item.current_period_start, item.current_period_end] = [start, periodEnd(item.price, start, subscription.billing_cycle_anchor)];
  if (trialEnded) subscription.status = "active";
  updated(state, subscription, { status: trialEnded ? "trialing" : subscription.status });
  const invoice = draftInvoice(state, subscription, "subscription_cycle", [periodLine(subscription)]);
  if (subscription.status === "unpaid") return;
  collect(state, invoice);
  settle(state, subscription, invoice);
}

/** @param {State} state @param {Subscription} subscription @returns {Due[]} */
function dueOf(state, subscription) {
  if (isEnded(subscription)) return [];
  if (subscription.status === "incomplete") return [{ at: subscription.created + INCOMPLETE_S, run: () => expireIncomplete(state, subscription) }];
  const end = itemOf(subscription).current_period_end;
  const cancelAt = subscription.cancel_at ?? (subscription.cancel_at_period_end ? end : null);
  // The end comes before the renewal of the same moment.
  return [...(cancelAt === null ? [] : [{ at: cancelAt, run: () => endSubscription(state, subscription, "cancellation_requested") }]), { at: end, run: () => renew(state, subscription) }];
}

/** Everything that is to happen, in the order of its time. @param {State} state @returns {Due | undefined} */
function nextDue(state) {
  const retries = [...state.invoices.values()].flatMap((invoice) => {
    const { next_payment_attempt: at, status } = invoice;
    const subscription = state.subscriptions.get(subscriptionIdOf(invoice));
    if (at === null || status !== "open" || !subscription || isEnded(subscription)) return [];
    return [{ at, run: () => (collect(state, invoice), settle(state, subscription, invoice)) }];
  });
  const expiring = [...state.sessions.values()].flatMap((session) =>
    session.status === "open" ? [{ at: session.expires_at, run: () => ([session.status, session.url] = ["expired", null], state.emit("checkout.session.expired", session)) }] : [],
  );
  return [...state.subscriptions.values()].flatMap((subscription) => dueOf(state, subscription)).concat(retries, expiring).sort((a, b) => a.at - b.at)[0];
}

/** Lets `ms` pass, with all that happens in them. @param {State} state @param {number} ms */
export function advance(state, ms) {
  const until = state.now() + Math.round(ms / 1_000);
  for (let due = nextDue(state); due && due.at <= until; due = nextDue(state)) {
    state.moveTo(due.at);
    due.run();
  }
  state.moveTo(until);
}
