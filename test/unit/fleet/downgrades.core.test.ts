import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { endGrace, graceOf, GRACE_MS, isOvertaken, scheduledTier, standingOf, WAIT_FOR_PROVIDER_MS, type OpenRequest, type SubscriptionState } from "../../../src/fleet/downgrades/downgrades.core";
import { activeOf, afterMoves, chooseKept, chooseReturning, excessOf, fittingOf, overCap, type Holding } from "../../../src/fleet/holdings/holdings.core";
import { anEvent, bot, capsOf, FEATURES, NOBODY, NOW, PLANS, subscription, World } from "../../support/plan-world";

const DAY = 86_400_000;
const share = (id: string, botId: string): Holding => bot(id, { feature: "max_bot_shares", botId });

const open = (fields: Partial<OpenRequest> = {}): OpenRequest => ({ fromTier: 3, toTier: 2, reason: "user_manual", lowersPlan: false, graceEndsAt: NOW + GRACE_MS, createdAt: NOW, ...fields });

describe("the plan in force", () => {
  it("is the newest subscription's, else an operator's gift, else the trial, else free", () => {
    const plans = [...PLANS, { id: 9, key: "free_trial", tier: 1 }];
    const standing = (person: { planKey: string | null; trialEndsAt: number }, ...rows: SubscriptionState[]) => standingOf(plans, person, rows, NOW).plan.key;
    expect(standing(NOBODY)).toBe("free");
    expect(standing({ planKey: null, trialEndsAt: NOW + 1 })).toBe("free_trial");
    expect(standing({ planKey: "solo", trialEndsAt: NOW + 1 })).toBe("solo");
    expect(standing({ planKey: "solo", trialEndsAt: 0 }, subscription({ createdAt: 1 }), subscription({ planId: 4, createdAt: 2, source: "admin_override" }))).toBe("team");
    expect(standing({ planKey: "solo", trialEndsAt: 0 }, subscription({ status: "canceled" }))).toBe("solo");
  });

  it("is kept while a failed payment's grace runs, and already leads to what is left", () => {
    const failing = subscription({ status: "past_due", graceUntil: NOW + DAY });
    expect(standingOf(PLANS, NOBODY, [failing], NOW)).toMatchObject({ plan: { key: "pro" }, target: { key: "free" }, failingUntil: NOW + DAY });
    expect(standingOf(PLANS, NOBODY, [failing, subscription({ planId: 2, source: "admin_override", createdAt: 1 })], NOW)).toMatchObject({ plan: { key: "pro" }, target: { key: "solo" } });
    expect(standingOf(PLANS, NOBODY, [failing], NOW + DAY)).toMatchObject({ plan: { key: "free" }, target: { key: "free" }, failingUntil: null });
  });
});

describe("what stays", () => {
  it("is what was active last when nobody chose, whatever the order it comes in", () => {
    const bots = [bot("old", { createdAt: 1 }), bot("busy", { createdAt: 1, lastSeenAt: 9 }), bot("new", { createdAt: 3 }), bot("quiet", { createdAt: 9, lastSeenAt: 5 })];
    fc.assert(
      fc.property(fc.shuffledSubarray(bots, { minLength: bots.length }), (shuffled) => {
        expect(excessOf(shuffled, capsOf(1)).map(({ id }) => id).sort()).toEqual(["new", "old"]);
      }),
    );
  });

  it("takes the shares of bots that go with them, and counts what is left", () => {
    const holdings = [bot("a", { lastSeenAt: 3 }), bot("b", { lastSeenAt: 2 }), bot("c", { lastSeenAt: 1 }), bot("d"), share("1", "a"), share("2", "b"), share("3", "c"), share("4", "d")];
    const park = excessOf(holdings, capsOf(2));
    expect(park.filter(({ feature }) => feature === "max_bots").map(({ id }) => id)).toEqual(["d"]);
    expect(overCap(afterMoves(holdings, { park, comeBack: [] }, NOW), capsOf(2))).toEqual([]);
    expect(park.filter(({ feature }) => feature === "max_bot_shares")).toHaveLength(1);
  });

  it("is chosen among what is there, within the cap, and can be chosen anew", () => {
    const bots = [bot("a"), bot("b"), bot("c"), bot("gone", { parkedAt: NOW - 5 })];
    expect(chooseKept(bots, "max_bots", 2, ["a", "stranger"], NOW)).toEqual({ kind: "unknown", ids: ["stranger"] });
    expect(chooseKept(bots, "max_bots", 2, ["a", "gone"], NOW)).toEqual({ kind: "unknown", ids: ["gone"] });
    expect(chooseKept(bots, "max_bots", 2, ["a", "b", "c"], NOW)).toEqual({ kind: "too_many", limit: 2 });
    const first = chooseKept(bots, "max_bots", 2, ["a", "b"], NOW);
    if (first.kind !== "ok") throw new Error("refused");
    const then = afterMoves(bots, first, NOW);
    expect(activeOf(then, "max_bots").map(({ id }) => id)).toEqual(["a", "b"]);
    expect(chooseKept(then, "max_bots", 2, ["a", "b"], NOW)).toMatchObject({ kind: "ok", park: [], comeBack: [] });
    expect(chooseKept(then, "max_bots", 2, ["c"], NOW)).toMatchObject({ kind: "ok", kept: ["c"], park: [{ id: "a" }, { id: "b" }], comeBack: [{ id: "c" }] });
  });
});

describe("what comes back", () => {
  const bots = [bot("a"), bot("p1", { parkedAt: 5, createdAt: 1 }), bot("p2", { parkedAt: 5, createdAt: 2 }), bot("p3", { parkedAt: 4, createdAt: 3 })];

  it("is the newest, as far as the cap goes", () => {
    expect(fittingOf(bots, capsOf(2), () => true).map(({ id }) => id)).toEqual(["p3", "p2"]);
    expect(fittingOf(bots, capsOf(2), ({ parkedAt }) => parkedAt === 5).map(({ id }) => id)).toEqual(["p2", "p1"]);
    expect(fittingOf(bots, capsOf(4), () => true)).toHaveLength(3);
    expect(fittingOf([bot("a"), bot("b"), bot("c"), ...bots], capsOf(1), () => true)).toEqual([]);
  });

  it("is chosen among what is parked, and never beyond the cap", () => {
    expect(chooseReturning(bots, "max_bots", 3, ["p1", "p2"])).toMatchObject({ kind: "ok", comeBack: [{ id: "p1" }, { id: "p2" }] });
    expect(chooseReturning(bots, "max_bots", 3, ["p1", "p2", "p3"])).toEqual({ kind: "too_many", limit: 3 });
    expect(chooseReturning(bots, "max_bots", 3, ["nobody"])).toEqual({ kind: "unknown", ids: ["nobody"] });
    expect(chooseReturning(bots, "max_bots", 0, ["a"])).toMatchObject({ kind: "ok", comeBack: [] });
  });
});

describe("an open request", () => {
  const at = (row: SubscriptionState | null) => standingOf(PLANS, NOBODY, row ? [row] : [], NOW);
  const overtaken = (request: OpenRequest, row: SubscriptionState | null) => isOvertaken(request, at(row), scheduledTier(PLANS, at(row)));

  it("is overtaken when nothing leads down any more", () => {
    expect(overtaken(open(), subscription({ pendingPlanId: 2 }))).toBe(false);
    expect(overtaken(open(), subscription({ cancelAtPeriodEnd: true }))).toBe(false);
    expect(overtaken(open(), subscription())).toBe(true);
    expect(overtaken(open(), subscription({ planId: 2 }))).toBe(false);
    expect(overtaken(open({ reason: "payment_failure", toTier: 0 }), subscription({ status: "past_due", graceUntil: NOW + 1 }))).toBe(false);
    expect(overtaken(open({ reason: "payment_failure", toTier: 0 }), subscription())).toBe(true);
  });

  it("that lowers the plan itself is overtaken only by what came since", () => {
    const ours = open({ lowersPlan: true });
    expect(overtaken(ours, subscription({ createdAt: NOW - 1 }))).toBe(false);
    expect(overtaken(ours, subscription({ createdAt: NOW + 1 }))).toBe(true);
    expect(overtaken(ours, subscription({ createdAt: NOW - 1, planId: 4 }))).toBe(true);
  });

  it("ends no grace early, and none while a provider carries the plan", () => {
    const bots = ["a", "b", "c", "d"].map((id) => bot(id));
    expect(endGrace(open(), at(null), bots, capsOf(2), NOW + GRACE_MS - 1)).toEqual({ kind: "early" });
    const late = NOW + GRACE_MS;
    expect(endGrace(open(), at(subscription({ pendingPlanId: 2, pendingChangeAt: late + 5 * DAY })), bots, capsOf(2), late)).toEqual({ kind: "wait", until: late + 5 * DAY });
    expect(endGrace(open(), at(subscription({ pendingPlanId: 2 })), bots, capsOf(2), late)).toEqual({ kind: "wait", until: late + WAIT_FOR_PROVIDER_MS });
    expect(endGrace(open({ lowersPlan: true }), at(subscription()), bots, capsOf(2), late)).toMatchObject({ kind: "resolve", park: [{ id: "d" }] });
    expect(endGrace(open(), at(subscription({ planId: 2 })), bots, capsOf(2), late)).toMatchObject({ kind: "resolve", park: [{ id: "d" }] });
  });

  it("grants seven days, over a leap day too, and never less than what is paid for", () => {
    expect(new Date(graceOf(null, NOW)).toISOString()).toBe("2028-03-06T23:59:00.000Z");
    expect(graceOf(subscription({ currentPeriodEnd: NOW + 20 * DAY }), NOW)).toBe(NOW + 20 * DAY);
    expect(graceOf(subscription({ currentPeriodEnd: NOW + DAY }), NOW)).toBe(NOW + 7 * DAY);
    expect(graceOf(subscription({ source: "admin_override", currentPeriodEnd: NOW + 20 * DAY }), NOW)).toBe(NOW + 7 * DAY);
  });
});

describe("any sequence of buying, changing, failing, refunding, overruling and time passing", () => {
  it("leaves nobody over capacity unflagged, takes nothing during a grace, brings nothing back beyond a cap, and has one request open at most", () => {
    fc.assert(
      fc.property(fc.array(anEvent, { minLength: 1, maxLength: 60 }), (events) => {
        const world = new World();
        for (const event of events) {
          const before = world.open();
          const active = FEATURES.flatMap((feature) => activeOf(world.holdings, feature).map(({ id }) => id));
          world.run(event);
          const { plan } = world.standing();
          if (overCap(world.holdings, capsOf(plan.id)).length > 0) expect(world.open(), `${event.kind}: over capacity of ${plan.key} and nobody asks`).not.toBeNull();
          if (before && event.kind !== "resolve" && world.now < before.graceEndsAt) {
            const still = new Set(FEATURES.flatMap((feature) => activeOf(world.holdings, feature).map(({ id }) => id)));
            expect(active.filter((id) => !still.has(id)), `${event.kind} took something during a grace`).toEqual([]);
          }
          expect(world.requests.filter(({ resolved }) => resolved === null).length).toBeLessThanOrEqual(1);
          expect(world.upgrade !== null && world.open() !== null, "asks what comes back while something has to go").toBe(false);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it("ends the same however often the last change is told", () => {
    fc.assert(
      fc.property(fc.array(anEvent, { minLength: 1, maxLength: 40 }), (events) => {
        const world = new World();
        for (const event of events) world.run(event);
        const state = () => structuredClone({ holdings: world.holdings, requests: world.requests, subscriptions: world.subscriptions, upgrade: world.upgrade !== null });
        world.run({ kind: "retell" });
        const once = state();
        for (let i = 0; i < 4; i++) world.run({ kind: "retell" });
        expect(state()).toEqual(once);
      }),
      { numRuns: 500 },
    );
  });

  it("is taken back exactly by an administrator: plan, subscriptions, bots and machines", () => {
    fc.assert(
      fc.property(fc.array(anEvent, { minLength: 1, maxLength: 40 }), fc.boolean(), fc.integer({ min: 1, max: 3 }), fc.nat(9), (events, force, plan, pick) => {
        const world = new World();
        for (const event of events) world.run(event);
        // What was parked before is offered, not brought back by this: begin without it.
        world.holdings = world.holdings.filter(({ parkedAt }) => parkedAt === null);
        if (world.open()) return;
        const before = { plan: world.standing().plan, subscriptions: structuredClone(world.subscriptions), kept: world.holdings.filter(({ feature }) => feature !== "max_bot_shares") };
        world.run({ kind: force ? "force_down" : "admin_down", plan });
        const request = world.open();
        if (!request) return;
        world.run({ kind: "resolve", feature: 0, pick });
        world.run({ kind: "pass", days: 7 });
        world.run({ kind: "admin_cancel" });
        // A grace of a failed payment, or a period, may have run out meanwhile: that no administrator takes back.
        if (world.requests.some(({ id }) => id > request.id) || standingOf(PLANS, NOBODY, before.subscriptions, world.now).plan.id !== before.plan.id) return;
        expect(world.standing().plan).toEqual(before.plan);
        expect(world.subscriptions.map(({ id, status, planId }) => ({ id, status, planId }))).toEqual(before.subscriptions.map(({ id, status, planId }) => ({ id, status, planId })));
        expect(world.holdings.filter(({ feature }) => feature !== "max_bot_shares")).toEqual(before.kept);
      }),
      { numRuns: 1_000 },
    );
  });
});
