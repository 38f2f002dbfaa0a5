import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { afterTime, endOf, GRACE_MS, isOfThePast, isSameState, isToBeWarned, LATE_NEWS_MS, newsOfPurchase, newsOfSubscription, nextAddon, WARN_MS, type AddonNews, type AddonState } from "../../../src/fleet/vm-addons/vm-addons.core";
import type { Purchase } from "../../../src/kernel/ports/app-store";
import type { PaidSubscription } from "../../../src/kernel/ports/payments";

const DAY_MS = 86_400_000;
/** Half an hour before a leap day. */
const START = Date.UTC(2028, 1, 28, 23, 30);
const END = START + 31 * DAY_MS;

const paidOf = (overrides: Partial<PaidSubscription> = {}): PaidSubscription => ({
  id: "sub_1",
  customerId: "cus_1",
  status: "active",
  priceId: "price_vm",
  itemId: "si_1",
  quantity: 1,
  currentPeriodStart: START,
  currentPeriodEnd: END,
  cancelAtPeriodEnd: false,
  cancelAt: null,
  canceledAt: null,
  endedAt: null,
  scheduleId: null,
  metadata: { addon: "cloud_vm" },
  trialEnd: null,
  createdAt: START,
  latestInvoiceId: null,
  ...overrides,
});
const purchaseOf = (overrides: Partial<Purchase> = {}): Purchase => ({
  originalTransactionId: "1",
  productId: "vm.monthly",
  bundleId: "org.example.app",
  environment: "production",
  expiresAt: END,
  isTrial: false,
  autoRenew: true,
  inBillingRetry: false,
  graceUntil: null,
  revokedAt: null,
  appAccountToken: null,
  ...overrides,
});
const fold = (told: readonly AddonNews[], now: number) => told.reduce<AddonState | null>((state, news) => nextAddon(state, news, now), null);

describe("what providers say of an add-on", () => {
  it.each<[PaidSubscription["status"], Partial<PaidSubscription>, Partial<AddonNews> | null]>([
    ["incomplete", {}, null],
    ["incomplete_expired", {}, null],
    ["active", {}, { status: "active", periodEnd: END, endedAt: null }],
    ["trialing", {}, { status: "active", periodEnd: END }],
    ["active", { cancelAtPeriodEnd: true }, { status: "cancelled", periodEnd: END }],
    ["active", { cancelAtPeriodEnd: true, cancelAt: START + DAY_MS }, { status: "cancelled", periodEnd: START + DAY_MS }],
    ["past_due", {}, { status: "grace", periodEnd: START, graceUntil: START + GRACE_MS }],
    ["unpaid", {}, { status: "grace", graceUntil: START + GRACE_MS }],
    ["paused", {}, { status: "grace" }],
    ["canceled", { endedAt: START + 5 }, { status: "expired", endedAt: START + 5 }],
    ["canceled", { canceledAt: START + 4 }, { status: "expired", endedAt: START + 4 }],
    ["canceled", {}, { status: "expired", endedAt: START + 9 }],
  ])("Stripe: %s %j", (status, overrides, news) => {
    const said = newsOfSubscription(paidOf({ status, ...overrides }), START + 9);
    if (news === null) expect(said).toBeNull();
    else expect(said).toMatchObject({ source: "stripe", providerReadAt: START + 9, ...news });
  });

  it.each<[string, Partial<Purchase>, number, Partial<AddonNews>]>([
    ["in force", {}, START, { status: "active", periodEnd: END }],
    ["for ever", { expiresAt: null, autoRenew: false }, START, { status: "active", periodEnd: null }],
    ["not renewed", { autoRenew: false }, START, { status: "cancelled", periodEnd: END }],
    ["over", {}, END, { status: "expired", endedAt: END }],
    ["unpaid", { inBillingRetry: true }, END, { status: "grace", graceUntil: END + GRACE_MS }],
    ["unpaid, with Apple's grace", { inBillingRetry: true, graceUntil: END + DAY_MS }, END, { status: "grace", graceUntil: END + DAY_MS }],
    ["taken back", { revokedAt: START }, START + 1, { status: "expired", endedAt: START }],
  ])("Apple: %s", (_, overrides, asOf, news) => {
    expect(newsOfPurchase(purchaseOf(overrides), asOf)).toMatchObject({ source: "apple", providerReadAt: asOf, ...news });
  });
});

const step = fc.record({ days: fc.integer({ min: 1, max: 20 }), what: fc.constantFrom("look", "cancel", "resume", "fail", "pay", "end") });
type Steps = readonly { readonly days: number; readonly what: string }[];

/** Readings of one Stripe subscription as it lives. */
function tellStripe(steps: Steps): AddonNews[] {
  let now = START;
  let paid = paidOf();
  const told = [newsOfSubscription(paid, now)];
  for (const { days, what } of steps) {
    now += days * DAY_MS;
    const isOver = paid.currentPeriodEnd <= now;
    if (paid.status !== "canceled") {
      if (what === "end" || (isOver && paid.cancelAtPeriodEnd)) paid = { ...paid, status: "canceled", endedAt: now };
      else if (what === "cancel" || what === "resume") paid = { ...paid, cancelAtPeriodEnd: what === "cancel" };
      else if (what === "pay") paid = { ...paid, status: "active" };
      else if (isOver) paid = { ...paid, status: what === "fail" ? "past_due" : "active", currentPeriodStart: paid.currentPeriodEnd, currentPeriodEnd: paid.currentPeriodEnd + 30 * DAY_MS };
    }
    told.push(newsOfSubscription(paid, now));
  }
  return told.filter((news) => news !== null);
}

/** The same of one Apple purchase; `end` is a refund. */
function tellApple(steps: Steps): AddonNews[] {
  let now = START;
  let bought = purchaseOf();
  const told = [newsOfPurchase(bought, now)];
  for (const { days, what } of steps) {
    now += days * DAY_MS;
    const isOver = (bought.expiresAt ?? 0) <= now;
    if (what === "pay" && (isOver || bought.revokedAt !== null)) bought = purchaseOf({ expiresAt: Math.max(now, bought.expiresAt ?? 0) + 30 * DAY_MS });
    else if (bought.revokedAt === null) {
      if (what === "end" && !isOver) bought = { ...bought, revokedAt: now };
      if (what === "cancel" || what === "resume") bought = { ...bought, autoRenew: what === "resume" };
      if (what === "fail" && isOver) bought = { ...bought, inBillingRetry: true };
    }
    told.push(newsOfPurchase(bought, now));
  }
  return told;
}

const stories = fc.oneof(fc.array(step, { maxLength: 12 }).map(tellStripe), fc.array(step, { maxLength: 12 }).map(tellApple));
const lastOf = (told: readonly AddonNews[]): number => Math.max(...told.map(({ providerReadAt }) => providerReadAt));

describe("an add-on's life", () => {
  it("comes to the same whatever the order and number of readings", () => {
    fc.assert(
      fc.property(
        stories.chain((told) => fc.record({ told: fc.constant(told), shuffled: fc.shuffledSubarray([...told, ...told, ...told], { minLength: told.length * 3 }) })),
        fc.integer({ min: 0, max: 60 }),
        ({ told, shuffled }, later) => {
          const now = lastOf(told) + later * DAY_MS;
          const state = fold(told, now);
          const other = fold(shuffled, now);
          if (!state || !other) throw new Error("nothing was told");
          expect(isSameState(other, state)).toBe(true);
          expect(afterTime(state, now)).toEqual(state);
        },
      ),
    );
  });

  it("leaves what was paid for, and a grace, to the owner; ends neither early nor by a second look", () => {
    fc.assert(
      fc.property(stories, fc.integer({ min: 0, max: 90 * DAY_MS }), (told, wait) => {
        const state = fold(told, lastOf(told));
        if (!state) throw new Error("nothing was told");
        const now = lastOf(told) + wait;
        const later = afterTime(state, now);
        if (state.status === "cancelled" && now < (state.periodEnd ?? 0)) expect(later.status).toBe("cancelled");
        if (state.status === "grace" && now < (state.graceUntil ?? 0)) expect(later.status).toBe("grace");
        if (state.status === "active" && state.source === "stripe") expect(later).toBe(state);
        expect(afterTime(later, now)).toEqual(later);
        if (state.status === "expired") expect(later).toBe(state);
      }),
    );
  });

  it("goes through its states", () => {
    const at = (status: Partial<PaidSubscription>, readAt: number): AddonNews => {
      const news = newsOfSubscription(paidOf(status), readAt);
      if (!news) throw new Error("no news");
      return news;
    };
    let state = nextAddon(null, at({}, START), START);
    expect(state.status).toBe("active");
    state = nextAddon(state, at({ status: "past_due", currentPeriodStart: END }, END), END);
    expect(state).toMatchObject({ status: "grace", graceUntil: END + GRACE_MS });
    state = nextAddon(state, at({ currentPeriodStart: END, currentPeriodEnd: END + 30 * DAY_MS }, END + 1), END + 1);
    expect(state).toMatchObject({ status: "active", graceUntil: null });
    state = nextAddon(state, at({ cancelAtPeriodEnd: true }, END + 2), START + 2);
    expect(state.status).toBe("cancelled");
    state = nextAddon(state, at({}, END + 3), END + 3);
    expect(state.status).toBe("active");
    state = nextAddon(state, at({ cancelAtPeriodEnd: true, currentPeriodEnd: END + 9 }, END + 4), END + 4);
    expect(afterTime(state, END + 9)).toMatchObject({ status: "expired", endedAt: END + 9 });
    // Whoever pays after all has it again.
    expect(nextAddon(afterTime(state, END + 9), at({ currentPeriodEnd: END + 30 * DAY_MS }, END + 10), END + 10)).toMatchObject({ status: "active", endedAt: null });
  });

  it("an Apple refund of an earlier period is of the past", () => {
    const renewed = nextAddon(null, newsOfPurchase(purchaseOf({ expiresAt: END + 30 * DAY_MS }), END), END);
    expect(isOfThePast(renewed, purchaseOf({ revokedAt: START + 3 }))).toBe(true);
    expect(isOfThePast(renewed, purchaseOf({ revokedAt: START + 3, expiresAt: END + 30 * DAY_MS }))).toBe(false);
    expect(isOfThePast(renewed, purchaseOf())).toBe(false);
    expect(isOfThePast({ ...renewed, status: "expired" }, purchaseOf({ revokedAt: START + 3 }))).toBe(false);
    expect(isOfThePast({ ...renewed, periodEnd: null }, purchaseOf({ revokedAt: START + 3 }))).toBe(true);
  });

  it("ends by the clock only where nobody could be asked", () => {
    const base = { graceUntil: null, endedAt: null, providerReadAt: START, periodEnd: END } as const;
    expect(endOf({ ...base, source: "stripe", status: "active" })).toBeNull();
    expect(endOf({ ...base, source: "apple", status: "active" })).toBe(END + LATE_NEWS_MS);
    expect(endOf({ ...base, source: "apple", status: "active", periodEnd: null })).toBeNull();
    expect(afterTime({ ...base, source: "apple", status: "active" }, END + LATE_NEWS_MS)).toMatchObject({ status: "expired", endedAt: END });
    expect(endOf({ ...base, source: "stripe", status: "expired" })).toBeNull();
  });

  it("tells its owner three days before its end, once", () => {
    const cancelled = { source: "stripe", status: "cancelled", periodEnd: END, graceUntil: null, endedAt: null, providerReadAt: START, warnedAt: null } as const;
    expect([END - WARN_MS - 1, END - WARN_MS, END - 1, END].map((now) => isToBeWarned(cancelled, now))).toEqual([false, true, true, false]);
    expect(isToBeWarned({ ...cancelled, warnedAt: START }, END - 1)).toBe(false);
    expect(isToBeWarned({ ...cancelled, status: "active" }, END - 1)).toBe(false);
    expect(isToBeWarned({ ...cancelled, status: "grace", graceUntil: END }, END - 1)).toBe(true);
  });
});
