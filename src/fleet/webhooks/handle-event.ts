import type { Ctx } from "../../kernel/context";
import { unseal } from "../../kernel/crypto/envelope";
import { describeError } from "../../kernel/logging/logger";
import type { Payments, WebhookNotice } from "../../kernel/ports/payments";
import { findCustomerOwner, forgetCustomer, recordPayment, requirePayments } from "../payments";
import { applySubscription, isAddonSubscription, ownerOfSubscription } from "../subscriptions";
import { applyAddonSubscription } from "../vm-addons";
import { subjectOf } from "./webhooks.core";
import { findEvent, markFailed, markProcessed } from "./webhooks.store";

/** What is sealed: what an event is about, and all that it said. */
export interface StoredEvent {
  readonly notice: WebhookNotice;
  readonly body: string;
}

export const eventSealContext = (id: string): string => `webhook_events:${id}`;

/**
 * Works off a stored event: reads what it is about at the provider and applies its state. Harmless when repeated; one that was dealt with
 * is left alone.
 * @throws what went wrong, after noting it on the row
 */
export async function handleStripeEvent(ctx: Ctx, id: string): Promise<void> {
  const row = await findEvent(ctx, id);
  if (!row || row.processedAt !== null) return;
  try {
    const text = await unseal(ctx.config.sealKeys, row.sealedPayload, eventSealContext(id));
    if (text === null) throw new Error("the event does not open with any key of the ring");
    // We wrote it.
    const { notice } = JSON.parse(text) as StoredEvent;
    await follow(ctx, requirePayments(ctx), notice);
  } catch (error) {
    await markFailed(ctx, id, describeError(error).error_message);
    throw error;
  }
  await markProcessed(ctx, id, ctx.clock.now());
}

async function follow(ctx: Ctx, payments: Payments, notice: WebhookNotice): Promise<void> {
  switch (subjectOf(notice.type)) {
    case "customer_deleted":
      if (notice.objectId !== null) await forgetCustomer(ctx, notice.objectId);
      return;
    case "invoice":
      if (notice.objectId !== null) await followInvoice(ctx, payments, notice.objectId);
      return;
    case "subscription":
      if (notice.subscriptionId !== null) await followSubscription(ctx, payments, notice.subscriptionId);
      return;
    case null:
      return;
  }
}

async function followSubscription(ctx: Ctx, payments: Payments, subscriptionId: string): Promise<number | null> {
  const readAt = ctx.clock.now();
  const paid = await payments.getSubscription(subscriptionId);
  if (!paid) return null;
  const tenantId = await ownerOfSubscription(ctx, paid);
  if (!(await isAddonSubscription(ctx, paid))) await applySubscription(ctx, paid, readAt);
  else if (tenantId !== null) await applyAddonSubscription(ctx, tenantId, paid, readAt);
  return tenantId;
}

async function followInvoice(ctx: Ctx, payments: Payments, invoiceId: string): Promise<void> {
  const readAt = ctx.clock.now();
  const invoice = await payments.getInvoice(invoiceId);
  if (!invoice) return;
  const payer = invoice.subscriptionId === null ? null : await followSubscription(ctx, payments, invoice.subscriptionId);
  const tenantId = payer ?? (invoice.customerId === null ? null : await findCustomerOwner(ctx, invoice.customerId));
  if (tenantId === null) ctx.log.warn("a payment is nobody's", { event: "payment.stranger", invoice: invoice.id });
  else await recordPayment(ctx, tenantId, invoice, readAt);
}
