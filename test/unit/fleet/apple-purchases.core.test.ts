import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { afterTime, GRACE_MS, isLive, isOfThePast, isSameState, LATE_NEWS_MS, nextApplePurchase, triggerOf, type AppleReading, type AppleState } from "../../../src/fleet/apple-purchases/apple-purchases.core";
import type { Purchase } from "../../../src/kernel/ports/app-store";

const DAY_MS = 86_400_000;
const START = Date.UTC(2028, 1, 28, 23, 30);

const purchaseOf = (overrides: Partial<Purchase> = {}): Purchase => ({
  originalTransactionId: "1",
  productId: "pro.monthly",
  bundleId: "org.example.app",
  environment: "production",
  expiresAt: START + 30 * DAY_MS,
  isTrial: false,
  autoRenew: true,
  inBillingRetry: false,
  graceUntil: null,
  revokedAt: null,
  appAccountToken: null,
  ...overrides,
});
const readingOf = (overrides: Partial<Purchase> = {}, asOf = START, planId = 4): AppleReading => ({ purchase: purchaseOf(overrides), asOf, planId });
const fold = (readings: readonly AppleReading[], now: number, known: AppleState | null = null) => readings.reduce<AppleState | null>((state, reading) => nextApplePurchase(state, reading, now), known);

/** What befalls a subscription, told each time: time passes, it renews, fails, is refunded, is bought again, changes its product. */
const step = fc.record({ days: fc.integer({ min: 1, max: 40 }), what: fc.constantFrom("look", "renew", "cancel", "resume", "fail", "refund", "switch") });
function tell(steps: readonly { days: number; what: string }[]): AppleReading[] {
  let now = START;
  let bought = purchaseOf();
  let planId = 4;
  const readings = [readingOf()];
  for (const { days, what } of steps) {
    now += days * DAY_MS;
    const isOver = (bought.expiresAt ?? 0) <= now;
    if (bought.revokedAt !== null && what !== "renew" && what !== "look") continue;
    if (what === "renew" && (isOver || bought.revokedAt !== null)) bought = purchaseOf({ productId: bought.productId, expiresAt: Math.max(now, bought.expiresAt ?? 0) + 30 * DAY_MS });
    if (what === "cancel" || what === "resume") bought = { ...bought, autoRenew: what === "resume" };
    if (what === "fail" && isOver) bought = { ...bought, inBillingRetry: true };
    if (what === "refund") bought = { ...bought, revokedAt: now };
    if (what === "switch" && !isOver) {
      planId = planId === 4 ? 5 : 4;
      bought = { ...bought, productId: planId === 4 ? "pro.monthly" : "team.monthly", expiresAt: (bought.expiresAt ?? 0) + DAY_MS };
    }
    readings.push({ purchase: bought, asOf: now, planId });
  }
  return readings;
}

describe("a subscription bought in the App Store", () => {
  it.each<[string, Partial<Purchase>, number, Partial<AppleState>]>([
    ["in force", {}, START, { status: "active", cancelAtPeriodEnd: false, currentPeriodEnd: START + 30 * DAY_MS, endedAt: null }],
    ["a trial", { isTrial: true }, START, { status: "trialing" }],
    ["for ever", { expiresAt: null }, START, { status: "active", currentPeriodEnd: null }],
    ["not renewed", { autoRenew: false }, START, { status: "active", cancelAtPeriodEnd: true }],
    ["of which nobody said whether it renews", { autoRenew: null }, START, { status: "active", cancelAtPeriodEnd: false }],
    ["at its very end", {}, START + 30 * DAY_MS, { status: "expired", endedAt: START + 30 * DAY_MS }],
    ["unpaid, with Apple's grace", { inBillingRetry: true, graceUntil: START + 36 * DAY_MS }, START + 31 * DAY_MS, { status: "grace", graceUntil: START + 36 * DAY_MS, endedAt: null }],
    ["unpaid, with ours", { inBillingRetry: true }, START + 31 * DAY_MS, { status: "grace", graceUntil: START + 30 * DAY_MS + GRACE_MS }],
    ["unpaid for too long", { inBillingRetry: true }, START + 30 * DAY_MS + GRACE_MS, { status: "expired", endedAt: START + 30 * DAY_MS + GRACE_MS }],
    ["taken back", { revokedAt: START + 5 }, START + 10, { status: "canceled", endedAt: START + 5 }],
  ])("%s", (_, overrides, asOf, state) => {
    expect(nextApplePurchase(null, readingOf(overrides, asOf), asOf)).toMatchObject({ ...state, planId: 4, providerReadAt: asOf });
  });

  it("ends by the clock: at once where it was not to renew, after the last repeat of a lost notification where it was", () => {
    const end = START + 30 * DAY_MS;
    const renewing = nextApplePurchase(null, readingOf(), START);
    const ending = nextApplePurchase(null, readingOf({ autoRenew: false }), START);
    expect(afterTime(ending, end - 1)).toBe(ending);
    expect(afterTime(ending, end)).toMatchObject({ status: "expired", endedAt: end });
    expect(afterTime(renewing, end + LATE_NEWS_MS - 1)).toBe(renewing);
    expect(afterTime(renewing, end + LATE_NEWS_MS)).toMatchObject({ status: "expired", endedAt: end, providerReadAt: START });
    // A renewal of which we hear later still counts.
    expect(nextApplePurchase(afterTime(renewing, end + LATE_NEWS_MS), readingOf({ expiresAt: end + 30 * DAY_MS }, end), end + LATE_NEWS_MS)).toMatchObject({ status: "active" });
    const unpaid = nextApplePurchase(null, readingOf({ inBillingRetry: true }, end), end);
    expect(afterTime(unpaid, end + GRACE_MS)).toMatchObject({ status: "expired" });
    expect(afterTime({ ...unpaid, graceUntil: null }, end + GRACE_MS)).toMatchObject({ status: "grace" });
    const revoked = nextApplePurchase(null, readingOf({ revokedAt: START }), START);
    expect(afterTime(revoked, end + 99 * DAY_MS)).toBe(revoked);
  });

  it("an older word never wins, so that nobody undoes a refund with what the device still holds", () => {
    const refunded = nextApplePurchase(null, readingOf({ revokedAt: START + 5 }, START + 10), START + 10);
    expect(nextApplePurchase(refunded, readingOf({}, START), START + 20)).toBe(refunded);
    expect(nextApplePurchase(refunded, readingOf({}, START + 10), START + 20)).toBe(refunded);
  });

  it("a refund of an earlier period, or of what an upgrade replaced, is of the past", () => {
    const running = nextApplePurchase(null, readingOf({ expiresAt: START + 60 * DAY_MS }), START);
    expect(isOfThePast(running, purchaseOf({ revokedAt: START }))).toBe(true);
    expect(isOfThePast(running, purchaseOf({ revokedAt: START, productId: "solo.monthly", expiresAt: START + 90 * DAY_MS }))).toBe(true);
    expect(isOfThePast(running, purchaseOf({ revokedAt: START, expiresAt: START + 60 * DAY_MS }))).toBe(false);
    expect(isOfThePast(running, purchaseOf({ revokedAt: START, expiresAt: null }))).toBe(false);
    expect(isOfThePast(running, purchaseOf())).toBe(false);
    expect(isOfThePast({ ...running, status: "expired" }, purchaseOf({ revokedAt: START }))).toBe(false);
    expect(isOfThePast({ ...running, currentPeriodEnd: null }, purchaseOf({ revokedAt: START }))).toBe(true);
  });

  it("what an administrator ended here is Apple's to bring back only by a later word", () => {
    const ended: AppleState = { ...nextApplePurchase(null, readingOf(), START), status: "canceled" };
    expect(nextApplePurchase(ended, readingOf({ expiresAt: START + 60 * DAY_MS }, START - 1), START + 1)).toBe(ended);
    expect(nextApplePurchase(ended, readingOf({}, START + 1), START + 1)).toMatchObject({ status: "active" });
  });

  it("comes to the same whatever the order and number of readings", () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 12 }).map(tell).chain((told) => fc.record({ told: fc.constant(told), shuffled: fc.shuffledSubarray([...told, ...told, ...told], { minLength: told.length * 3 }) })),
        fc.integer({ min: 0, max: 60 }),
        ({ told, shuffled }, later) => {
          const now = Math.max(...told.map(({ asOf }) => asOf)) + later * DAY_MS;
          const state = fold(told, now);
          expect(fold(shuffled, now)).toEqual(state);
          // The sweep finds nothing to do, and told once more nothing changes.
          if (state) expect(afterTime(state, now)).toEqual(state);
          expect(fold(told.slice(-1), now, state)).toEqual(state);
        },
      ),
    );
  });

  it("the clock alone never brings one back", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }).map(tell), fc.integer({ min: 0, max: 200 * DAY_MS }), (told, wait) => {
        const now = Math.max(...told.map(({ asOf }) => asOf));
        const state = fold(told, now);
        if (!state) throw new Error("nothing was told");
        const later = afterTime(state, now + wait);
        if (!isLive(state)) expect(later).toBe(state);
        expect(afterTime(later, now + wait)).toEqual(later);
        expect(isSameState(state, later)).toBe(state.status === later.status);
      }),
    );
  });

  it("says what made a change", () => {
    const active = nextApplePurchase(null, readingOf(), START);
    const ending = { ...active, cancelAtPeriodEnd: true };
    const grace: AppleState = { ...active, status: "grace" };
    const expired: AppleState = { ...active, status: "expired" };
    expect([triggerOf(null, active), triggerOf(active, ending), triggerOf(active, expired), triggerOf(ending, expired), triggerOf(grace, expired), triggerOf(grace, active), triggerOf(expired, expired)]).toEqual([
      "apple",
      "apple",
      "apple",
      "period_end",
      "grace_end",
      "apple",
      "apple",
    ]);
  });
});
