import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { toPaymentView, type ListPaymentsQuery, type PaymentListView } from "./payments.schemas";
import { listPaymentRows } from "./payments.store";

/** What the caller was billed, newest first, from our own list: it answers while the provider does not. */
export async function listPayments(ctx: OwnerCtx, { limit }: z.output<typeof ListPaymentsQuery>): Promise<z.input<typeof PaymentListView>> {
  const rows = await listPaymentRows(ctx, ctx.actor.userId, limit + 1);
  return { items: rows.slice(0, limit).map(toPaymentView), has_more: rows.length > limit };
}
