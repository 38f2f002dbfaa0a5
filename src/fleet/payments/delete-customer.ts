import { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { Plan } from "../../kernel/db/client";
import { isAccountActive } from "../accounts";
import { findCustomer, requirePayments } from "./customers";
import { deleteCustomerRows, type Customer } from "./payments.store";

const Payload = z.object({ userId: z.int() });

/**
 * Effect `customer.delete` {userId}: deletes who somebody removed is at the payment provider, and with it their subscriptions; then forgets
 * who that was. Harmless when repeated; tried again while the provider is away.
 * @returns whom it deleted there, if anybody
 * @throws AppError DEPENDENCY_UNAVAILABLE, BAD_GATEWAY
 */
export async function deleteCustomerOf(ctx: Ctx, payload: unknown): Promise<Customer | null> {
  const { userId } = Payload.parse(payload);
  if (await isAccountActive(ctx, userId)) return null;
  const customer = await findCustomer(ctx, userId);
  if (customer) await requirePayments(ctx).deleteCustomer(customer.customerId);
  await new Plan(ctx).write(deleteCustomerRows(ctx, userId)).commit();
  return customer;
}
