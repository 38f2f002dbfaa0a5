import { z } from "zod";
import { SECOND_MS } from "../../kernel/clock";
import type { Payment } from "./payments.store";

export const ListPaymentsQuery = z.object({ limit: z.coerce.number().int().min(1).max(100).default(20) });

/** Amounts in the currency's smallest unit, times in Unix seconds. */
const PaymentView = z
  .object({
    id: z.string(),
    number: z.string().nullable(),
    status: z.string(),
    amount_paid: z.int(),
    currency: z.string(),
    created: z.int(),
    period_start: z.int().nullable(),
    period_end: z.int().nullable(),
    description: z.string().nullable(),
    hosted_invoice_url: z.string().nullable(),
    invoice_pdf: z.string().nullable(),
  })
  .meta({ id: "PaymentHistoryItem" });

export const PaymentListView = z.object({ items: z.array(PaymentView), has_more: z.boolean().default(false) }).meta({ id: "PaymentHistoryResponse" });

export const BackfillView = z.object({ ok: z.boolean(), imported: z.int() }).meta({ id: "PaymentBackfill" });

const toSeconds = (ms: number): number => Math.floor(ms / SECOND_MS);
const toSecondsOrNull = (ms: number | null): number | null => (ms === null ? null : toSeconds(ms));

export const toPaymentView = (payment: Payment): z.input<typeof PaymentView> => ({
  id: payment.id,
  number: payment.number,
  status: payment.status,
  amount_paid: payment.amountPaid,
  currency: payment.currency,
  created: toSeconds(payment.paidAt),
  period_start: toSecondsOrNull(payment.periodStart),
  period_end: toSecondsOrNull(payment.periodEnd),
  description: payment.description,
  hosted_invoice_url: payment.hostedInvoiceUrl,
  invoice_pdf: payment.invoicePdf,
});
