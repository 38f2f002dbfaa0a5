// @ts-check
/** Invoices: made, final, paid or not. Real ones stay drafts for an hour at a renewal; these are final at once. */
import { DAY_S, decimal, idOf, itemOf, must } from "./state.mjs";
import { missing, missingParam, page, text } from "./wire.mjs";

/** @typedef {import("./state.mjs").State} State */
/** @typedef {import("./state.mjs").Invoice} Invoice */
/** @typedef {import("./state.mjs").Subscription} Subscription */
/** @typedef {import("./wire.mjs").Route} Route */
/** @typedef {import("stripe").Stripe.InvoiceLineItem} Line */
/** @typedef {{ description: string, amount: number, price: import("./state.mjs").Price, start: number, end: number, proration: boolean }} LineSpec */

/** Days from one attempt to the next; the fourth failure is the last. */
const RETRY_DAYS = [3, 5, 7];

/** @param {State} state @param {Subscription} subscription @param {string} invoiceId @param {LineSpec} spec @returns {Line} */
function newLine(state, subscription, invoiceId, { description, amount, price, start, end, proration }) {
  return {
    id: state.nextId("il"),
    object: "line_item",
    amount,
    currency: price.currency,
    description,
    discount_amounts: [],
    discountable: !proration,
    discounts: [],
    invoice: invoiceId,
    livemode: state.livemode,
    metadata: subscription.metadata,
    parent: {
      invoice_item_details: null,
      subscription_item_details: { invoice_item: null, proration, proration_details: { credited_items: null }, subscription: subscription.id, subscription_item: itemOf(subscription).id },
      type: "subscription_item_details",
    },
    period: { start, end },
    pretax_credit_amounts: [],
    pricing: { price_details: { price: price.id, product: idOf(price.product) }, type: "price_details", unit_amount_decimal: price.unit_amount_decimal },
    quantity: itemOf(subscription).quantity ?? 1,
    quantity_decimal: decimal(itemOf(subscription).quantity ?? 1),
    subscription: subscription.id,
    subtotal: amount,
    taxes: [],
  };
}

/**
 * A draft.
 * @param {State} state @param {Subscription} subscription
 * @param {"subscription_create" | "subscription_cycle" | "subscription_update"} reason @param {readonly LineSpec[]} specs
 * @returns {Invoice}
 */
export function draftInvoice(state, subscription, reason, specs) {
  const id = state.nextId("in");
  const lines = specs.map((spec) => newLine(state, subscription, id, spec));
  const total = lines.reduce((sum, { amount }) => sum + amount, 0);
  const due = Math.max(0, total);
  const customer = state.customers.get(idOf(subscription.customer));
  /** @type {Invoice} */
  const invoice = {
    id,
    object: "invoice",
    account_country: "US",
    account_name: "Sett",
    account_tax_ids: null,
    amount_due: due,
    amount_overpaid: 0,
    amount_paid: 0,
    amount_remaining: due,
    amount_shipping: 0,
    application: null,
    attempt_count: 0,
    attempted: false,
    auto_advance: true,
    automatic_tax: { disabled_reason: null, enabled: false, liability: null, provider: null, status: null },
    automatically_finalizes_at: null,
    billing_reason: reason,
    collection_method: "charge_automatically",
    created: state.now(),
    currency: subscription.currency,
    custom_fields: null,
    customer: idOf(subscription.customer),
    customer_account: null,
    customer_address: null,
    customer_email: customer?.email ?? null,
    customer_name: null,
    customer_phone: null,
    customer_shipping: null,
    customer_tax_exempt: "none",
    customer_tax_ids: [],
    default_payment_method: null,
    default_source: null,
    default_tax_rates: [],
    description: null,
    discounts: [],
    due_date: null,
    effective_at: null,
    ending_balance: null,
    footer: null,
    from_invoice: null,
    hosted_invoice_url: null,
    invoice_pdf: null,
    issuer: { type: "self" },
    last_finalization_error: null,
    latest_revision: null,
    lines: { object: "list", data: lines, has_more: false, url: `/v1/invoices/${id}/lines` },
    livemode: state.livemode,
    metadata: {},
    next_payment_attempt: null,
    number: null,
    on_behalf_of: null,
    parent: { quote_details: null, subscription_details: { metadata: subscription.metadata, subscription: subscription.id }, type: "subscription_details" },
    payment_settings: { default_mandate: null, payment_method_options: null, payment_method_types: null },
    period_end: state.now(),
    period_start: reason === "subscription_cycle" ? itemOf(subscription).current_period_start : state.now(),
    post_payment_credit_notes_amount: 0,
    pre_payment_credit_notes_amount: 0,
    receipt_number: null,
    rendering: null,
    shipping_cost: null,
    shipping_details: null,
    starting_balance: 0,
    statement_descriptor: null,
    status: "draft",
    status_transitions: { finalized_at: null, marked_uncollectible_at: null, paid_at: null, voided_at: null },
    subtotal: total,
    subtotal_excluding_tax: total,
    test_clock: null,
    total,
    total_discount_amounts: [],
    total_excluding_tax: total,
    total_pretax_credit_amounts: [],
    total_taxes: [],
    webhooks_delivered_at: null,
  };
  state.invoices.set(id, invoice);
  subscription.latest_invoice = id;
  state.emit("invoice.created", invoice);
  return invoice;
}

/** @param {State} state @param {Invoice} invoice */
export function finalizeInvoice(state, invoice) {
  if (invoice.status !== "draft") return;
  const customer = state.customers.get(idOf(invoice.customer));
  const sequence = customer ? (customer.next_invoice_sequence = (customer.next_invoice_sequence ?? 1) + 1) - 1 : 1;
  invoice.status = "open";
  invoice.number = `${invoice.id.slice(-4)}-${String(sequence).padStart(4, "0")}`;
  invoice.effective_at = invoice.status_transitions.finalized_at = state.now();
  invoice.hosted_invoice_url = `https://invoice.stripe.test/i/${invoice.id}`;
  invoice.invoice_pdf = `https://pay.stripe.test/invoice/${invoice.id}/pdf`;
  state.emit("invoice.finalized", invoice);
}

/** Takes the money, with the customer's card; true when it was paid. What that means to the subscription is its own affair. @param {State} state @param {Invoice} invoice */
export function collect(state, invoice) {
  finalizeInvoice(state, invoice);
  if (invoice.status !== "open") return invoice.status === "paid";
  invoice.attempted = true;
  const card = state.cards.get(idOf(invoice.customer)) ?? "ok";
  if (card === "ok" || invoice.amount_due === 0) {
    invoice.status = "paid";
    invoice.amount_paid = invoice.amount_due;
    invoice.amount_remaining = 0;
    invoice.attempt_count += invoice.amount_due === 0 ? 0 : 1;
    invoice.next_payment_attempt = null;
    invoice.status_transitions.paid_at = state.now();
    state.emit("invoice.paid", invoice);
    state.emit("invoice.payment_succeeded", invoice);
    return true;
  }
  invoice.attempt_count += 1;
  const days = invoice.billing_reason === "subscription_create" ? undefined : RETRY_DAYS[invoice.attempt_count - 1];
  invoice.next_payment_attempt = days === undefined ? null : state.now() + days * DAY_S;
  state.emit(card === "action" ? "invoice.payment_action_required" : "invoice.payment_failed", invoice);
  return false;
}

/** @param {State} state @param {Invoice} invoice */
export function voidInvoice(state, invoice) {
  if (invoice.status !== "open") return;
  invoice.status = "void";
  invoice.next_payment_attempt = null;
  invoice.status_transitions.voided_at = state.now();
  state.emit("invoice.voided", invoice);
}

/** Gives back what an invoice took. @param {State} state @param {string} invoiceId @param {number} [amount] */
export function refundInvoice(state, invoiceId, amount) {
  const invoice = must(state.invoices, invoiceId);
  /** @type {import("stripe").Stripe.Refund} */
  const refund = {
    id: state.nextId("re"),
    object: "refund",
    amount: amount ?? invoice.amount_paid,
    balance_transaction: null,
    charge: state.nextId("ch"),
    created: state.now(),
    currency: invoice.currency,
    customer: idOf(invoice.customer),
    customer_account: null,
    metadata: {},
    payment_intent: state.nextId("pi"),
    payment_method: null,
    reason: "requested_by_customer",
    receipt_number: null,
    source_transfer_reversal: null,
    status: "succeeded",
    transfer_reversal: null,
  };
  state.refunds.set(refund.id, refund);
  state.emit("refund.created", refund);
  return refund;
}

/** @type {readonly Route[]} */
export const invoiceRoutes = [
  {
    method: "GET",
    path: "/v1/invoices",
    params: ["customer", "subscription", "status", "limit", "starting_after", "ending_before"],
    handle({ state, form }) {
      const [customer, subscription, status] = [text(form, "customer"), text(form, "subscription"), text(form, "status")];
      if (customer !== null && !state.customers.has(customer) && !state.removed.has(customer)) throw missingParam("customer", customer, "customer");
      const found = [...state.invoices.values()].filter(
        (invoice) =>
          (customer === null || idOf(invoice.customer) === customer) &&
          (status === null || invoice.status === status) &&
          (subscription === null || idOf(invoice.parent?.subscription_details?.subscription) === subscription),
      );
      return page(found, form, "/v1/invoices");
    },
  },
  {
    method: "GET",
    path: "/v1/invoices/:id",
    params: [],
    handle({ state, id }) {
      const invoice = state.invoices.get(id);
      if (!invoice) throw missing("invoice", id);
      return invoice;
    },
  },
];
