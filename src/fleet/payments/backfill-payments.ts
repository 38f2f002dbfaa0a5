import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { Plan } from "../../kernel/db/client";
import { findCustomer, requirePayments } from "./customers";
import { isFinal, toPayment } from "./payments.core";
import type { BackfillView } from "./payments.schemas";
import { upsertPayment } from "./payments.store";

const PAGE_SIZE = 100;
/** So that one request has an end; twelve invoices a year are a thousand in a lifetime. */
const PAGES_MAX = 10;

/** Reads everything that the caller was ever billed into our own list. May be repeated. @throws AppError DEPENDENCY_UNAVAILABLE, BAD_GATEWAY */
export async function backfillPayments(ctx: OwnerCtx): Promise<z.input<typeof BackfillView>> {
  const payments = requirePayments(ctx);
  const tenantId = ctx.actor.userId;
  const customer = await findCustomer(ctx, tenantId);
  if (!customer) return { ok: true, imported: 0 };
  let imported = 0;
  let after: string | undefined;
  for (let page = 0; page < PAGES_MAX; page++) {
    const readAt = ctx.clock.now();
    const { items, hasMore } = await payments.listInvoices(customer.customerId, PAGE_SIZE, after);
    const final = items.filter(isFinal);
    const plan = new Plan(ctx);
    for (const invoice of final) plan.write(upsertPayment(ctx, { ...toPayment(invoice), tenantId, providerReadAt: readAt }, ctx.clock.now()));
    await plan.audit({ action: "payment.backfill", subject: { type: "billing_customer", id: customer.customerId }, detail: { invoices: final.length } }).commit();
    imported += final.length;
    after = items.at(-1)?.id;
    if (!hasMore || after === undefined) break;
  }
  return { ok: true, imported };
}
