import type { StripeConfig } from "../../kernel/config";
import type { Payments } from "../../kernel/ports/payments";

/** Card payments by Stripe. Its library is loaded by the first call: services are made for every request, and few of them pay. */
export function createPayments(config: StripeConfig): Payments {
  let loading: Promise<Payments> | undefined;
  const client = (): Promise<Payments> => (loading ??= import("./client").then(({ createClient }) => createClient(config)));
  return {
    ensureCustomer: async (request) => (await client()).ensureCustomer(request),
    deleteCustomer: async (customerId) => (await client()).deleteCustomer(customerId),
    createCheckout: async (request) => (await client()).createCheckout(request),
    createPortal: async (request) => (await client()).createPortal(request),
    getPrice: async (priceId) => (await client()).getPrice(priceId),
    getSubscription: async (subscriptionId) => (await client()).getSubscription(subscriptionId),
    listSubscriptions: async (customerId) => (await client()).listSubscriptions(customerId),
    changePriceNow: async (request) => (await client()).changePriceNow(request),
    scheduleChange: async (request) => (await client()).scheduleChange(request),
    getSchedule: async (scheduleId) => (await client()).getSchedule(scheduleId),
    releaseSchedule: async (scheduleId) => (await client()).releaseSchedule(scheduleId),
    setCancelAtPeriodEnd: async (subscriptionId, cancel) => (await client()).setCancelAtPeriodEnd(subscriptionId, cancel),
    cancelNow: async (subscriptionId) => (await client()).cancelNow(subscriptionId),
    listInvoices: async (customerId, limit, startingAfter) => (await client()).listInvoices(customerId, limit, startingAfter),
    getInvoice: async (invoiceId) => (await client()).getInvoice(invoiceId),
    verifyWebhook: async (rawBody, signatureHeader, now) => (await client()).verifyWebhook(rawBody, signatureHeader, now),
  };
}
