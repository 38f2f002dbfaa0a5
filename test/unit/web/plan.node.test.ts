import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ApiError, isPlanRefusal } from "../../../web/src/api/errors";
import { byLastUse, describeExcess, excessBeyond, describeParked, graceText, judgeSelection, listNames, roomFor, suggestKept, suggestReturning } from "../../../web/src/plan/keep.core";
import { chooseAction, describeChange, featureLine, formatMedia, formatPaid, yearlySaving } from "../../../web/src/plan/offers.core";
import { findPlanProblem } from "../../../web/src/plan/plan-errors.core";
import { readMeters, readOffers } from "../../../web/src/plan/plan-wire.core";
import type { DowngradeFeature, Offer, Subscription, Upgrade, UpgradeFeature } from "../../../web/src/plan/plan.types";
import { daysLeft, describeStanding, planLabel } from "../../../web/src/plan/standing.core";
import { describeMeter } from "../../../web/src/plan/usage.core";

const NOW = Date.UTC(2026, 10, 22, 12);
const DAY = 86_400_000;
const at = (days: number): string => new Date(NOW + days * DAY).toISOString();
/** A day as the pages write it, in whatever zone this runs. */
const day = (days: number): string => new Date(at(days)).toLocaleDateString(undefined, { dateStyle: "medium" });

const subscription = (change: Partial<Subscription> = {}): Subscription => ({
  subscription_id: null,
  status: "free",
  subscription_status: "free",
  subscription_price_id: null,
  subscription_ends_at: null,
  stripe_customer_id: null,
  plan_name: "Free",
  is_free: true,
  is_canceling: false,
  can_cancel: false,
  pending_plan_name: null,
  pending_change_date: null,
  can_change_plan: false,
  plan_key: "free",
  source: "free",
  interval: null,
  grace_until: null,
  ...change,
});
const paid = (change: Partial<Subscription> = {}): Subscription =>
  subscription({ status: "active", plan_name: "Pro", plan_key: "pro", is_free: false, source: "stripe", interval: "month", stripe_customer_id: "cus_1", subscription_ends_at: at(18), can_cancel: true, can_change_plan: true, ...change });
const standing = (facts: Subscription) => describeStanding(facts, NOW);

const offer = (key: string, tier: number, month: string | null = `${key}_m`, year: string | null = `${key}_y`): Offer => ({
  key,
  name: key,
  description: null,
  tier,
  currency: "USD",
  month: { priceId: month, amount: month === null ? null : tier * 10 },
  year: { priceId: year, amount: year === null ? null : tier * 100 },
  features: [],
});
const FREE = offer("free", 0, null, null);
const [SOLO, PRO, TEAM] = [offer("solo", 2), offer("pro", 3), offer("team", 4)];

describe("where somebody stands", () => {
  it("says when a plan renews, and offers what can be done", () => {
    const one = standing(paid());
    expect(one).toMatchObject({ plan: "Pro", source: "card", tone: "ok", canCancel: true, canChange: true, undo: null, hasPortal: true });
    expect(one.lines[0]).toBe(`Renews on ${day(18)}.`);
  });

  it("says until when a cancelled plan lasts, and offers to undo that", () => {
    const one = standing(paid({ is_canceling: true, can_cancel: false, can_change_plan: false }));
    expect(one).toMatchObject({ undo: "cancellation", canCancel: false, tone: "warn" });
    expect(one.lines[0]).toContain(day(18));
  });

  it("says what a plan changes to and when; the same plan is another rhythm of paying", () => {
    const one = standing(paid({ pending_plan_name: "Solo", pending_change_date: at(18), can_change_plan: false }));
    expect(one.undo).toBe("change");
    expect(one.lines[0]).toContain(`Solo on ${day(18)}`);
    expect(standing(paid({ pending_plan_name: "Pro", pending_change_date: at(18) })).lines[0]).toMatch(/How often you pay/);
  });

  it("names the day that a failed payment costs the plan, and leads to the card, also after it", () => {
    const one = standing(paid({ status: "past_due", grace_until: at(5), can_cancel: false, can_change_plan: false }));
    expect(one).toMatchObject({ tone: "bad", hasPortal: true });
    expect(one.lines[0]).toContain(day(5));
    expect(standing(subscription({ status: "past_due", stripe_customer_id: "cus_1" }))).toMatchObject({ source: "free", tone: "bad", hasPortal: true });
  });

  it("sends Apple's customers to the App Store and offers them nothing here", () => {
    const one = standing(paid({ source: "apple", can_cancel: false, can_change_plan: false, stripe_customer_id: "cus_old" }));
    expect(one).toMatchObject({ source: "apple", canCancel: false, undo: null, hasPortal: false });
    expect(one.lines.join(" ")).toMatch(/Settings/);
  });

  it("counts the days of a trial, and warns of its last three", () => {
    expect(standing(subscription({ status: "trialing", source: "trial", plan_name: "Trial", plan_key: "free_trial", subscription_ends_at: at(9) }))).toMatchObject({ badge: "9 days left", tone: "quiet" });
    expect(standing(subscription({ status: "trialing", source: "trial", subscription_ends_at: at(0.2) }))).toMatchObject({ badge: "1 day left", tone: "warn" });
    expect(daysLeft(at(-1), NOW)).toBe("no time");
  });

  it.each(["operator", "admin_override"] as const)("says that a plan was given (%s)", (source) => {
    expect(standing(subscription({ status: "active", source, plan_name: "Team" })).lines[0]).toMatch(/administrator/);
  });

  it("reads keys of plans as names", () => {
    expect([planLabel("free_trial"), planLabel("pro"), planLabel("Pro Max")]).toEqual(["Trial", "Pro", "Pro Max"]);
  });
});

describe("what choosing a plan does", () => {
  const action = (one: Offer, facts: Subscription, interval: "month" | "year" = "month", tier = 3) => chooseAction(one, interval, { standing: standing(facts), planKey: facts.plan_key, tier });

  it("is a checkout for who pays nothing yet", () => {
    expect(action(SOLO, subscription(), "year", 0)).toEqual({ kind: "subscribe", priceId: "solo_y" });
    expect(action(FREE, subscription(), "month", 0)).toEqual({ kind: "current" });
    expect(action(offer("gold", 5, null, null), subscription(), "month", 0).kind).toBe("none");
  });

  it("is up at once and down at the period's end for who pays by card", () => {
    expect(action(TEAM, paid())).toEqual({ kind: "up", priceId: "team_m" });
    expect(action(SOLO, paid())).toEqual({ kind: "down", priceId: "solo_m" });
    expect(action(FREE, paid())).toEqual({ kind: "cancel" });
    expect(action(PRO, paid())).toEqual({ kind: "current" });
    expect(action(PRO, paid(), "year")).toEqual({ kind: "yearly", priceId: "pro_y" });
    expect(action(PRO, paid({ interval: "year" }))).toEqual({ kind: "monthly", priceId: "pro_m" });
  });

  it("waits for an undo while something is planned, except more at once", () => {
    const pending = paid({ pending_plan_name: "Solo", pending_change_date: at(18), can_change_plan: false });
    expect([action(SOLO, pending).kind, action(FREE, pending).kind, action(TEAM, pending).kind]).toEqual(["none", "none", "up"]);
    const ending = paid({ is_canceling: true, can_cancel: false, can_change_plan: false });
    expect([action(SOLO, ending).kind, action(TEAM, ending).kind, action(PRO, ending).kind]).toEqual(["none", "none", "current"]);
  });

  it("is nothing while a payment is overdue, or while Apple sells", () => {
    expect(action(TEAM, paid({ status: "past_due", grace_until: at(3), can_cancel: false, can_change_plan: false })).kind).toBe("none");
    expect(action(TEAM, paid({ source: "apple" })).kind).toBe("none");
  });

  it("sells nothing smaller than what was given", () => {
    const given = subscription({ status: "active", source: "operator", plan_key: "pro", plan_name: "Pro" });
    expect([action(SOLO, given).kind, action(TEAM, given).kind]).toEqual(["none", "subscribe"]);
  });

  it("is explained before it is done", () => {
    expect(describeChange("up", "Team", day(18))).toMatch(/difference now/);
    expect(describeChange("down", "Solo", day(18))).toContain(`until ${day(18)}`);
    expect(describeChange("cancel", "Free", null)).toMatch(/nothing is deleted/);
  });
});

describe("price lists", () => {
  it("are read from the API, where -1 is no limit", () => {
    const [one] = readOffers({
      current_plan: "free",
      plans: [
        {
          id: 1,
          name: "team",
          display_name: "Team",
          description: null,
          tier: 4,
          web_price: 99,
          monthly_web_price: null,
          yearly_web_price: 990,
          ios_price: null,
          stripe_price_id: "price_m",
          stripe_price_id_yearly: null,
          apple_product_id: null,
          apple_product_id_yearly: null,
          is_current: false,
          features: [{ key: "max_bot_shares", name: "Bot shares", feature_type: "limit", value: -1, display_label: null }],
        },
      ],
    });
    expect(one).toMatchObject({ key: "team", name: "Team", month: { priceId: "price_m", amount: 99 }, year: { priceId: null, amount: 990 } });
    expect(one?.features.map(featureLine)).toEqual(["Any number of bot shares"]);
  });

  it("name what a plan has, and leave out what it has not", () => {
    const line = (key: string, value: boolean | number | string | null, label: string | null = null) => featureLine({ key, name: "Thing", value, label });
    expect([line("max_bots", 1), line("max_bots", 25), line("max_bots", 0), line("storage_mb", 2000), line("x", true), line("x", false), line("x", "email"), line("x", 3, "Own words")]).toEqual([
      "1 bot",
      "25 bots",
      null,
      "2 GB of media",
      "Thing",
      null,
      "Thing: email",
      "Own words",
    ]);
    expect(formatMedia(12.4)).toBe("12 MB");
  });

  it("know currencies without cents, and what a year saves", () => {
    expect(formatPaid(2900, "usd")).toContain("29.00");
    expect(formatPaid(2900, "jpy")).toMatch(/2,?900/);
    expect(formatPaid(100, "not a currency")).toBe("1.00");
    expect(yearlySaving({ ...PRO, month: { priceId: "m", amount: 29 }, year: { priceId: "y", amount: 290 } })).toBe(17);
    expect(yearlySaving(FREE)).toBeNull();
  });
});

describe("use of a plan", () => {
  const meter = (used: number, limit: number | null, unit = "count") => describeMeter({ key: "max_bots", name: "Bots", used, limit, unit });

  it("warns from 80 % on, and when full or over", () => {
    expect([meter(3, 5).tone, meter(4, 5).tone, meter(5, 5).tone, meter(6, 5).tone]).toEqual(["ok", "warn", "bad", "bad"]);
    expect(meter(6, 5).warning).toMatch(/^1 more/);
    expect(meter(3, 5).warning).toBeNull();
  });

  it("warns of nothing without a limit, and not of what a plan has not while it is not used", () => {
    expect(meter(7, null)).toMatchObject({ tone: "ok", percent: null, text: "7, no limit" });
    expect(meter(0, 0)).toMatchObject({ tone: "ok", text: "Not included" });
    expect(meter(1, 0).tone).toBe("bad");
  });

  it("never shows a full bar for what is not full, or less than the warning", () => {
    fc.assert(
      fc.property(fc.nat(10_000), fc.integer({ min: 1, max: 10_000 }), (used, limit) => {
        const { percent, tone } = meter(used, limit);
        expect(percent).toBeLessThanOrEqual(100);
        expect(tone === "bad").toBe(used >= limit);
        expect(tone === "warn").toBe(used < limit && used / limit >= 0.8);
      }),
    );
  });

  it("is read in the order that people count", () => {
    const metric = { used: 1, limit: 2, unit: "count", pct: 50 };
    const usage = { period: "2026-11", plan_name: "pro", plan_display_name: "Pro", period_start: at(0), period_end: at(9), warnings: [], metrics: { max_bots: metric, other: metric, multiple_openclaw_instances: { ...metric, limit: null } } };
    expect(readMeters(usage).map(({ key, limit }) => [key, limit])).toEqual([
      ["multiple_openclaw_instances", null],
      ["max_bots", 2],
    ]);
  });
});

const item = (id: string, seen: string | null) => ({ id, kind: "bot", label: id, instance_id: null, bot_user_id: null, last_seen: seen });
const over = (limit: number, ids: readonly string[], resolved = false): DowngradeFeature => ({ feature: "max_bots", limit, current_count: ids.length, resolved, items: ids.map((id, index) => item(id, at(-index))) });

describe("choosing what to keep", () => {
  it("begins with what was used last, never more than fits", () => {
    expect(suggestKept({ ...over(2, []), items: [item("old", at(-9)), item("never", null), item("new", at(-1))] })).toEqual(["new", "old"]);
    expect(byLastUse([item("b", null), item("a", null)]).map(({ id }) => id)).toEqual(["a", "b"]);
    fc.assert(
      fc.property(fc.uniqueArray(fc.string({ minLength: 1 }), { maxLength: 12 }), fc.integer({ min: 0, max: 12 }), (ids, limit) => {
        expect(suggestKept(over(limit, ids))).toHaveLength(Math.min(limit, ids.length));
      }),
    );
  });

  it("refuses more than fits before anything is sent, and takes less", () => {
    expect(judgeSelection(new Set(["a", "b", "c"]), 2, "max_bots", "keep")).toEqual({ text: "3 of 2 bots chosen", fault: "You can keep 2 bots. Take 1 away." });
    expect(judgeSelection(new Set(), 2, "max_bots", "keep").fault).toBeNull();
    expect(judgeSelection(new Set(["a"]), 0, "max_bot_shares", "keep").fault).toBe("The plan carries no shares.");
  });

  it("says how much is too much, without what is settled", () => {
    const machines: DowngradeFeature = { ...over(3, ["a", "b", "c", "d"]), feature: "multiple_openclaw_instances" };
    expect(describeExcess([machines, over(1, ["x", "y", "z"])])).toBe("1 machine and 2 bots too many");
    expect(describeExcess([{ ...machines, resolved: true }])).toBeNull();
  });

  it("tells before a change what will be too much", () => {
    const solo = { ...SOLO, features: [{ key: "max_bots", name: "Bots", value: 5, label: null }, { key: "max_bot_shares", name: "Shares", value: null, label: null }] };
    const meters = [
      { key: "max_bots", name: "Bots", used: 7, limit: 25, unit: "count" },
      { key: "max_bot_shares", name: "Shares", used: 70, limit: null, unit: "count" },
      { key: "storage_mb", name: "Media", used: 9_000, limit: 10_000, unit: "MB" },
    ];
    expect(excessBeyond(solo, meters)).toBe("2 bots too many");
    expect(excessBeyond({ ...solo, features: [] }, meters)).toBeNull();
  });

  it("counts the days of grace, the day begun as well", () => {
    expect([graceText(at(5.5), NOW), graceText(at(0.5), NOW), graceText(at(-1), NOW)]).toEqual(["6 days left to choose", "less than a day left to choose", null]);
  });
});

describe("choosing what comes back", () => {
  const parked = (new_limit: number, currently_active: number, count: number): UpgradeFeature => ({
    feature: "max_bots",
    new_limit,
    currently_active,
    resolved: false,
    parked_items: Array.from({ length: count }, (_, index) => ({ id: `b${index}`, kind: "bot", label: null, parked_at: at(index - 9), instance_id: null, bot_user_id: null })),
  });

  it("has as much room as the plan has free", () => {
    expect([roomFor(parked(5, 3, 4)), roomFor(parked(5, 6, 4)), roomFor(parked(50, 3, 4)), roomFor(parked(-1, 99, 4))]).toEqual([2, 0, 4, 4]);
  });

  it("begins with what was parked last", () => {
    expect(suggestReturning(parked(5, 3, 4))).toEqual(["b3", "b2"]);
  });

  it("names a few, and counts the rest", () => {
    expect([listNames(["a"]), listNames(["a", "b", "c", "d"]), listNames(["a", "b", "c", "d", "e"])]).toEqual(["a", "a, b, c and d", "a, b, c and 2 more"]);
  });

  it("says what waits", () => {
    const request: Upgrade = { request_id: "u", from_plan: "solo", to_plan: "pro", trigger: "stripe_upgrade", initiated_at: at(0), features: [parked(5, 0, 2), { ...parked(5, 0, 1), feature: "multiple_openclaw_instances" }] };
    expect(describeParked(request)).toBe("2 bots and 1 machine");
  });
});

describe("refusals", () => {
  const refusal = (code: string) => new ApiError({ status: 409, code, message: "No." });

  it("of payments have human words", () => {
    expect(findPlanProblem(refusal("dependency_unavailable"))?.advice).toMatch(/STRIPE_SECRET_KEY/);
    expect(findPlanProblem(refusal("managed_by_apple"))?.advice).toMatch(/Settings/);
    expect(findPlanProblem(refusal("other"))).toBeNull();
  });

  it("of the plan lead to the plans", () => {
    expect(["plan_limit", "feature_not_available", "instance_disabled_by_plan", "not_found"].map((code) => isPlanRefusal(refusal(code)))).toEqual([true, true, true, false]);
  });
});
