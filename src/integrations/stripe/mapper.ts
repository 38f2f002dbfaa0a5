import type { Stripe } from "stripe";
import { SECOND_MS } from "../../kernel/clock";
import type { PaidSubscription, PaidSubscriptionStatus, PaymentInvoice, PaymentPrice, PaymentSchedule, PriceInterval } from "../../kernel/ports/payments";
import { garbled } from "./errors";

const STATUSES = ["incomplete", "incomplete_expired", "trialing", "active", "past_due", "canceled", "unpaid", "paused"] as const satisfies readonly PaidSubscriptionStatus[];
const SCHEDULE_STATUSES = ["not_started", "active", "completed", "released", "canceled"] as const satisfies readonly PaymentSchedule["status"][];
const INVOICE_STATUSES = ["draft", "open", "paid", "uncollectible", "void"] as const satisfies readonly PaymentInvoice["status"][];
const INTERVALS = ["day", "week", "month", "year"] as const satisfies readonly PriceInterval[];

/** An id, whether the object came along or not. */
export const idOf = (reference: string | { readonly id: string }): string => (typeof reference === "string" ? reference : reference.id);
export const idOrNull = (reference: string | { readonly id: string } | null | undefined): string | null => (reference ? idOf(reference) : null);

const toMs = (seconds: number): number => seconds * SECOND_MS;
const toMsOrNull = (seconds: number | null): number | null => (seconds === null ? null : toMs(seconds));

function oneOf<T extends string>(known: readonly T[], value: string | null, field: string): T {
  const found = known.find((item) => item === value);
  if (found === undefined) throw garbled(field);
  return found;
}

export const isEnded = ({ status }: Pick<PaidSubscription, "status">): boolean => status === "canceled" || status === "incomplete_expired";

export function toSubscription(from: Stripe.Subscription): PaidSubscription {
  const item = from.items.data[0];
  if (!item) throw garbled("items");
  const cancelAt = from.cancel_at ?? (from.cancel_at_period_end ? item.current_period_end : null);
  const status = oneOf(STATUSES, from.status, "status");
  return {
    id: from.id,
    customerId: idOf(from.customer),
    status,
    priceId: item.price.id,
    itemId: item.id,
    quantity: item.quantity ?? 1,
    currentPeriodStart: toMs(item.current_period_start),
    currentPeriodEnd: toMs(item.current_period_end),
    // The customer portal only sets `cancel_at` on subscriptions in flexible billing mode, the default of new ones.
    cancelAtPeriodEnd: cancelAt !== null && !isEnded({ status }),
    cancelAt: toMsOrNull(isEnded({ status }) ? null : cancelAt),
    canceledAt: toMsOrNull(from.canceled_at),
    endedAt: toMsOrNull(from.ended_at),
    scheduleId: idOrNull(from.schedule),
    metadata: from.metadata,
    trialEnd: toMsOrNull(from.trial_end),
    createdAt: toMs(from.created),
    latestInvoiceId: idOrNull(from.latest_invoice),
  };
}

/** Whether it still manages its subscription. */
export const isOver = (status: string): boolean => status !== "active" && status !== "not_started";

export function toSchedule(from: Stripe.SubscriptionSchedule): PaymentSchedule {
  const status = oneOf(SCHEDULE_STATUSES, from.status, "status");
  const nowAt = from.current_phase?.start_date;
  const next = isOver(status) ? undefined : from.phases.find(({ start_date: startsAt }) => nowAt === undefined || startsAt > nowAt);
  const item = next?.items[0];
  return {
    id: from.id,
    status,
    subscriptionId: idOrNull(from.subscription) ?? from.released_subscription,
    pending: next && item ? { priceId: idOf(item.price), startsAt: toMs(next.start_date) } : null,
  };
}

export function toInvoice(from: Stripe.Invoice): PaymentInvoice {
  // The invoice's own period is the one before its creation; what was paid for is on its lines. Of a changed price that is the new one's.
  const line = from.lines.data.findLast(({ parent }) => parent?.subscription_item_details) ?? from.lines.data[0];
  return {
    id: from.id,
    customerId: idOrNull(from.customer),
    number: from.number,
    status: oneOf(INVOICE_STATUSES, from.status ?? "draft", "status"),
    amountPaid: from.amount_paid,
    currency: from.currency,
    created: from.created,
    periodStart: line?.period.start ?? from.period_start,
    periodEnd: line?.period.end ?? from.period_end,
    description: from.description ?? line?.description ?? null,
    hostedInvoiceUrl: from.hosted_invoice_url ?? null,
    invoicePdf: from.invoice_pdf ?? null,
    subscriptionId: idOrNull(from.parent?.subscription_details?.subscription),
  };
}

export function toPrice(from: Stripe.Price): PaymentPrice {
  return {
    id: from.id,
    active: from.active,
    currency: from.currency,
    unitAmount: from.unit_amount,
    interval: from.recurring ? oneOf(INTERVALS, from.recurring.interval, "interval") : null,
    intervalCount: from.recurring?.interval_count ?? 1,
  };
}
