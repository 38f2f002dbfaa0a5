/** What becomes of a subscription bought in the App Store. No I/O, no clock: times are ms. */
import { DAY_MS } from "../../kernel/clock";
import type { Purchase } from "../../kernel/ports/app-store";

/** How long somebody whose payment failed keeps the plan where Apple names no grace period of its own. */
export const GRACE_MS = 7 * DAY_MS;
/** A subscription that renews itself and of whose renewal nobody told us lives on until Apple's last repeat of a notification is over. */
export const LATE_NEWS_MS = 3 * DAY_MS;

type AppleStatus = "trialing" | "active" | "grace" | "canceled" | "expired";

/** One subscription as Apple told it at `asOf`. */
export interface AppleReading {
  readonly purchase: Purchase;
  readonly asOf: number;
  readonly planId: number;
}

/** What a row says. `priceId` is Apple's product. */
export interface AppleState {
  readonly planId: number;
  readonly priceId: string | null;
  readonly status: AppleStatus | "past_due";
  readonly currentPeriodEnd: number | null;
  readonly cancelAtPeriodEnd: boolean;
  readonly graceUntil: number | null;
  readonly endedAt: number | null;
  readonly providerReadAt: number | null;
}

/** The state that a reading means, at the time it was made. */
function toState({ purchase, asOf, planId }: AppleReading): AppleState {
  const { expiresAt, revokedAt } = purchase;
  const state = {
    planId,
    priceId: purchase.productId,
    currentPeriodEnd: expiresAt,
    // A signed transaction alone does not tell; what renews by default does.
    cancelAtPeriodEnd: purchase.autoRenew === false,
    graceUntil: null,
    endedAt: null,
    providerReadAt: asOf,
  };
  if (revokedAt !== null) return { ...state, status: "canceled", endedAt: revokedAt };
  if (expiresAt === null || expiresAt > asOf) return { ...state, status: purchase.isTrial ? "trialing" : "active" };
  const graceUntil = purchase.graceUntil ?? (purchase.inBillingRetry ? expiresAt + GRACE_MS : null);
  if (graceUntil === null) return { ...state, status: "expired", endedAt: expiresAt };
  return graceUntil > asOf ? { ...state, status: "grace", graceUntil } : { ...state, status: "expired", graceUntil, endedAt: graceUntil };
}

/** What the clock makes of a state by `now`: a grace and a period that nobody prolongs end. */
export function afterTime<T extends AppleState>(state: T, now: number): T {
  const end = endByClock(state);
  return end === null || end.at > now ? state : { ...state, status: "expired", endedAt: end.since };
}

/** When the clock ends a state, and since when it counts as ended; null: never. */
function endByClock({ status, currentPeriodEnd, cancelAtPeriodEnd, graceUntil }: AppleState): { readonly at: number; readonly since: number } | null {
  switch (status) {
    case "grace":
    case "past_due":
      return graceUntil === null ? null : { at: graceUntil, since: graceUntil };
    case "trialing":
    case "active":
      if (currentPeriodEnd === null) return null;
      return { at: cancelAtPeriodEnd ? currentPeriodEnd : currentPeriodEnd + LATE_NEWS_MS, since: currentPeriodEnd };
    case "canceled":
    case "expired":
      return null;
  }
}

/**
 * Whether a purchase that a device shows was followed by another since: a refund of an earlier period, or of a product that an upgrade
 * replaced, says nothing about the period that runs.
 */
export function isOfThePast(known: AppleState, { revokedAt, productId, expiresAt }: Purchase): boolean {
  if (revokedAt === null || !isLive(known)) return false;
  return productId !== known.priceId || (expiresAt ?? Number.POSITIVE_INFINITY) < (known.currentPeriodEnd ?? Number.POSITIVE_INFINITY);
}

/**
 * The state by `now` of a subscription that was in `known` and of which Apple tells `reading`. Later words win, so it is the same
 * whatever the order in which readings come, and however often.
 */
export function nextApplePurchase(known: AppleState | null, reading: AppleReading, now: number): AppleState {
  return afterTime(known !== null && reading.asOf <= (known.providerReadAt ?? 0) ? known : toState(reading), now);
}

/** Whether two states differ in what people see or may do; when it was read is neither. */
export function isSameState(a: AppleState, b: AppleState): boolean {
  return (
    a.planId === b.planId &&
    a.priceId === b.priceId &&
    a.status === b.status &&
    a.currentPeriodEnd === b.currentPeriodEnd &&
    a.cancelAtPeriodEnd === b.cancelAtPeriodEnd &&
    a.graceUntil === b.graceUntil &&
    a.endedAt === b.endedAt
  );
}

/** Whether a subscription has not ended yet, as far as its row knows. */
export const isLive = ({ status }: Pick<AppleState, "status">): boolean => status !== "canceled" && status !== "expired";

/** What made a change, in the words of `plan.changed`. */
export function triggerOf(before: AppleState | null, after: AppleState): "apple" | "grace_end" | "period_end" {
  if (!before || !isLive(before) || after.status !== "expired") return "apple";
  if (before.status === "grace" || before.status === "past_due") return "grace_end";
  return before.cancelAtPeriodEnd ? "period_end" : "apple";
}
