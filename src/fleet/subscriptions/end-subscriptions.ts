import { z } from "zod";
import type { EffectHandler } from "../../kernel/outbox/drain";
import { isAccountActive } from "../accounts";
import { findCustomer, requirePayments } from "../payments";

const EndPayload = z.object({ userId: z.int() });
const ENDED: ReadonlySet<string> = new Set(["canceled", "incomplete_expired"]);

/**
 * Effect `subscriptions.end_all` {userId}: an account ended, so nothing may be charged for it any more, add-ons included. What was paid
 * is not paid back. The provider tells us of each end as of any other. Harmless when repeated; tried again while the provider is away.
 * Somebody who was let in again meanwhile keeps what they have now.
 */
export const endSubscriptionsOf: EffectHandler = async (ctx, payload) => {
  const { userId } = EndPayload.parse(payload);
  if (await isAccountActive(ctx, userId)) return;
  const customer = await findCustomer(ctx, userId);
  if (!customer) return;
  const payments = requirePayments(ctx);
  for (const paid of await payments.listSubscriptions(customer.customerId)) {
    if (!ENDED.has(paid.status)) await payments.cancelNow(paid.id);
  }
};
