import { DAY_MS, MINUTE_MS } from "../../kernel/clock";
import type { PaidSubscription, PaymentSchedule } from "../../kernel/ports/payments";
import type { Plan, Subscription, SubscriptionStatus } from "../plans";

/** What a provider's subscription means to us. No I/O, no clock. */

/** How long use stays free of charge after a failed payment. */
export const GRACE_MS = 7 * DAY_MS;
/** How long a change may be under way at the provider before others may try: longer than its calls may take together. */
export const CLAIM_MS = 2 * MINUTE_MS;

type PriceColumns = Pick<Plan, "stripePriceId" | "stripePriceIdYearly" | "stripePriceIdSandbox" | "stripePriceIdYearlySandbox">;
export type Interval = "month" | "year";
/** A plan as far as prices go. */
export type PricedPlan = PriceColumns & Pick<Plan, "id" | "key" | "name" | "tier" | "isActive">;

/** The price of a plan, or an add-on, in the mode that is configured; null when it is not sold so. */
export function priceOf(plan: PriceColumns, interval: Interval, sandbox: boolean): string | null {
  if (sandbox) return interval === "year" ? plan.stripePriceIdYearlySandbox : plan.stripePriceIdSandbox;
  return interval === "year" ? plan.stripePriceIdYearly : plan.stripePriceId;
}

/** Whose price it is. In any mode: ids never mean two things. */
export function planOfPrice<T extends PricedPlan>(plans: readonly T[], priceId: string): { readonly plan: T; readonly interval: Interval } | null {
  for (const plan of plans) {
    if (plan.stripePriceId === priceId || plan.stripePriceIdSandbox === priceId) return { plan, interval: "month" };
    if (plan.stripePriceIdYearly === priceId || plan.stripePriceIdYearlySandbox === priceId) return { plan, interval: "year" };
  }
  return null;
}

/** The plan that is sold for a price now; null when none is. */
export function soldPlan<T extends PricedPlan>(plans: readonly T[], priceId: string, sandbox: boolean): { readonly plan: T; readonly interval: Interval } | null {
  const found = planOfPrice(plans, priceId);
  return found && found.plan.isActive && priceOf(found.plan, found.interval, sandbox) === priceId ? found : null;
}

/** A subscription as it is at the provider, with what else had to be read to understand it. */
export interface Reading {
  readonly paid: PaidSubscription;
  /** What manages it; null when nothing does. */
  readonly schedule: PaymentSchedule | null;
  /** When the payment failed that is overdue, ms; only counts while it is. */
  readonly failedAt: number | null;
}

/** What a row holds of its provider. */
export type ProviderFacts = Pick<
  Subscription,
  | "planId"
  | "status"
  | "priceId"
  | "interval"
  | "currentPeriodStart"
  | "currentPeriodEnd"
  | "cancelAtPeriodEnd"
  | "scheduleId"
  | "pendingPlanId"
  | "pendingChangeAt"
  | "graceUntil"
  | "providerReadAt"
  | "endedAt"
>;

/** `older`: a newer reading is there. `nothing`: it was never paid, so it never was. `unknown_price`: and no plan to keep. */
export type NextRow = { readonly kind: "row"; readonly row: ProviderFacts; readonly unknownPrice: boolean } | { readonly kind: "older" } | { readonly kind: "nothing" } | { readonly kind: "unknown_price" };

/**
 * The row after a reading taken at `readAt` (ms): made of the provider's state alone, so that repeats, lateness and disorder all end the
 * same. Only a grace that runs is kept from the row, since its first day counts, and the plan when the catalogue does not know the price.
 */
export function nextRow(row: ProviderFacts | null, { paid, schedule, failedAt }: Reading, readAt: number, plans: readonly PricedPlan[]): NextRow {
  if (row && row.providerReadAt !== null && readAt < row.providerReadAt) return { kind: "older" };
  if (!row && (paid.status === "incomplete" || paid.status === "incomplete_expired")) return { kind: "nothing" };
  const known = planOfPrice(plans, paid.priceId);
  const planId = known?.plan.id ?? row?.planId;
  if (planId === undefined) return { kind: "unknown_price" };
  const graceUntil = paid.status === "past_due" ? (runningGrace(row, paid) ?? (failedAt ?? paid.currentPeriodStart) + GRACE_MS) : null;
  const status = statusOf(paid.status, graceUntil, readAt);
  const pending = status === "canceled" ? null : (schedule?.pending ?? null);
  return {
    kind: "row",
    unknownPrice: known === null,
    row: {
      planId,
      status,
      priceId: paid.priceId,
      interval: known?.interval ?? row?.interval ?? null,
      currentPeriodStart: paid.currentPeriodStart,
      currentPeriodEnd: paid.currentPeriodEnd,
      cancelAtPeriodEnd: paid.cancelAtPeriodEnd,
      scheduleId: pending && schedule ? schedule.id : null,
      pendingPlanId: pending ? (planOfPrice(plans, pending.priceId)?.plan.id ?? null) : null,
      pendingChangeAt: pending?.startsAt ?? null,
      graceUntil,
      providerReadAt: readAt,
      endedAt: paid.endedAt,
    },
  };
}

/** Of this very period: what was overdue in an earlier one has been paid. */
const runningGrace = (row: ProviderFacts | null, paid: PaidSubscription): number | null =>
  row && (row.status === "past_due" || row.status === "expired") && row.currentPeriodStart === paid.currentPeriodStart ? row.graceUntil : null;

/** `expired`: overdue for longer than its grace; it comes back when it is paid. */
function statusOf(status: PaidSubscription["status"], graceUntil: number | null, readAt: number): SubscriptionStatus {
  switch (status) {
    case "trialing":
    case "active":
      return status;
    case "past_due":
      return graceUntil !== null && graceUntil <= readAt ? "expired" : "past_due";
    case "incomplete":
    case "paused":
      return "expired";
    case "unpaid":
    case "canceled":
    case "incomplete_expired":
      return "canceled";
  }
}

/** What a change of a row may do to its owner's plan, as told in the effect `plan.changed`; null: nothing. */
export function triggerOf(before: ProviderFacts | null, after: ProviderFacts): "stripe" | "payment_failed" | "period_end" | "grace_end" | null {
  if (after.status === "past_due" && before?.status !== "past_due") return "payment_failed";
  if (after.status === "expired" && before?.status !== "expired") return "grace_end";
  if (before && before.planId === after.planId && carries(before.status) === carries(after.status)) return null;
  if (!before) return carries(after.status) ? "stripe" : null;
  if (after.status === "canceled" && (before.status === "past_due" || before.status === "expired")) return "payment_failed";
  return (after.status === "canceled" && before.cancelAtPeriodEnd) || (before.pendingPlanId !== null && before.pendingPlanId === after.planId) ? "period_end" : "stripe";
}

const carries = (status: SubscriptionStatus): boolean => status === "trialing" || status === "active" || status === "past_due" || status === "grace";

/** Whether the provider may still charge for it: also when nobody paid for long, or an administrator ended it here alone. */
export const isLive = ({ source, endedAt }: Pick<Subscription, "source" | "endedAt">): boolean => source === "stripe" && endedAt === null;

/** Whether it runs and is paid for. */
export const isRunning = ({ status }: Pick<Subscription, "status">): boolean => status === "active" || status === "trialing";

/** How a change of plan is to happen. */
export type ChangeKind = "now" | "at_period_end" | "same";

/** More now, less at the end of what is paid; of the same plan a year is more than a month. */
export function changeKind(from: { readonly tier: number; readonly planId: number; readonly interval: Interval | null }, to: { readonly tier: number; readonly planId: number; readonly interval: Interval }): ChangeKind {
  if (from.planId === to.planId) {
    if (from.interval === to.interval) return "same";
    return to.interval === "year" ? "now" : "at_period_end";
  }
  return to.tier > from.tier ? "now" : "at_period_end";
}
