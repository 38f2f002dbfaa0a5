import { and, desc, eq, isNull, sql, type SQLWrapper } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import { billingCustomers, payments } from "../../schema/billing";

/** SQL of who people are at the payment provider, and of what they paid. */

export type Payment = typeof payments.$inferSelect;
type NewPayment = Omit<typeof payments.$inferInsert, "createdAt" | "updatedAt">;
export type Customer = typeof billingCustomers.$inferSelect;

/** Newest first. */
export function listPaymentRows(ctx: Ctx, tenantId: number, limit: number): Promise<Payment[]> {
  return ctx.db.select().from(payments).where(eq(payments.tenantId, tenantId)).orderBy(desc(payments.paidAt), desc(payments.id)).limit(limit);
}

/** Writes what was read at the provider, unless something newer is there. Whose it is never changes. */
export function upsertPayment(ctx: Ctx, payment: NewPayment, nowMs: number) {
  const { id: _id, tenantId, provider: _provider, ...facts } = payment;
  return ctx.db
    .insert(payments)
    .values({ ...payment, createdAt: nowMs, updatedAt: nowMs })
    .onConflictDoUpdate({ target: payments.id, set: { ...facts, updatedAt: nowMs }, setWhere: sql`${payments.tenantId} = ${tenantId} AND ${payments.providerReadAt} <= ${payment.providerReadAt}` });
}

const sandboxOf = (ctx: Ctx): boolean => ctx.config.stripe?.sandbox ?? false;
const ofTenant = (ctx: Ctx, tenantId: number) => and(eq(billingCustomers.tenantId, tenantId), eq(billingCustomers.sandbox, sandboxOf(ctx)));

/** Of the provider's mode that is configured, forgotten ones as well. */
export async function findCustomerRow(ctx: Ctx, tenantId: number): Promise<Customer | undefined> {
  return (await ctx.db.select().from(billingCustomers).where(ofTenant(ctx, tenantId)).limit(1))[0];
}

/** Whoever it is: events of the provider name customers, not people. */
export async function findCustomerOwner(ctx: Ctx, customerId: string): Promise<number | null> {
  return (await ctx.db.select({ tenantId: billingCustomers.tenantId }).from(billingCustomers).where(eq(billingCustomers.customerId, customerId)).limit(1))[0]?.tenantId ?? null;
}

/** Keeps the newest customer of a person. A checkout that was open for another one is over. */
export function upsertCustomer(ctx: Ctx, tenantId: number, customerId: string, nowMs: number) {
  const ifSame = (column: SQLWrapper) => sql`CASE WHEN ${billingCustomers.customerId} = excluded.customer_id THEN ${column} END`;
  const checkout = { checkoutIntent: ifSame(billingCustomers.checkoutIntent), checkoutKey: ifSame(billingCustomers.checkoutKey), checkoutUntil: ifSame(billingCustomers.checkoutUntil) };
  return ctx.db
    .insert(billingCustomers)
    .values({ tenantId, sandbox: sandboxOf(ctx), customerId, createdAt: nowMs })
    .onConflictDoUpdate({ target: [billingCustomers.tenantId, billingCustomers.sandbox], set: { customerId, forgottenAt: null, ...checkout } });
}

/** Names the customer, whoever it is. */
export const forgetCustomerRow = (ctx: Ctx, customerId: string, nowMs: number) =>
  ctx.db.update(billingCustomers).set({ forgottenAt: nowMs, checkoutIntent: null, checkoutKey: null, checkoutUntil: null }).where(and(eq(billingCustomers.customerId, customerId), isNull(billingCustomers.forgottenAt)));

/** For guarded use: misses when somebody opened another checkout in between. */
export const setCheckout = (ctx: Ctx, customer: Customer, checkout: { readonly intent: string; readonly key: string; readonly until: number }) =>
  ctx.db
    .update(billingCustomers)
    .set({ checkoutIntent: checkout.intent, checkoutKey: checkout.key, checkoutUntil: checkout.until })
    .where(and(ofTenant(ctx, customer.tenantId), eq(billingCustomers.customerId, customer.customerId), sql`${billingCustomers.checkoutKey} IS ${customer.checkoutKey}`));

/** The open checkout has led to something, or to nothing: the next one is another. */
export const clearCheckout = (ctx: Ctx, tenantId: number) => ctx.db.update(billingCustomers).set({ checkoutIntent: null, checkoutKey: null, checkoutUntil: null }).where(ofTenant(ctx, tenantId));

/** In either mode of the provider. */
export const deleteCustomerRows = (ctx: Ctx, tenantId: number) => ctx.db.delete(billingCustomers).where(eq(billingCustomers.tenantId, tenantId));
