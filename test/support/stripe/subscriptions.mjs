// @ts-check
/** Subscriptions: how they begin, what may be changed, how they end. */
import { collect, draftInvoice, voidInvoice } from "./invoices.mjs";
import { addInterval, DAY_S, idOf, itemOf } from "./state.mjs";
import { declined, flag, formOf, invalid, listOf, missing, missingParam, page, StripeFault, text, textsOf } from "./wire.mjs";

/** @typedef {import("./state.mjs").State} State */
/** @typedef {import("./state.mjs").Subscription} Subscription */
/** @typedef {import("./state.mjs").Price} Price */
/** @typedef {import("./wire.mjs").Route} Route */
/** @typedef {import("./wire.mjs").Form} Form */

const ENDED = new Set(["canceled", "incomplete_expired"]);
export const isEnded = (/** @type {Subscription} */ { status }) => ENDED.has(status);

/** What the same price was called before there were prices. @param {Price} price @returns {import("stripe").Stripe.Plan} */
const planOf = (price) => ({
  id: price.id,
  object: "plan",
  active: price.active,
  amount: price.unit_amount,
  amount_decimal: price.unit_amount_decimal,
  billing_scheme: "per_unit",
  created: price.created,
  currency: price.currency,
  interval: price.recurring?.interval ?? "month",
  interval_count: price.recurring?.interval_count ?? 1,
  livemode: price.livemode,
  metadata: {},
  meter: null,
  nickname: null,
  product: price.product,
  tiers_mode: null,
  transform_usage: null,
  trial_period_days: null,
  usage_type: "licensed",
});

/** @param {Price} price @param {number} from s @param {number} [anchor] */
export const periodEnd = (price, from, anchor) => addInterval(from, price.recurring?.interval ?? "month", price.recurring?.interval_count ?? 1, anchor);

/** @param {Subscription} subscription @param {Price} price */
export function setPrice(subscription, price) {
  const item = itemOf(subscription);
  [item.price, item.plan] = [price, planOf(price)];
  subscription.currency = price.currency;
}

/** A whole period of what it has. @param {Subscription} subscription @returns {import("./invoices.mjs").LineSpec} */
export function periodLine(subscription) {
  const { price, quantity = 1, current_period_start: start, current_period_end: end } = itemOf(subscription);
  return { description: `${quantity} × ${price.id}`, amount: (price.unit_amount ?? 0) * quantity, price, start, end, proration: false };
}

/** @param {State} state @param {Subscription} subscription @param {object} [previous] */
export const updated = (state, subscription, previous) => state.emit("customer.subscription.updated", subscription, previous);

/**
 * A new one: paid, in its trial, or incomplete.
 * @param {State} state
 * @param {{ customerId: string, price: Price, quantity?: number, metadata?: Record<string, string>, trialDays?: number, billingMode?: "flexible" | "classic" }} given
 * @returns {Subscription}
 */
export function addSubscription(state, { customerId, price, quantity = 1, metadata = {}, trialDays = 0, billingMode = "flexible" }) {
  const id = state.nextId("sub");
  const now = state.now();
  const trialEnd = trialDays > 0 ? now + trialDays * DAY_S : null;
  /** @type {import("stripe").Stripe.SubscriptionItem} */
  const item = {
    id: state.nextId("si"),
    object: "subscription_item",
    billing_thresholds: null,
    created: now,
    current_period_end: trialEnd ?? periodEnd(price, now),
    current_period_start: now,
    current_trial: null,
    discounts: [],
    metadata: {},
    plan: planOf(price),
    price,
    quantity,
    subscription: id,
    tax_rates: [],
  };
  /** @type {Subscription} */
  const subscription = {
    id,
    object: "subscription",
    application: null,
    application_fee_percent: null,
    automatic_tax: { disabled_reason: null, enabled: false, liability: null },
    billing_cycle_anchor: trialEnd ?? now,
    billing_cycle_anchor_config: null,
    billing_mode: { flexible: billingMode === "flexible" ? { proration_discounts: "included" } : null, type: billingMode },
    billing_schedules: [],
    billing_thresholds: null,
    cancel_at: null,
    cancel_at_period_end: false,
    canceled_at: null,
    cancellation_details: { comment: null, feedback: null, feedback_option: null, reason: null },
    collection_method: "charge_automatically",
    created: now,
    currency: price.currency,
    customer: customerId,
    customer_account: null,
    days_until_due: null,
    default_payment_method: null,
    default_source: null,
    default_tax_rates: [],
    description: null,
    discounts: [],
    ended_at: null,
    invoice_settings: { account_tax_ids: null, custom_fields: null, description: null, footer: null, issuer: { type: "self" } },
    items: { object: "list", data: [item], has_more: false, url: `/v1/subscription_items?subscription=${id}` },
    latest_invoice: null,
    livemode: state.livemode,
    managed_payments: null,
    metadata,
    next_pending_invoice_item_invoice: null,
    on_behalf_of: null,
    pause_collection: null,
    payment_settings: { payment_method_options: null, payment_method_types: null, save_default_payment_method: "off" },
    pending_invoice_item_interval: null,
    pending_setup_intent: null,
    pending_update: null,
    schedule: null,
    start_date: now,
    status: trialEnd === null ? "incomplete" : "trialing",
    test_clock: null,
    transfer_data: null,
    trial_end: trialEnd,
    trial_settings: { end_behavior: { billing_cycle_anchor: null, missing_payment_method: "create_invoice" } },
    trial_start: trialEnd === null ? null : now,
  };
  state.subscriptions.set(id, subscription);
  const invoice = draftInvoice(state, subscription, "subscription_create", [trialEnd === null ? periodLine(subscription) : { ...periodLine(subscription), amount: 0 }]);
  state.emit("customer.subscription.created", subscription);
  if (collect(state, invoice) && trialEnd === null) {
    subscription.status = "active";
    updated(state, subscription, { status: "incomplete" });
  }
  return subscription;
}

/** @param {State} state @param {Subscription} subscription @param {"cancellation_requested" | "payment_failed"} reason */
export function endSubscription(state, subscription, reason) {
  if (isEnded(subscription)) return;
  const now = state.now();
  subscription.status = "canceled";
  subscription.ended_at = now;
  subscription.canceled_at ??= now;
  if (subscription.cancellation_details) subscription.cancellation_details.reason = reason;
  const schedule = state.schedules.get(idOf(subscription.schedule));
  if (schedule) {
    [schedule.status, schedule.canceled_at, schedule.current_phase] = ["canceled", now, null];
    subscription.schedule = null;
    state.emit("subscription_schedule.canceled", schedule);
  }
  state.emit("customer.subscription.deleted", subscription);
}

/** Stops trying to collect what an ended first payment owed. @param {State} state @param {Subscription} subscription */
export function expireIncomplete(state, subscription) {
  subscription.status = "incomplete_expired";
  subscription.ended_at = state.now();
  const invoice = state.invoices.get(idOf(subscription.latest_invoice));
  if (invoice) voidInvoice(state, invoice);
  updated(state, subscription, { status: "incomplete" });
}

/** @param {State} state @param {Form} form @param {string} param */
export function priceOf(state, form, param) {
  const id = text(form, "price") ?? "";
  const price = state.prices.get(id);
  if (!price) throw missingParam("price", id, param);
  if (!price.active) throw invalid("The price specified is inactive. This field only accepts active prices.", { param });
  return price;
}

/** Another price from now on, the difference billed as asked. @param {State} state @param {Subscription} subscription @param {Form} form */
function changePrice(state, subscription, form) {
  const item = itemOf(subscription);
  const [change] = listOf(form, "items");
  if (!change) return;
  const price = priceOf(state, change, "items[0][price]");
  if (text(change, "id") !== item.id) throw missingParam("subscription_item", text(change, "id") ?? "", "items[0][id]");
  if (price.id === item.price.id) return;
  const prorations = text(form, "proration_behavior") ?? "create_prorations";
  const [old, quantity, now] = [item.price, item.quantity ?? 1, state.now()];
  const sameCycle = price.recurring?.interval === old.recurring?.interval && price.recurring?.interval_count === old.recurring?.interval_count;
  const [start, end] = sameCycle ? [item.current_period_start, item.current_period_end] : [now, periodEnd(price, now)];
  const share = (/** @type {Price} */ of, /** @type {number} */ from, /** @type {number} */ to) => Math.round(((of.unit_amount ?? 0) * quantity * (item.current_period_end - now)) / Math.max(1, to - from));
  const credit = -share(old, item.current_period_start, item.current_period_end);
  const charge = sameCycle ? share(price, start, end) : (price.unit_amount ?? 0) * quantity;
  const payment = text(form, "payment_behavior") ?? "allow_incomplete";
  const card = state.cards.get(idOf(subscription.customer)) ?? "ok";
  if (prorations === "always_invoice" && payment === "error_if_incomplete" && card !== "ok" && credit + charge > 0) {
    if (card === "declined") throw declined();
    throw new StripeFault(402, { type: "card_error", code: "authentication_required", decline_code: "authentication_required", message: "This payment requires additional user action before it can be completed successfully." });
  }
  setPrice(subscription, price);
  [item.current_period_start, item.current_period_end] = [start, end];
  if (!sameCycle) subscription.billing_cycle_anchor = now;
  if (prorations !== "always_invoice" && sameCycle) return;
  const invoice = draftInvoice(state, subscription, "subscription_update", [
    { description: `Unused time on ${old.id}`, amount: credit, price: old, start: now, end, proration: true },
    { description: `Remaining time on ${price.id}`, amount: charge, price, start: now, end, proration: sameCycle },
  ]);
  if (!collect(state, invoice)) subscription.status = "past_due";
}

/** @param {State} state @param {Subscription} subscription @param {Form} form */
function changeCancellation(state, subscription, form) {
  const [flagged, at] = [flag(form, "cancel_at_period_end"), text(form, "cancel_at")];
  if (flagged === null && at === null) return;
  if (flagged !== null && at !== null) throw invalid("You may only specify one of these parameters: cancel_at, cancel_at_period_end.", { code: "parameters_exclusive", param: "cancel_at" });
  if (subscription.schedule) {
    throw invalid(`The subscription is managed by the subscription schedule \`${idOf(subscription.schedule)}\`, and updating any cancelation behavior directly is not allowed. Please update the schedule instead.`, {
      param: flagged === null ? "cancel_at" : "cancel_at_period_end",
    });
  }
  setCancellation(state, subscription, flagged === true ? itemOf(subscription).current_period_end : at ? Number(at) : null, flagged === true);
}

/** @param {State} state @param {Subscription} subscription @param {number | null} at s @param {boolean} flagged */
export function setCancellation(state, subscription, at, flagged) {
  subscription.cancel_at_period_end = flagged;
  subscription.cancel_at = at;
  subscription.canceled_at = at === null ? null : state.now();
  if (subscription.cancellation_details) subscription.cancellation_details.reason = at === null ? null : "cancellation_requested";
}

/** @param {State} state @param {string} id */
function find(state, id) {
  const subscription = state.subscriptions.get(id);
  if (!subscription) throw missing("subscription", id);
  return subscription;
}

/** @type {readonly Route[]} */
export const subscriptionRoutes = [
  {
    method: "GET",
    path: "/v1/subscriptions",
    params: ["customer", "status", "price", "limit", "starting_after", "ending_before"],
    handle({ state, form }) {
      const [customer, status] = [text(form, "customer"), text(form, "status")];
      if (customer !== null && !state.customers.has(customer) && !state.removed.has(customer)) throw missingParam("customer", customer, "customer");
      const found = [...state.subscriptions.values()].filter(
        (subscription) =>
          (customer === null || idOf(subscription.customer) === customer) && (status === "all" || (status === null ? subscription.status !== "canceled" : subscription.status === status)),
      );
      return page(found, form, "/v1/subscriptions");
    },
  },
  { method: "GET", path: "/v1/subscriptions/:id", params: [], handle: ({ state, id }) => find(state, id) },
  {
    method: "POST",
    path: "/v1/subscriptions/:id",
    params: ["items", "proration_behavior", "payment_behavior", "cancel_at_period_end", "cancel_at", "metadata"],
    handle({ state, id, form }) {
      const subscription = find(state, id);
      if (isEnded(subscription)) throw invalid("A canceled subscription can only update its cancellation_details and metadata.");
      const before = { cancel_at_period_end: subscription.cancel_at_period_end, cancel_at: subscription.cancel_at, status: subscription.status };
      changeCancellation(state, subscription, form);
      changePrice(state, subscription, form);
      if (formOf(form, "metadata")) subscription.metadata = { ...subscription.metadata, ...textsOf(form, "metadata") };
      updated(state, subscription, before);
      return subscription;
    },
  },
  {
    method: "DELETE",
    path: "/v1/subscriptions/:id",
    params: ["invoice_now", "prorate"],
    handle({ state, id }) {
      const subscription = find(state, id);
      if (isEnded(subscription)) throw missing("subscription", id);
      endSubscription(state, subscription, "cancellation_requested");
      return subscription;
    },
  },
];
