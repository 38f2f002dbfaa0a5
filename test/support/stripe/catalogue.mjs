// @ts-check
/** Customers, products and prices. */
import { endSubscription } from "./subscriptions.mjs";
import { decimal, idOf } from "./state.mjs";
import { missing, text, textsOf } from "./wire.mjs";

/** @typedef {import("./state.mjs").State} State */
/** @typedef {import("./wire.mjs").Route} Route */

/** @param {State} state @param {{ email: string | null, metadata: Record<string, string> }} given @returns {import("stripe").Stripe.Customer} */
function newCustomer(state, { email, metadata }) {
  return {
    id: state.nextId("cus"),
    object: "customer",
    address: null,
    balance: 0,
    created: state.now(),
    currency: null,
    customer_account: null,
    default_source: null,
    delinquent: false,
    description: null,
    discount: null,
    email,
    invoice_prefix: "SETT",
    invoice_settings: { custom_fields: null, default_payment_method: null, footer: null, rendering_options: null },
    livemode: state.livemode,
    metadata,
    name: null,
    next_invoice_sequence: 1,
    phone: null,
    preferred_locales: [],
    shipping: null,
    tax_exempt: "none",
    test_clock: null,
  };
}

/** @param {State} state @param {{ id?: string, name?: string }} given @returns {import("stripe").Stripe.Product} */
export function addProduct(state, { id = state.nextId("prod"), name = "Plan" }) {
  /** @type {import("stripe").Stripe.Product} */
  const product = {
    id,
    object: "product",
    active: true,
    created: state.now(),
    default_price: null,
    description: null,
    images: [],
    livemode: state.livemode,
    marketing_features: [],
    metadata: {},
    name,
    package_dimensions: null,
    shippable: null,
    statement_descriptor: null,
    tax_code: null,
    tax_details: null,
    type: "service",
    unit_label: null,
    updated: state.now(),
    url: null,
  };
  state.products.set(id, product);
  return product;
}

/**
 * @param {State} state
 * @param {{ id?: string, productId?: string, name?: string, amount: number, currency?: string, interval?: "day" | "week" | "month" | "year", intervalCount?: number, active?: boolean }} given `amount` in cents
 * @returns {import("stripe").Stripe.Price}
 */
export function addPrice(state, { id = state.nextId("price"), productId, name, amount, currency = "usd", interval = "month", intervalCount = 1, active = true }) {
  const product = state.products.get(productId ?? "") ?? addProduct(state, { ...(productId === undefined ? {} : { id: productId }), ...(name === undefined ? {} : { name }) });
  /** @type {import("stripe").Stripe.Price} */
  const price = {
    id,
    object: "price",
    active,
    billing_scheme: "per_unit",
    created: state.now(),
    currency,
    custom_unit_amount: null,
    livemode: state.livemode,
    lookup_key: null,
    metadata: {},
    nickname: null,
    product: product.id,
    recurring: { interval, interval_count: intervalCount, meter: null, trial_period_days: null, usage_type: "licensed" },
    tax_behavior: "unspecified",
    tiers_mode: null,
    transform_quantity: null,
    type: "recurring",
    unit_amount: amount,
    unit_amount_decimal: decimal(amount),
  };
  state.prices.set(id, price);
  return price;
}

/** Deletes a customer and ends what it subscribes to. @param {State} state @param {string} id */
export function removeCustomer(state, id) {
  const customer = state.customers.get(id);
  if (!customer) throw missing("customer", id);
  for (const subscription of state.subscriptions.values()) {
    if (idOf(subscription.customer) === id && subscription.ended_at === null) endSubscription(state, subscription, "cancellation_requested");
  }
  state.customers.delete(id);
  state.removed.add(id);
  state.emit("customer.deleted", customer);
  return { id, object: "customer", deleted: true };
}

/** @type {readonly Route[]} */
export const catalogueRoutes = [
  {
    method: "POST",
    path: "/v1/customers",
    params: ["email", "metadata", "name", "description"],
    handle({ state, form }) {
      const customer = newCustomer(state, { email: text(form, "email"), metadata: textsOf(form, "metadata") });
      state.customers.set(customer.id, customer);
      state.emit("customer.created", customer);
      return customer;
    },
  },
  {
    method: "GET",
    path: "/v1/customers/:id",
    params: [],
    handle({ state, id }) {
      if (state.removed.has(id)) return { id, object: "customer", deleted: true };
      const customer = state.customers.get(id);
      if (!customer) throw missing("customer", id);
      return customer;
    },
  },
  { method: "DELETE", path: "/v1/customers/:id", params: [], handle: ({ state, id }) => removeCustomer(state, id) },
  {
    method: "GET",
    path: "/v1/prices/:id",
    params: [],
    handle({ state, id }) {
      const price = state.prices.get(id);
      if (!price) throw missing("price", id, "price");
      return price;
    },
  },
];
