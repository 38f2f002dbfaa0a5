import type { Ctx } from "../../kernel/context";
import type { PaymentInvoice } from "../../kernel/ports/payments";
import { isFinal, toPayment } from "./payments.core";
import { upsertPayment } from "./payments.store";

/**
 * Keeps an invoice as it was read at `readAt` (ms). An older reading never overwrites a newer one; drafts are left out.
 * @returns whether it is one that people see
 */
export async function recordPayment(ctx: Ctx, tenantId: number, invoice: PaymentInvoice, readAt: number): Promise<boolean> {
  if (!isFinal(invoice)) return false;
  await upsertPayment(ctx, { ...toPayment(invoice), tenantId, providerReadAt: readAt }, ctx.clock.now());
  return true;
}
