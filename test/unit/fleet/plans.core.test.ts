import { assert as holds, array, constantFrom, date, integer, oneof, constant, property, record, string } from "fast-check";
import { describe, expect, it } from "vitest";
import { entitle, limitOf, standingOf } from "../../../src/fleet/plans/entitlements";
import { effectiveSubscription, isFeatureValue, isInForce, normalizeFeatureValue, priceIdsOf, readFeature, type FeatureType, type SubscriptionStatus } from "../../../src/fleet/plans/plans.core";
import type { Catalogue, Feature, Plan, Standing, Subscription } from "../../../src/fleet/plans/plans.store";
import { changed, differenceOf, findTakenPrice, type Prices } from "../../../src/fleet/plan-admin/plan-admin.core";
import { boundsOf, gatheredBy, MB_BYTES, percentOf, PERIOD_PATTERN, periodOf, toMb, warningsOf } from "../../../src/fleet/usage/usage.core";

const NOW = Date.UTC(2026, 10, 22, 12);
const TYPES: readonly FeatureType[] = ["boolean", "limit", "tier"];
const STATUSES: readonly SubscriptionStatus[] = ["trialing", "active", "past_due", "grace", "canceled", "expired"];
const NO_PRICES: Prices = { stripePriceId: null, stripePriceIdYearly: null, stripePriceIdSandbox: null, stripePriceIdYearlySandbox: null, appleProductId: null, appleProductIdYearly: null };

describe("values of features", () => {
  it("are read by their type, and a slip opens nothing", () => {
    expect(["true", "1", "YES", "false", "", "on"].map((value) => readFeature("boolean", value))).toEqual([true, true, true, false, false, false]);
    expect(["-1", "unlimited", " Unlimited ", "0", "7"].map((value) => readFeature("limit", value))).toEqual([null, null, null, 0, 7]);
    expect(["", "many", "-2", "1.5", "1e400", "NaN", "Infinity"].map((value) => readFeature("limit", value))).toEqual([0, 0, 0, 0, 0, 0, 0]);
    expect([readFeature("limit", null), readFeature("boolean", null), readFeature("tier", null)]).toEqual([0, false, ""]);
  });

  it("that an administrator may write mean what they say", () => {
    holds(
      property(constantFrom(...TYPES), oneof(string(), integer().map(String), constantFrom("true", "FALSE", "unlimited", "-1")), (type, value) => {
        if (!isFeatureValue(type, value)) return;
        const stored = normalizeFeatureValue(value);
        expect(isFeatureValue(type, stored)).toBe(true);
        if (type === "limit") expect(readFeature(type, stored)).toBe(stored === "unlimited" || stored === "-1" ? null : Number(stored));
        if (type === "boolean") expect(readFeature(type, stored)).toBe(stored === "true");
      }),
    );
  });
});

const subscription = (facts: Partial<Subscription>): Subscription => ({
  id: "s",
  tenantId: 1,
  planId: 3,
  source: "stripe",
  status: "active",
  externalId: null,
  priceId: null,
  interval: null,
  currentPeriodStart: null,
  currentPeriodEnd: null,
  cancelAtPeriodEnd: false,
  scheduleId: null,
  pendingPlanId: null,
  pendingChangeAt: null,
  graceUntil: null,
  providerReadAt: null,
  changingUntil: null,
  downgradeRequestId: null,
  statusBefore: null,
  endedAt: null,
  createdAt: 0,
  updatedAt: 0,
  version: 1,
  ...facts,
});

describe("a subscription", () => {
  it("is in force until somebody ends it or its grace runs out", () => {
    const at = (status: SubscriptionStatus, graceUntil: number | null) => isInForce({ status, graceUntil, currentPeriodEnd: NOW - 1, createdAt: 0 }, NOW);
    expect(STATUSES.map((status) => at(status, null))).toEqual([true, true, true, true, false, false]);
    expect(STATUSES.map((status) => at(status, NOW + 1))).toEqual([true, true, true, true, false, false]);
    expect(STATUSES.map((status) => at(status, NOW))).toEqual([true, true, false, false, false, false]);
  });

  it("decides when it is the newest in force, in whatever order they are read", () => {
    const facts = record({ status: constantFrom(...STATUSES), graceUntil: oneof(constant(null), integer({ min: NOW - 5, max: NOW + 5 })), currentPeriodEnd: constant(null), createdAt: integer({ min: 0, max: 50 }) });
    holds(
      property(array(facts, { maxLength: 8 }), (all) => {
        const best = effectiveSubscription(all, NOW);
        const inForce = all.filter((one) => isInForce(one, NOW));
        if (inForce.length === 0) expect(best).toBeNull();
        else expect(best?.createdAt).toBe(Math.max(...inForce.map((one) => one.createdAt)));
        expect(effectiveSubscription([...all].reverse(), NOW)?.createdAt).toBe(best?.createdAt);
      }),
    );
  });
});

const planOf = (id: number, key: string): Plan => ({
  id,
  key,
  name: key,
  description: null,
  tier: id,
  webPrice: null,
  monthlyWebPrice: null,
  yearlyWebPrice: null,
  iosPrice: null,
  isActive: true,
  isPublic: true,
  ...NO_PRICES,
  createdAt: 0,
  updatedAt: 0,
  version: 1,
});
const bots: Feature = { id: 1, key: "max_bots", name: "Bots", featureType: "limit", defaultValue: "1", createdAt: 0, updatedAt: 0, version: 1 };
const catalogue: Catalogue = {
  plans: ["free", "free_trial", "solo", "pro"].map((key, index) => planOf(index + 1, key)),
  features: [bots],
  values: [2, 3, 4].map((planId) => ({ id: planId, planId, featureId: 1, value: planId === 4 ? "unlimited" : String(planId * 10), displayLabel: null, createdAt: 0, updatedAt: 0, version: 1 })),
};
const entitled = (standing: Partial<Standing>, now = NOW) => entitle(catalogue, { planKey: null, trialEndsAt: 0, subscriptions: [], downgradeToPlanId: null, ...standing }, now);

describe("what somebody may", () => {
  it("follows from a subscription, else an operator's gift, else the trial, else nothing", () => {
    const of = (standing: Partial<Standing>, now?: number) => standingOf(entitled(standing, now));
    const trialEndsAt = NOW + 1;
    expect(of({})).toEqual({ plan: "free", status: "free", endsAt: null });
    expect(of({ trialEndsAt })).toEqual({ plan: "free_trial", status: "trialing", endsAt: trialEndsAt });
    expect(of({ trialEndsAt }, trialEndsAt)).toEqual({ plan: "free", status: "free", endsAt: null });
    expect(of({ trialEndsAt, planKey: "pro" })).toEqual({ plan: "pro", status: "active", endsAt: null });
    expect(of({ trialEndsAt, planKey: "pro", subscriptions: [subscription({ currentPeriodEnd: 9 })] })).toEqual({ plan: "solo", status: "active", endsAt: 9 });
    expect(of({ subscriptions: [subscription({ status: "grace", graceUntil: NOW + 1, currentPeriodEnd: 9 })] })).toEqual({ plan: "solo", status: "grace", endsAt: NOW + 1 });
    expect(of({ trialEndsAt, subscriptions: [subscription({ status: "grace", graceUntil: NOW })] }).plan).toBe("free_trial");
    // A plan that was removed by hand carries nobody.
    expect(of({ subscriptions: [subscription({ planId: 99 })], planKey: "gone" }).plan).toBe("free");
  });

  it("is the default where a plan says nothing, and for new things the plan that a downgrade leads to", () => {
    const limits = (standing: Partial<Standing>) => {
      const { features, creation } = entitled(standing);
      return [limitOf({ features }, "max_bots"), limitOf({ features: creation }, "max_bots")];
    };
    expect(limits({})).toEqual([1, 1]);
    expect(limits({ planKey: "pro" })).toEqual([null, null]);
    expect(limits({ planKey: "pro", downgradeToPlanId: 3 })).toEqual([null, 30]);
    // Already there, or above: an open request takes nothing away twice and gives nothing.
    expect(limits({ planKey: "solo", downgradeToPlanId: 3 })).toEqual([30, 30]);
    expect(limits({ planKey: "solo", downgradeToPlanId: 4 })).toEqual([30, 30]);
    expect(limitOf(entitled({}), "storage_mb")).toBe(0);
  });
});

describe("prices", () => {
  const prices = { ...NO_PRICES, stripePriceId: "live", stripePriceIdYearly: "live-year", stripePriceIdSandbox: "test" };

  it("are those of the mode", () => {
    expect(priceIdsOf(prices, false)).toEqual({ month: "live", year: "live-year" });
    expect(priceIdsOf(prices, true)).toEqual({ month: "test", year: null });
  });

  it("sell one thing each", () => {
    expect(findTakenPrice(prices, [NO_PRICES])).toBeNull();
    expect(findTakenPrice(prices, [{ ...NO_PRICES, stripePriceIdYearly: "live" }])).toBe("stripePriceId");
    expect(findTakenPrice({ ...prices, stripePriceIdYearly: "live" }, [])).toBe("stripePriceIdYearly");
    expect(findTakenPrice({ ...NO_PRICES, appleProductIdYearly: "app" }, [{ ...NO_PRICES, appleProductId: "app" }])).toBe("appleProductIdYearly");
    // The sandbox is another shop.
    expect(findTakenPrice(prices, [{ ...NO_PRICES, stripePriceIdSandbox: "live" }])).toBeNull();
  });

  it("stay when left out, and go when emptied", () => {
    expect([changed(undefined, "was"), changed(null, "was"), changed("", "was"), changed("is", "was"), changed(0, 9)]).toEqual(["was", null, null, "is", 0]);
    expect(differenceOf({ a: 1, b: 2, c: 3 }, { a: 1, b: 3 })).toEqual({ before: { b: 2 }, after: { b: 3 } });
    expect(differenceOf({ a: 1 }, { a: 1 })).toBeNull();
  });
});

describe("periods", () => {
  it("are months of UTC, wherever the clock hangs", () => {
    expect(periodOf(Date.parse("2026-11-30T23:59:59.999Z"))).toBe("2026-11");
    expect(periodOf(Date.parse("2026-12-01T00:00:00Z"))).toBe("2026-12");
    // In Auckland it is December already, in Honolulu still November.
    expect(periodOf(Date.parse("2026-12-01T12:00:00+13:00"))).toBe("2026-11");
    expect(periodOf(Date.parse("2026-11-30T14:00:00-10:00"))).toBe("2026-12");
    expect(periodOf(Date.parse("2028-02-29T12:00:00Z"))).toBe("2028-02");
    expect(periodOf(Date.parse("2026-12-31T23:59:59Z"))).toBe("2026-12");
  });

  it("have the days of their month", () => {
    const days = (period: string) => (boundsOf(period).endsAt - boundsOf(period).startsAt) / 86_400_000;
    expect(["2026-02", "2028-02", "2100-02", "2026-04", "2026-12"].map(days)).toEqual([28, 29, 28, 30, 31]);
    expect(new Date(boundsOf("2026-12").endsAt).toISOString()).toBe("2027-01-01T00:00:00.000Z");
  });

  it("hold every moment exactly once", () => {
    holds(
      property(date({ min: new Date("2020-01-01"), max: new Date("2099-12-31"), noInvalidDate: true }), (at) => {
        const period = periodOf(at.getTime());
        const { startsAt, endsAt } = boundsOf(period);
        expect(PERIOD_PATTERN.test(period)).toBe(true);
        expect(at.getTime() >= startsAt && at.getTime() < endsAt).toBe(true);
        expect(periodOf(endsAt)).not.toBe(period);
        expect(periodOf(startsAt - 1)).not.toBe(period);
      }),
    );
  });

  it("are written YYYY-MM", () => {
    expect(["2026-01", "2026-12"].every((text) => PERIOD_PATTERN.test(text))).toBe(true);
    expect(["2026-00", "2026-13", "2026-1", "202601", "2026-01-01", "all", "1999-01", " 2026-01"].some((text) => PERIOD_PATTERN.test(text))).toBe(false);
  });

  it("gather", () => {
    const sums = [{ period: "all", used: 100 }, { period: "2026-09", used: 1 }, { period: "2026-11", used: 2 }, { period: "2027-01", used: 4 }];
    expect(["2026-08", "2026-09", "2026-10", "2026-11", "2026-12", "2027-01"].map((period) => gatheredBy(sums, period))).toEqual([0, 1, 1, 3, 3, 7]);
  });
});

describe("gauges", () => {
  it("are full only when nothing is left", () => {
    expect(percentOf({ used: 5, limit: null })).toBeNull();
    expect([0, 1].map((used) => percentOf({ used, limit: 0 }))).toEqual([0, 100]);
    expect([79.99, 80, 99.99, 100, 150].map((used) => percentOf({ used, limit: 100 }))).toEqual([79.9, 80, 99.9, 100, 150]);
    holds(property(integer({ min: 1, max: 10_000 }), integer({ min: 1, max: 10_000_000_000 }), (limit, bytes) => ((percentOf({ used: toMb(bytes), limit }) ?? 0) >= 100) === (toMb(bytes) >= limit) && (bytes >= limit * MB_BYTES || toMb(bytes) < limit)));
  });

  it("warn at 80 % and at 100 %, of what there is", () => {
    const warned = (used: number, limit: number | null) => warningsOf({ max_bots: { used, limit, unit: "count" } }).map(({ level, threshold }) => `${level} ${threshold}`);
    expect([warned(7, 10), warned(8, 10), warned(9, 10), warned(10, 10), warned(11, 10)]).toEqual([[], ["warning 80"], ["warning 80"], ["critical 100"], ["critical 100"]]);
    expect([warned(0, 0), warned(1, 0), warned(1_000, null)]).toEqual([[], ["critical 100"], []]);
  });
});
