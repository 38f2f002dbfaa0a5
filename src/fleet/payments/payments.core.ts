import { SECOND_MS } from "../../kernel/clock";
import type { PaymentInvoice } from "../../kernel/ports/payments";

/** An invoice as a row of our own, without whose it is. Times are ms. */
export function toPayment(invoice: PaymentInvoice) {
  return {
    id: invoice.id,
    provider: "stripe" as const,
    number: invoice.number,
    status: invoice.status,
    amountPaid: invoice.amountPaid,
    currency: invoice.currency,
    paidAt: invoice.created * SECOND_MS,
    periodStart: invoice.periodStart * SECOND_MS,
    periodEnd: invoice.periodEnd * SECOND_MS,
    description: invoice.description,
    hostedInvoiceUrl: invoice.hostedInvoiceUrl,
    invoicePdf: invoice.invoicePdf,
    subscriptionExternalId: invoice.subscriptionId,
  };
}

/** Drafts change and vanish: people see what is final. */
export const isFinal = ({ status }: Pick<PaymentInvoice, "status">): boolean => status !== "draft";
