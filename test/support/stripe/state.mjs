// @ts-check
/** What the double keeps, its clock, and the events that it makes. */

/** @typedef {import("stripe").Stripe.Customer} Customer */
/** @typedef {import("stripe").Stripe.Product} Product */
/** @typedef {import("stripe").Stripe.Price} Price */
/** @typedef {import("stripe").Stripe.Checkout.Session} CheckoutSession */
/** @typedef {import("stripe").Stripe.Subscription} Subscription */
/** @typedef {import("stripe").Stripe.SubscriptionSchedule} Schedule */
/** @typedef {import("stripe").Stripe.Invoice} Invoice */
/** @typedef {import("stripe").Stripe.Refund} Refund */
/** @typedef {import("stripe").Stripe.Event} Event */
/** `action`: the bank wants its customer to confirm, which nobody does here. @typedef {"ok" | "declined" | "action"} Card */

/**
 * @typedef {object} State
 * @property {() => number} now s
 * @property {(seconds: number) => void} moveTo
 * @property {(prefix: string) => string} nextId
 * @property {boolean} livemode
 * @property {"canceled" | "unpaid"} afterRetries what becomes of a subscription whose last payment attempt failed
 * @property {boolean} portalConfigured whether the account has a default configuration
 * @property {Map<string, Customer>} customers
 * @property {Set<string>} removed customers that were deleted
 * @property {Map<string, Card>} cards by customer
 * @property {Map<string, Product>} products
 * @property {Map<string, Price>} prices
 * @property {Map<string, CheckoutSession>} sessions
 * @property {Map<string, { priceId: string, quantity: number, metadata: Record<string, string>, trialDays: number }>} carts by checkout session
 * @property {Map<string, Subscription>} subscriptions
 * @property {Map<string, Schedule>} schedules
 * @property {Map<string, Invoice>} invoices
 * @property {Map<string, Refund>} refunds
 * @property {Event[]} events all of them, oldest first
 * @property {(type: string, object: object, previous?: object) => void} emit
 */

export const API_VERSION = "2026-10-28.endive";
export const DAY_S = 86_400;

/** What goes over the wire. @template T @param {T} value @returns {T} */
export const copyOf = (value) => JSON.parse(JSON.stringify(value));

/**
 * @param {{ clock: () => number, livemode: boolean, tag: string, afterRetries: "canceled" | "unpaid" }} options `clock` in ms; the double adds to it what it was moved
 * @returns {State}
 */
export function newState({ clock, livemode, tag, afterRetries }) {
  let count = 0;
  let ahead = 0;
  const read = () => Math.floor(clock() / 1_000) + ahead;
  /** @type {State} */
  const state = {
    now: read,
    moveTo: (seconds) => void (ahead += Math.max(0, seconds - read())),
    nextId: (prefix) => `${prefix}_${tag}${String(++count).padStart(6, "0")}`,
    livemode,
    afterRetries,
    portalConfigured: true,
    customers: new Map(),
    removed: new Set(),
    cards: new Map(),
    products: new Map(),
    prices: new Map(),
    sessions: new Map(),
    carts: new Map(),
    subscriptions: new Map(),
    schedules: new Map(),
    invoices: new Map(),
    refunds: new Map(),
    events: [],
    emit(type, object, previous) {
      const event = {
        id: state.nextId("evt"),
        object: "event",
        api_version: API_VERSION,
        created: read(),
        data: { object: copyOf(object), ...(previous === undefined ? {} : { previous_attributes: copyOf(previous) }) },
        livemode,
        pending_webhooks: 1,
        request: { id: null, idempotency_key: null },
        type,
      };
      // The union of all events cannot be built from a type that is only a string.
      state.events.push(/** @type {Event} */ (/** @type {unknown} */ (event)));
    },
  };
  return state;
}

/** The time one interval later, at the last day of a shorter month. @param {number} seconds @param {string} interval @param {number} count @param {number} [anchor] s; whose day of the month is kept */
export function addInterval(seconds, interval, count, anchor = seconds) {
  if (interval === "day" || interval === "week") return seconds + count * DAY_S * (interval === "week" ? 7 : 1);
  const at = new Date(seconds * 1_000);
  const months = at.getUTCMonth() + count * (interval === "year" ? 12 : 1);
  const lastDay = new Date(Date.UTC(at.getUTCFullYear(), months + 1, 0)).getUTCDate();
  const day = Math.min(new Date(anchor * 1_000).getUTCDate(), lastDay);
  return Date.UTC(at.getUTCFullYear(), months, day, at.getUTCHours(), at.getUTCMinutes(), at.getUTCSeconds()) / 1_000;
}

/** A decimal as it goes over the wire, where it is a text. @param {number} value */
export const decimal = (value) => /** @type {import("stripe").Stripe.Decimal} */ (/** @type {unknown} */ (String(value)));

/** An id, whether the object is there or not. @param {string | { id: string } | null | undefined} reference @returns {string} */
export const idOf = (reference) => (typeof reference === "string" ? reference : (reference?.id ?? ""));

/** @template T @param {Map<string, T>} from @param {string} id @returns {T} */
export function must(from, id) {
  const found = from.get(id);
  if (!found) throw new Error(`the double knows no ${id}`);
  return found;
}

/** The one item of a subscription. @param {Subscription} subscription */
export function itemOf(subscription) {
  const item = subscription.items.data[0];
  if (!item) throw new Error(`${subscription.id} has no item`);
  return item;
}
