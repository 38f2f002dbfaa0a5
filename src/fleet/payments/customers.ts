import type { Ctx } from "../../kernel/context";
import { Plan } from "../../kernel/db/client";
import { AppError } from "../../kernel/errors/app-error";
import type { Payments } from "../../kernel/ports/payments";
import { findAccountById } from "../accounts";
import { findCustomerRow, forgetCustomerRow, upsertCustomer, type Customer } from "./payments.store";

/** The payment provider. @throws AppError DEPENDENCY_UNAVAILABLE while none is configured */
export function requirePayments(ctx: Ctx): Payments {
  const { payments } = ctx.services;
  if (!payments) throw new AppError("DEPENDENCY_UNAVAILABLE", "Payments are not set up on this server.", { extras: { provider: "stripe" } });
  return payments;
}

/** Who somebody is at the provider; null when they never were there, or were deleted there. */
export async function findCustomer(ctx: Ctx, tenantId: number): Promise<Customer | null> {
  const row = await findCustomerRow(ctx, tenantId);
  return row && row.forgottenAt === null ? row : null;
}

/**
 * Who somebody is at the provider, made there when they are not. Two at once make one.
 * @throws AppError UNAUTHENTICATED when the account is gone; DEPENDENCY_UNAVAILABLE, BAD_GATEWAY
 */
export async function ensureCustomer(ctx: Ctx, tenantId: number): Promise<Customer> {
  const payments = requirePayments(ctx);
  const [account, row] = await Promise.all([findAccountById(ctx, tenantId), findCustomerRow(ctx, tenantId)]);
  if (!account) throw new AppError("UNAUTHENTICATED", "This account does not exist any more.");
  const known = row?.customerId ?? null;
  const mode = ctx.config.stripe?.sandbox ? "sandbox" : "live";
  const customerId = await payments.ensureCustomer({ userId: tenantId, email: account.email, known, idempotencyKey: `customer:${mode}:${account.sub}:${known ?? "first"}` });
  if (row && row.customerId === customerId && row.forgottenAt === null) return row;
  await new Plan(ctx)
    .write(upsertCustomer(ctx, tenantId, customerId, ctx.clock.now()))
    .audit({ action: "billing_customer.create", tenantId, subject: { type: "billing_customer", id: customerId } })
    .commit();
  const made = await findCustomerRow(ctx, tenantId);
  if (!made) throw new Error("a customer was written and is not there");
  return made;
}

/** The provider has no such customer any more. Harmless when repeated. */
export async function forgetCustomer(ctx: Ctx, customerId: string): Promise<void> {
  await forgetCustomerRow(ctx, customerId, ctx.clock.now());
}
