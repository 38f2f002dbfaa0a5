// @ts-check
/** Stripe's own pages: checkout and the customer portal. */
import { addSubscription, priceOf } from "./subscriptions.mjs";
import { DAY_S, idOf, must } from "./state.mjs";
import { formOf, integer, invalid, listOf, missing, missingParam, required, text, textsOf } from "./wire.mjs";

/** @typedef {import("./state.mjs").State} State */
/** @typedef {import("./state.mjs").CheckoutSession} CheckoutSession */
/** @typedef {import("./wire.mjs").Route} Route */
/** @typedef {import("./wire.mjs").Form} Form */

/** @param {State} state @param {Form} form @param {string} id @param {number} amount @param {string} currency @returns {CheckoutSession} */
const newSession = (state, form, id, amount, currency) => ({
  id,
  object: "checkout.session",
  adaptive_pricing: null,
  after_expiration: null,
  allow_promotion_codes: null,
  allowed_payment_method_types: null,
  amount_subtotal: amount,
  amount_total: amount,
  automatic_tax: { enabled: false, liability: null, provider: null, status: null },
  billing_address_collection: null,
  cancel_url: text(form, "cancel_url"),
  client_reference_id: text(form, "client_reference_id"),
  client_secret: null,
  collected_information: null,
  consent: null,
  consent_collection: null,
  created: state.now(),
  currency,
  currency_conversion: null,
  custom_fields: [],
  custom_text: { after_submit: null, shipping_address: null, submit: null, terms_of_service_acceptance: null },
  customer: text(form, "customer"),
  customer_account: null,
  customer_creation: null,
  customer_details: null,
  customer_email: null,
  discounts: [],
  expires_at: state.now() + DAY_S,
  integration_identifier: null,
  invoice: null,
  invoice_creation: null,
  livemode: state.livemode,
  locale: null,
  managed_payments: null,
  metadata: textsOf(form, "metadata"),
  mode: "subscription",
  origin_context: null,
  payment_intent: null,
  payment_link: null,
  payment_method_collection: "always",
  payment_method_configuration_details: null,
  payment_method_options: {},
  payment_method_types: ["card"],
  payment_status: "unpaid",
  permissions: null,
  recovered_from: null,
  saved_payment_method_options: null,
  setup_intent: null,
  shipping_address_collection: null,
  shipping_cost: null,
  shipping_options: [],
  status: "open",
  submit_type: null,
  subscription: null,
  success_url: text(form, "success_url"),
  total_details: { amount_discount: 0, amount_shipping: 0, amount_tax: 0 },
  ui_mode: "hosted_page",
  url: `https://checkout.stripe.test/c/pay/${id}`,
  wallet_options: null,
});

/**
 * The customer pays, or tries to: a declined card makes nothing, and the page stays open.
 * @param {State} state @param {string} sessionId @param {import("./state.mjs").Card} card
 * @returns {{ kind: "completed", subscriptionId: string, invoiceId: string } | { kind: "declined" }}
 */
export function completeCheckout(state, sessionId, card) {
  const session = must(state.sessions, sessionId);
  if (session.status !== "open") throw new Error(`${sessionId} is ${session.status}`);
  const customerId = idOf(session.customer);
  if (card !== "ok") return { kind: "declined" };
  state.cards.set(customerId, card);
  const { priceId, quantity, metadata, trialDays } = must(state.carts, sessionId);
  const subscription = addSubscription(state, { customerId, price: must(state.prices, priceId), quantity, metadata, trialDays });
  const invoiceId = idOf(subscription.latest_invoice);
  [session.status, session.payment_status, session.subscription, session.invoice, session.url] = ["complete", "paid", subscription.id, invoiceId, null];
  state.emit("checkout.session.completed", session);
  return { kind: "completed", subscriptionId: subscription.id, invoiceId };
}

/** @param {State} state @param {string} id */
function requireCustomer(state, id) {
  if (!state.customers.has(id)) throw missingParam("customer", id, "customer");
}

/** @type {readonly Route[]} */
export const checkoutRoutes = [
  {
    method: "POST",
    path: "/v1/checkout/sessions",
    params: ["mode", "customer", "client_reference_id", "line_items", "success_url", "cancel_url", "metadata", "subscription_data"],
    handle({ state, form }) {
      if (required(form, "mode") !== "subscription") throw invalid("the double knows subscriptions only", { param: "mode" });
      requireCustomer(state, required(form, "customer"));
      required(form, "success_url");
      const [item] = listOf(form, "line_items");
      if (!item) throw invalid("Missing required param: line_items.", { code: "parameter_missing", param: "line_items" });
      const price = priceOf(state, item, "line_items[0][price]");
      const quantity = integer(item, "quantity");
      if (quantity === null) throw invalid("Quantity is required. Add `quantity` to `line_items[0]`", { param: "line_items[0][quantity]" });
      const data = formOf(form, "subscription_data");
      const session = newSession(state, form, state.nextId(state.livemode ? "cs_live" : "cs_test"), (price.unit_amount ?? 0) * quantity, price.currency);
      state.sessions.set(session.id, session);
      state.carts.set(session.id, { priceId: price.id, quantity, metadata: textsOf(data, "metadata"), trialDays: (data && integer(data, "trial_period_days")) ?? 0 });
      return session;
    },
  },
  {
    method: "GET",
    path: "/v1/checkout/sessions/:id",
    params: [],
    handle({ state, id }) {
      const session = state.sessions.get(id);
      if (!session) throw missing("checkout.session", id, "session");
      return session;
    },
  },
  {
    method: "POST",
    path: "/v1/billing_portal/sessions",
    params: ["customer", "return_url", "configuration"],
    handle({ state, form }) {
      const customer = required(form, "customer");
      requireCustomer(state, customer);
      const configuration = text(form, "configuration");
      if (configuration === null && !state.portalConfigured) throw invalid("No configuration provided and your test mode default configuration has not been created.");
      const id = state.nextId("bps");
      /** @type {import("stripe").Stripe.BillingPortal.Session} */
      const session = {
        id,
        object: "billing_portal.session",
        configuration: configuration ?? "bpc_default",
        created: state.now(),
        customer,
        customer_account: null,
        flow: null,
        livemode: state.livemode,
        locale: null,
        on_behalf_of: null,
        return_url: text(form, "return_url"),
        url: `https://billing.stripe.test/p/session/${id}`,
      };
      return session;
    },
  },
];
