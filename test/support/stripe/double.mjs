// @ts-check
/**
 * Stripe in memory: as much of its API as selling plans needs, with a clock of its own and hooks for what customers, banks and Stripe's
 * dashboard do. It needs nothing but web standards. Whatever it does not know it refuses: paths and parameters alike.
 */
import { addPrice, catalogueRoutes, removeCustomer } from "./catalogue.mjs";
import { checkoutRoutes, completeCheckout } from "./checkout.mjs";
import { advance, settle } from "./clock.mjs";
import { deliver, sign } from "./events.mjs";
import { withFaults } from "./faults.mjs";
import { collect, invoiceRoutes, refundInvoice, voidInvoice } from "./invoices.mjs";
import { releaseSchedule, scheduleRoutes } from "./schedules.mjs";
import { copyOf, idOf, itemOf, must, newState } from "./state.mjs";
import { addSubscription, endSubscription, setCancellation, subscriptionRoutes, updated } from "./subscriptions.mjs";
import { checkNames, json, matchPath, parseForm, readText, StripeFault } from "./wire.mjs";

/** @typedef {import("./state.mjs").Card} Card */
/** @typedef {import("./state.mjs").Event} Event */

const ROUTES = [...catalogueRoutes, ...checkoutRoutes, ...subscriptionRoutes, ...scheduleRoutes, ...invoiceRoutes];
const START_MS = Date.UTC(2026, 10, 1);

/**
 * @param {{ secretKey?: string, webhookSecret?: string, clock?: () => number, livemode?: boolean, tag?: string, afterRetries?: "canceled" | "unpaid" }} [options]
 * `clock` in ms, by default one that stands still; `tag` goes into all ids, so that those of two doubles differ
 */
export function createStripeDouble({ secretKey = "sk_test_double", webhookSecret = "whsec_double", clock = () => START_MS, livemode = false, tag = "", afterRetries = "canceled" } = {}) {
  const state = newState({ clock, livemode, tag, afterRetries });
  /** @type {Map<string, { fingerprint: string, status: number, body: object }>} */
  const remembered = new Map();
  let taken = 0;

  /** @param {Request} request @param {URL} url @param {string} body @returns {{ status: number, body: object }} */
  const run = (request, url, body) => {
    const found = ROUTES.map((route) => ({ route, id: matchPath(url.pathname, route.path) })).find(({ route, id }) => id !== null && route.method === request.method);
    if (!found) throw new StripeFault(404, { message: `Unrecognized request URL (${request.method}: ${url.pathname}).` });
    const form = parseForm([...url.searchParams, ...new URLSearchParams(body)]);
    checkNames(form, found.route.params);
    return { status: 200, body: copyOf(found.route.handle({ state, id: found.id ?? "", form })) };
  };

  /** Refusals are told like successes, so that both can be remembered. @param {() => { status: number, body: object }} work */
  const tell = (work) => {
    try {
      return work();
    } catch (error) {
      if (error instanceof StripeFault) return { status: error.status, body: { error: error.body } };
      throw error;
    }
  };

  /** @param {Request} request @returns {Promise<Response>} */
  const answer = async (request) => {
    const url = new URL(request.url);
    const requestId = { "request-id": state.nextId("req").replace("req_", "req_d") };
    if (request.headers.get("authorization") !== `Bearer ${secretKey}`) {
      return json({ error: { type: "invalid_request_error", message: `Invalid API Key provided: ${(request.headers.get("authorization") ?? "").slice(7, 15)}****` } }, 401, requestId);
    }
    const body = request.method === "POST" ? await readText(request) : "";
    const key = request.method === "POST" ? request.headers.get("idempotency-key") : null;
    const fingerprint = `${url.pathname}?${body}`;
    const before = key === null ? undefined : remembered.get(key);
    if (before && before.fingerprint !== fingerprint) {
      return json({ error: { type: "idempotency_error", message: "Keys for idempotent requests can only be used with the same parameters they were first used with." } }, 400, requestId);
    }
    if (before) return json(before.body, before.status, { ...requestId, "idempotent-replayed": "true" });
    const result = tell(() => run(request, url, body));
    // What failed its validation is not remembered; a declined card is.
    if (key !== null && (result.status < 400 || result.status === 402)) remembered.set(key, { fingerprint, ...result });
    return json(result.body, result.status, requestId);
  };

  const faults = withFaults(answer);
  const subscriptionOf = (/** @type {string} */ id) => must(state.subscriptions, id);

  return {
    secretKey,
    webhookSecret,
    faults,
    fetch: faults.fetch,
    /** Everything it keeps, to look at. */
    state,

    /** @param {Parameters<typeof addPrice>[1]} given */
    addPrice: (given) => copyOf(addPrice(state, given)),
    /** Takes a price off the shelf. @param {string} id */
    archivePrice: (id) => void (must(state.prices, id).active = false),
    /** What becomes of the customer's payments from now on. @param {string} customerId @param {Card} card */
    setCard: (customerId, card) => void state.cards.set(customerId, card),
    /** @param {string} id */
    deleteCustomer: (id) => void removeCustomer(state, id),
    /** The account has a default configuration of the portal. @param {boolean} yes */
    configurePortal: (yes) => void (state.portalConfigured = yes),

    /** The customer pays on the checkout page. @param {string} sessionId @param {{ card?: Card }} [options] */
    complete: (sessionId, { card = "ok" } = {}) => completeCheckout(state, sessionId, card),
    /** A subscription without a checkout; with a bad card it is incomplete. @param {{ customerId: string, priceId: string, metadata?: Record<string, string>, trialDays?: number, billingMode?: "flexible" | "classic" }} given */
    subscribe: ({ priceId, ...given }) => copyOf(addSubscription(state, { ...given, price: must(state.prices, priceId) })),
    /** The customer cancels in the portal, which sets `cancel_at` in flexible billing mode and the flag in classic. @param {string} id */
    cancelInPortal(id) {
      const subscription = subscriptionOf(id);
      setCancellation(state, subscription, itemOf(subscription).current_period_end, subscription.billing_mode.type === "classic");
      updated(state, subscription, { cancel_at: null });
    },
    /** The account's owner ends it in the dashboard. @param {string} id */
    end: (id) => endSubscription(state, subscriptionOf(id), "cancellation_requested"),
    /** @param {string} id */
    release: (id) => releaseSchedule(state, must(state.schedules, id)),

    /** Tries to collect an invoice now. @param {string} id @param {Card} [card] a new one */
    pay(id, card) {
      const invoice = must(state.invoices, id);
      if (card !== undefined) state.cards.set(idOf(invoice.customer), card);
      const paid = collect(state, invoice);
      settle(state, subscriptionOf(idOf(invoice.parent?.subscription_details?.subscription)), invoice);
      return paid;
    },
    /** @param {string} id */
    void: (id) => voidInvoice(state, must(state.invoices, id)),
    /** @param {string} invoiceId @param {number} [amount] */
    refund: (invoiceId, amount) => copyOf(refundInvoice(state, invoiceId, amount)),

    /** Lets time pass, with renewals, failed payments, phases and ends. @param {number} ms */
    advance: (ms) => advance(state, ms),
    /** ms */
    now: () => state.now() * 1_000,

    /** Events since the last call, oldest first, for the test to deliver in any order and number. @returns {readonly Event[]} */
    takeEvents() {
      const fresh = state.events.slice(taken);
      taken = state.events.length;
      return copyOf(fresh);
    },
    sign,
    /** @param {string} url @param {readonly Event[]} events @param {(request: Request) => Promise<Response>} [send] */
    deliver: (url, events, send) => deliver(url, events, webhookSecret, send),
  };
}
