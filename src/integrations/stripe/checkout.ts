import { SECOND_MS } from "../../kernel/clock";
import type { StripeConfig } from "../../kernel/config";
import type { Payments } from "../../kernel/ports/payments";
import type { StripeCalls } from "./calls";
import { garbled } from "./errors";
import { toPrice } from "./mapper";

/** Customers, prices, and Stripe's own pages. */
export function createCheckouts(calls: StripeCalls, config: StripeConfig): Pick<Payments, "ensureCustomer" | "deleteCustomer" | "createCheckout" | "createPortal" | "getPrice"> {
  return {
    async ensureCustomer({ userId, email, known, idempotencyKey }) {
      const customer = known === null ? null : await calls.find("GET customer", (stripe) => stripe.customers.retrieve(known));
      if (customer && customer.deleted !== true) return customer.id;
      const made = await calls.attempt("POST customers", (stripe) => stripe.customers.create({ email, metadata: { user_id: String(userId) } }, { idempotencyKey }));
      if (made.ok) return made.value.id;
      throw made.refusal.unexpected;
    },

    async deleteCustomer(customerId) {
      await calls.find("DELETE customer", (stripe) => stripe.customers.del(customerId));
    },

    async createCheckout({ customerId, priceId, userId, successUrl, cancelUrl, metadata, idempotencyKey }) {
      const marks = { ...metadata, user_id: String(userId) };
      const made = await calls.attempt("POST checkout/sessions", (stripe) =>
        stripe.checkout.sessions.create(
          {
            mode: "subscription",
            customer: customerId,
            client_reference_id: String(userId),
            line_items: [{ price: priceId, quantity: 1 }],
            success_url: successUrl,
            cancel_url: cancelUrl,
            metadata: marks,
            subscription_data: { metadata: marks },
          },
          { idempotencyKey },
        ),
      );
      if (made.ok) {
        const { id, url, expires_at: expiresAt } = made.value;
        if (!url) throw garbled("url");
        return { kind: "created", id, url, expiresAt: expiresAt * SECOND_MS };
      }
      if (made.refusal.parameter.startsWith("line_items")) return { kind: "unknown_price" };
      if (made.refusal.code === "resource_missing" && made.refusal.parameter === "customer") return { kind: "unknown_customer" };
      throw made.refusal.unexpected;
    },

    async createPortal({ customerId, returnUrl }) {
      const configuration = config.portalConfiguration === null ? {} : { configuration: config.portalConfiguration };
      const made = await calls.attempt("POST billing_portal/sessions", (stripe) => stripe.billingPortal.sessions.create({ customer: customerId, return_url: returnUrl, ...configuration }));
      if (made.ok) return { kind: "created", url: made.value.url };
      if (made.refusal.code === "resource_missing" && made.refusal.parameter === "customer") return { kind: "unknown_customer" };
      throw made.refusal.unexpected;
    },

    async getPrice(priceId) {
      const price = await calls.find("GET price", (stripe) => stripe.prices.retrieve(priceId));
      return price && toPrice(price);
    },
  };
}
