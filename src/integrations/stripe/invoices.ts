import type { Payments } from "../../kernel/ports/payments";
import type { StripeCalls } from "./calls";
import { toInvoice } from "./mapper";

/** Stripe's largest page. */
const PAGE_SIZE = 100;

/** What was billed and paid. */
export function createInvoices(calls: StripeCalls): Pick<Payments, "listInvoices" | "getInvoice"> {
  return {
    async listInvoices(customerId, limit, startingAfter) {
      const page = await calls.find("GET invoices", (stripe) =>
        stripe.invoices.list({ customer: customerId, limit: Math.min(limit, PAGE_SIZE), ...(startingAfter === undefined ? {} : { starting_after: startingAfter }) }),
      );
      return page ? { items: page.data.map(toInvoice), hasMore: page.has_more } : { items: [], hasMore: false };
    },

    async getInvoice(invoiceId) {
      const found = await calls.find("GET invoice", (stripe) => stripe.invoices.retrieve(invoiceId));
      return found && toInvoice(found);
    },
  };
}
