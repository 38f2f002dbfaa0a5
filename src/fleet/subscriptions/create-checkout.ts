import type { z } from "zod";
import { HOUR_MS } from "../../kernel/clock";
import type { OwnerCtx } from "../../kernel/context";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { AppError, invalidField } from "../../kernel/errors/app-error";
import { newId } from "../../kernel/ids/ids";
import type { Checkout, PaidSubscription, Payments } from "../../kernel/ports/payments";
import { ensureCustomer, findCustomer, forgetCustomer, requirePayments, setCheckout, type Customer } from "../payments";
import { getCatalogue } from "../plans";
import { applySubscription, isAddonSubscription } from "./apply-subscription";
import { findStripeRow } from "./change-at-provider";
import { returnUrl } from "./return-urls";
import { isRunning, soldPlan } from "./subscriptions.core";
import type { CheckoutBody, CheckoutView } from "./subscriptions.schemas";

/** How long a checkout is given out again: the provider keeps keys and pages for a day. */
const OPEN_MS = 23 * HOUR_MS;
const BILLING: ReadonlySet<PaidSubscription["status"]> = new Set(["trialing", "active", "past_due", "unpaid", "paused"]);

const alreadySubscribed = (isPaid: boolean): AppError =>
  isPaid
    ? new AppError("ALREADY_SUBSCRIBED", "You have a subscription; change its plan instead.", { extras: { hint: "change-plan" } })
    : new AppError("ALREADY_SUBSCRIBED", "You have a subscription that is not paid; pay it instead.", { extras: { hint: "portal" } });

/**
 * A page where the caller pays for a plan. Asked for again it is the same page, until it was paid or a day has passed.
 * @throws AppError VALIDATION_ERROR (no plan is sold at the price), ALREADY_SUBSCRIBED, MANAGED_BY_APPLE, DEPENDENCY_UNAVAILABLE, BAD_GATEWAY
 */
export async function createCheckout(ctx: OwnerCtx, input: z.output<typeof CheckoutBody>): Promise<z.input<typeof CheckoutView>> {
  const payments = requirePayments(ctx);
  const tenantId = ctx.actor.userId;
  const { plans } = await getCatalogue(ctx);
  const sold = soldPlan(plans, input.price_id, ctx.config.stripe?.sandbox ?? false);
  if (!sold) throw invalidField(["body", "price_id"], "No plan is sold at this price.");
  const row = await findStripeRow(ctx, tenantId);
  if (row) throw alreadySubscribed(isRunning(row));
  const customer = await ensureCustomer(ctx, tenantId);
  await requireUnsubscribed(ctx, payments, customer);
  let checkout = await openCheckout(ctx, payments, customer, input);
  if (checkout.kind === "unknown_customer") {
    await forgetCustomer(ctx, customer.customerId);
    checkout = await openCheckout(ctx, payments, await ensureCustomer(ctx, tenantId), input);
  }
  if (checkout.kind === "unknown_price") throw invalidField(["body", "price_id"], "This price is no longer sold.");
  if (checkout.kind === "unknown_customer") throw new AppError("DEPENDENCY_UNAVAILABLE", "The payment provider does not answer as it should; try again later.", { extras: { provider: "stripe" } });
  return { checkout_url: checkout.url };
}

/** Asks the provider too: who has just paid must not pay again because word of it is still under way. */
async function requireUnsubscribed(ctx: OwnerCtx, payments: Payments, { customerId }: Customer): Promise<void> {
  const readAt = ctx.clock.now();
  for (const paid of await payments.listSubscriptions(customerId)) {
    if (!BILLING.has(paid.status) || (await isAddonSubscription(ctx, paid))) continue;
    await applySubscription(ctx, paid, readAt);
    throw alreadySubscribed(paid.status === "active" || paid.status === "trialing");
  }
}

/** Two taps share one intent, and with it the provider's page. */
async function openCheckout(ctx: OwnerCtx, payments: Payments, customer: Customer, input: z.output<typeof CheckoutBody>): Promise<Checkout> {
  const request = {
    customerId: customer.customerId,
    priceId: input.price_id,
    userId: ctx.actor.userId,
    successUrl: returnUrl(ctx, input.return_to ?? "web", ["checkout", "success"]),
    cancelUrl: returnUrl(ctx, input.return_to ?? "web", ["checkout", "canceled"]),
    metadata: { kind: "plan" },
  };
  const idempotencyKey = await retryLostUpdate(() => takeIntent(ctx, customer.tenantId, JSON.stringify(request)));
  return payments.createCheckout({ ...request, idempotencyKey });
}

async function takeIntent(ctx: OwnerCtx, tenantId: number, intent: string): Promise<string> {
  const now = ctx.clock.now();
  const customer = await findCustomer(ctx, tenantId);
  if (!customer) throw new AppError("CONFLICT", "Your account at the payment provider was just removed; try again.");
  if (customer.checkoutKey !== null && customer.checkoutIntent === intent && (customer.checkoutUntil ?? 0) > now) return customer.checkoutKey;
  const key = newId("checkout", now);
  await new Plan(ctx)
    .guarded(setCheckout(ctx, customer, { intent, key, until: now + OPEN_MS }))
    .audit({ action: "subscription.checkout", subject: { type: "billing_customer", id: customer.customerId } })
    .commit();
  return key;
}
