/**
 * The life of an add-on that pays for one cloud machine: none → active → grace → active; active and grace → cancelled → active (when it is
 * resumed) → expired, at the end of what was paid for. No I/O, no clock: times are ms.
 */
import { DAY_MS } from "../../kernel/clock";
import type { Purchase } from "../../kernel/ports/app-store";
import type { PaidSubscription } from "../../kernel/ports/payments";

/** How long a machine stays after a payment failed. */
export const GRACE_MS = 7 * DAY_MS;
/** How long before its end the owner is told. */
export const WARN_MS = 3 * DAY_MS;
/** An Apple purchase that renews itself and of whose renewal nobody told us lives on until Apple's last repeat of a notification is over. */
export const LATE_NEWS_MS = 3 * DAY_MS;

type AddonStatus = "active" | "grace" | "cancelled" | "expired";

export interface AddonState {
  readonly source: "stripe" | "apple";
  readonly status: AddonStatus;
  /** End of what was paid for. */
  readonly periodEnd: number | null;
  readonly graceUntil: number | null;
  readonly endedAt: number | null;
  readonly providerReadAt: number | null;
}

/** What a provider says, at the time it says it. */
export interface AddonNews extends AddonState {
  readonly providerReadAt: number;
}

/** What a Stripe subscription means; null while its first payment is awaited, or never came. */
export function newsOfSubscription(paid: PaidSubscription, readAt: number): AddonNews | null {
  const news = { source: "stripe", periodEnd: paid.currentPeriodEnd, graceUntil: null, endedAt: null, providerReadAt: readAt } as const;
  switch (paid.status) {
    case "incomplete":
    case "incomplete_expired":
      return null;
    case "canceled":
      return { ...news, status: "expired", endedAt: paid.endedAt ?? paid.canceledAt ?? readAt };
    case "past_due":
    case "unpaid":
    case "paused":
      // The period that was not paid for began when the payment was due.
      return { ...news, status: "grace", periodEnd: paid.currentPeriodStart, graceUntil: paid.currentPeriodStart + GRACE_MS };
    case "trialing":
    case "active":
      return paid.cancelAtPeriodEnd ? { ...news, status: "cancelled", periodEnd: paid.cancelAt ?? paid.currentPeriodEnd } : { ...news, status: "active" };
  }
}

/** What a purchase in the App Store means. */
export function newsOfPurchase({ expiresAt, revokedAt, autoRenew, inBillingRetry, graceUntil }: Purchase, asOf: number): AddonNews {
  const news = { source: "apple", periodEnd: expiresAt, graceUntil: null, endedAt: null, providerReadAt: asOf } as const;
  if (revokedAt !== null) return { ...news, status: "expired", endedAt: revokedAt };
  if (expiresAt === null || expiresAt > asOf) return { ...news, status: autoRenew === false && expiresAt !== null ? "cancelled" : "active" };
  const until = graceUntil ?? (inBillingRetry ? expiresAt + GRACE_MS : null);
  return until === null ? { ...news, status: "expired", endedAt: expiresAt } : { ...news, status: "grace", graceUntil: until };
}

/** When the clock ends a state; null: never. Stripe's renewals are asked for instead, since nobody may pay for what we took away. */
export function endOf({ source, status, periodEnd, graceUntil }: AddonState): number | null {
  switch (status) {
    case "active":
      return source === "apple" && periodEnd !== null ? periodEnd + LATE_NEWS_MS : null;
    case "cancelled":
      return periodEnd;
    case "grace":
      return graceUntil;
    case "expired":
      return null;
  }
}

/** What the clock makes of a state by `now`. */
export function afterTime<T extends AddonState>(state: T, now: number): T {
  const end = endOf(state);
  return end === null || end > now ? state : { ...state, status: "expired", endedAt: state.status === "active" ? state.periodEnd : end };
}

/** The state by `now` of an add-on that was in `known` and of which a provider says `news`. Later words win, so it is the same in whatever order news come, and however often. */
export function nextAddon(known: AddonState | null, news: AddonNews, now: number): AddonState {
  return afterTime(known !== null && news.providerReadAt <= (known.providerReadAt ?? 0) ? known : news, now);
}

/** Whether a purchase that a device shows is a refund of an earlier period: it says nothing about the one that runs. */
export const isOfThePast = (known: AddonState, { revokedAt, expiresAt }: Purchase): boolean =>
  revokedAt !== null && known.status !== "expired" && (expiresAt ?? Number.POSITIVE_INFINITY) < (known.periodEnd ?? Number.POSITIVE_INFINITY);

/** Whether its owner is to be told by `now` that it ends. An active one ends of itself only where news are late, of which nobody is told. */
export function isToBeWarned(state: AddonState & { readonly warnedAt: number | null }, now: number): boolean {
  const end = endOf(state);
  return state.warnedAt === null && (state.status === "cancelled" || state.status === "grace") && end !== null && end > now && end - now <= WARN_MS;
}

/** Whether two states differ in what people see or may do; when it was read is neither. */
export const isSameState = (a: AddonState, b: AddonState): boolean => a.status === b.status && a.periodEnd === b.periodEnd && a.graceUntil === b.graceUntil && a.endedAt === b.endedAt;
