import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { changeKind, GRACE_MS, nextRow, planOfPrice, priceOf, soldPlan, triggerOf, type PricedPlan, type ProviderFacts, type Reading } from "../../../src/fleet/subscriptions/subscriptions.core";
import type { PaidSubscription, PaymentSchedule } from "../../../src/kernel/ports/payments";

const DAY_MS = 86_400_000;
const T0 = Date.UTC(2024, 0, 31, 23, 59, 59);

const plan = (id: number, key: string, more: Partial<PricedPlan> = {}): PricedPlan => ({
  id,
  key,
  name: key,
  tier: id,
  isActive: true,
  stripePriceId: `live_${key}`,
  stripePriceIdYearly: `live_${key}_year`,
  stripePriceIdSandbox: `test_${key}`,
  stripePriceIdYearlySandbox: null,
  ...more,
});
const PLANS = [plan(1, "solo"), plan(2, "pro"), plan(3, "team", { isActive: false })];

const paid = (more: Partial<PaidSubscription> = {}): PaidSubscription => ({
  id: "sub_1",
  customerId: "cus_1",
  status: "active",
  priceId: "live_solo",
  itemId: "si_1",
  quantity: 1,
  currentPeriodStart: T0,
  currentPeriodEnd: T0 + 29 * DAY_MS,
  cancelAtPeriodEnd: false,
  cancelAt: null,
  canceledAt: null,
  endedAt: null,
  scheduleId: null,
  metadata: {},
  trialEnd: null,
  createdAt: T0,
  latestInvoiceId: "in_1",
  ...more,
});
const reading = (more: Partial<PaidSubscription> = {}, rest: Partial<Reading> = {}): Reading => ({ paid: paid(more), schedule: null, failedAt: null, ...rest });
const schedule = (priceId: string, startsAt: number): PaymentSchedule => ({ id: "sub_sched_1", status: "active", subscriptionId: "sub_1", pending: { priceId, startsAt } });

function rowAfter(row: ProviderFacts | null, of: Reading, readAt: number): ProviderFacts {
  const next = nextRow(row, of, readAt, PLANS);
  if (next.kind !== "row") throw new Error(next.kind);
  return next.row;
}

/** One life of a subscription: what it was at each moment. The failure of a period is always the same one. */
const life = fc
  .array(
    fc.record({
      status: fc.constantFrom<PaidSubscription["status"]>("active", "trialing", "past_due", "unpaid", "paused"),
      priceId: fc.constantFrom("live_solo", "live_pro", "live_pro_year", "test_team"),
      pendingTo: fc.option(fc.constantFrom("live_solo", "live_pro", "price_unknown"), { nil: null }),
      cancelAtPeriodEnd: fc.boolean(),
      isNewPeriod: fc.boolean(),
      passedMs: fc.integer({ min: 1, max: 40 * DAY_MS }),
    }),
    { minLength: 1, maxLength: 8 },
  )
  .chain((steps) => fc.record({ steps: fc.constant(steps), ends: fc.boolean() }))
  .map(({ steps, ends }) => {
    let [at, start] = [T0, T0];
    const readings = steps.map((step) => {
      at += step.passedMs;
      if (step.isNewPeriod) start = at;
      const more = { status: step.status, priceId: step.priceId, cancelAtPeriodEnd: step.cancelAtPeriodEnd, currentPeriodStart: start, currentPeriodEnd: start + 30 * DAY_MS };
      return { readAt: at, of: reading({ ...more, scheduleId: step.pendingTo && "sub_sched_1" }, { schedule: step.pendingTo === null ? null : schedule(step.pendingTo, more.currentPeriodEnd), failedAt: step.status === "past_due" ? start + 5_000 : null }) };
    });
    const last = readings.at(-1);
    if (ends && last) readings.push({ readAt: at + 1, of: reading({ ...last.of.paid, status: "canceled", endedAt: at + 1 }) });
    return readings;
  });

describe("nextRow", () => {
  it("ends the same whatever the order and however often it is told", () => {
    fc.assert(
      fc.property(
        life.chain((readings) => fc.tuple(fc.constant(readings), fc.shuffledSubarray([...readings, ...readings, ...readings], { minLength: readings.length * 3 }))),
        ([readings, told]) => {
          const fold = (some: readonly (typeof readings)[number][]): ProviderFacts | null =>
            some.reduce<ProviderFacts | null>((row, { of, readAt }) => {
              const next = nextRow(row, of, readAt, PLANS);
              return next.kind === "row" ? next.row : row;
            }, null);
          expect(fold(told)).toEqual(fold(readings));
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it("takes nothing from an older reading, and the same once more", () => {
    const row = rowAfter(null, reading({ priceId: "live_pro" }), T0 + 10);
    expect(nextRow(row, reading({ status: "canceled" }), T0 + 9, PLANS)).toEqual({ kind: "older" });
    expect(rowAfter(row, reading({ priceId: "live_pro" }), T0 + 10)).toEqual(row);
  });

  it("knows a grace by the failed payment: seven days, from the first failure of the period, over to the millisecond", () => {
    // A month that ends on a leap day.
    const failedAt = Date.UTC(2024, 1, 29, 12);
    const overdue = { status: "past_due", currentPeriodStart: failedAt - 60_000 } as const;
    const row = rowAfter(null, reading(overdue, { failedAt }), failedAt + 1);
    expect([row.status, row.graceUntil]).toEqual(["past_due", Date.UTC(2024, 2, 7, 12)]);
    expect(rowAfter(row, reading(overdue, { failedAt: failedAt + DAY_MS }), failedAt + 2 * DAY_MS).graceUntil).toBe(row.graceUntil);
    expect(rowAfter(row, reading(overdue, { failedAt }), failedAt + GRACE_MS - 1).status).toBe("past_due");
    const over = rowAfter(row, reading(overdue, { failedAt }), failedAt + GRACE_MS);
    expect([over.status, over.graceUntil]).toEqual(["expired", row.graceUntil]);
    expect(rowAfter(over, reading(), failedAt + GRACE_MS + 1)).toMatchObject({ status: "active", graceUntil: null });
    // Another period's failure is another one; without an invoice it is the period's beginning.
    const later = { status: "past_due", currentPeriodStart: failedAt + 31 * DAY_MS } as const;
    expect(rowAfter(row, reading(later), failedAt + 32 * DAY_MS).graceUntil).toBe(failedAt + 31 * DAY_MS + GRACE_MS);
  });

  it("keeps the plan of a price that nobody knows, and has none to keep at first", () => {
    const row = rowAfter(null, reading({ priceId: "live_pro" }), T0);
    expect(nextRow(row, reading({ priceId: "price_other" }), T0 + 1, PLANS)).toMatchObject({ kind: "row", unknownPrice: true, row: { planId: 2, priceId: "price_other" } });
    expect(nextRow(null, reading({ priceId: "price_other" }), T0, PLANS)).toEqual({ kind: "unknown_price" });
  });

  it("makes no row of what was never paid", () => {
    for (const status of ["incomplete", "incomplete_expired"] as const) expect(nextRow(null, reading({ status }), T0, PLANS)).toEqual({ kind: "nothing" });
  });

  it("tells what waits for the end of the period, until there is nothing to wait for", () => {
    const waiting = rowAfter(null, reading({ priceId: "live_pro", scheduleId: "sub_sched_1" }, { schedule: schedule("live_solo", T0 + 5) }), T0);
    expect(waiting).toMatchObject({ scheduleId: "sub_sched_1", pendingPlanId: 1, pendingChangeAt: T0 + 5 });
    const ended = rowAfter(waiting, reading({ priceId: "live_pro", status: "canceled", endedAt: T0 + 6 }, { schedule: schedule("live_solo", T0 + 5) }), T0 + 6);
    expect(ended).toMatchObject({ status: "canceled", scheduleId: null, pendingPlanId: null, pendingChangeAt: null, endedAt: T0 + 6 });
    // An empty schedule waits for nothing.
    expect(rowAfter(null, reading({ scheduleId: "sub_sched_1" }, { schedule: { ...schedule("x", 0), pending: null } }), T0)).toMatchObject({ scheduleId: null });
  });
});

describe("triggerOf", () => {
  const row = (more: Partial<ProviderFacts> = {}): ProviderFacts => ({ ...rowAfter(null, reading({ priceId: "live_pro" }), T0), ...more });

  it("names what may have changed somebody's plan", () => {
    expect(triggerOf(null, row())).toBe("stripe");
    expect(triggerOf(null, row({ status: "canceled" }))).toBeNull();
    expect(triggerOf(row(), row({ currentPeriodEnd: 1, cancelAtPeriodEnd: true }))).toBeNull();
    expect(triggerOf(row(), row({ planId: 1 }))).toBe("stripe");
    expect(triggerOf(row({ pendingPlanId: 1 }), row({ planId: 1 }))).toBe("period_end");
    expect(triggerOf(row({ cancelAtPeriodEnd: true }), row({ status: "canceled" }))).toBe("period_end");
    expect(triggerOf(row(), row({ status: "canceled" }))).toBe("stripe");
    expect(triggerOf(row(), row({ status: "past_due" }))).toBe("payment_failed");
    expect(triggerOf(row({ status: "past_due" }), row({ status: "past_due" }))).toBeNull();
    expect(triggerOf(row({ status: "past_due" }), row({ status: "expired" }))).toBe("grace_end");
    expect(triggerOf(row({ status: "past_due" }), row({ status: "canceled" }))).toBe("payment_failed");
    expect(triggerOf(row({ status: "expired" }), row({ status: "active" }))).toBe("stripe");
  });
});

describe("prices", () => {
  it("belong to plans in either mode, and are sold in the one that is configured", () => {
    expect(planOfPrice(PLANS, "live_pro_year")).toMatchObject({ plan: { key: "pro" }, interval: "year" });
    expect(planOfPrice(PLANS, "test_solo")).toMatchObject({ plan: { key: "solo" }, interval: "month" });
    expect(planOfPrice(PLANS, "price_other")).toBeNull();
    expect(soldPlan(PLANS, "live_pro", false)).toMatchObject({ plan: { key: "pro" } });
    expect(soldPlan(PLANS, "live_pro", true)).toBeNull();
    expect(soldPlan(PLANS, "test_pro", true)).toMatchObject({ interval: "month" });
    expect(soldPlan(PLANS, "live_team", false)).toBeNull();
    expect(priceOf(plan(1, "solo"), "year", true)).toBeNull();
  });

  it("more is now, less is later", () => {
    const from = { planId: 2, tier: 2, interval: "month" } as const;
    expect(changeKind(from, { planId: 3, tier: 3, interval: "month" })).toBe("now");
    expect(changeKind(from, { planId: 1, tier: 1, interval: "year" })).toBe("at_period_end");
    expect(changeKind(from, { planId: 2, tier: 2, interval: "month" })).toBe("same");
    expect(changeKind(from, { planId: 2, tier: 2, interval: "year" })).toBe("now");
    expect(changeKind({ ...from, interval: "year" }, { planId: 2, tier: 2, interval: "month" })).toBe("at_period_end");
  });
});
