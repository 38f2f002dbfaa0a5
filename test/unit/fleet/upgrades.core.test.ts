import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PICK_FEATURES, type Holding } from "../../../src/fleet/holdings/holdings.core";
import { afterChange, undecided, upgradeTriggerOf } from "../../../src/fleet/upgrades/upgrades.core";

const parked = (id: string, feature: Holding["feature"] = "max_bots"): Holding => ({ id, feature, label: null, instanceId: null, botMatrixId: null, botId: null, createdAt: 1, lastSeenAt: null, parkedAt: 2 });
const input = { fromTier: 1, toTier: 3, openTier: null, downgradeOpen: false, known: false, holdings: [parked("a")] };

describe("a plan that went up", () => {
  it("asks what comes back, once for each change, and only when something is parked", () => {
    expect(afterChange(input)).toEqual({ kind: "open" });
    expect(afterChange({ ...input, known: true })).toEqual({ kind: "nothing" });
    expect(afterChange({ ...input, holdings: [] })).toEqual({ kind: "nothing" });
    expect(afterChange({ ...input, fromTier: 3 })).toEqual({ kind: "nothing" });
    expect(afterChange({ ...input, downgradeOpen: true })).toEqual({ kind: "nothing" });
  });

  it("asks about the higher plan when it goes up again, and stops asking when it goes down", () => {
    expect(afterChange({ ...input, openTier: 2 })).toEqual({ kind: "retarget" });
    expect(afterChange({ ...input, openTier: 3 })).toEqual({ kind: "nothing" });
    expect(afterChange({ ...input, openTier: 4 })).toEqual({ kind: "dismiss" });
    expect(afterChange({ ...input, openTier: 3, downgradeOpen: true })).toEqual({ kind: "dismiss" });
  });

  it("never has two requests, whatever is told", () => {
    fc.assert(
      fc.property(fc.nat(4), fc.nat(4), fc.option(fc.nat(4)), fc.boolean(), fc.boolean(), (fromTier, toTier, openTier, downgradeOpen, known) => {
        const { kind } = afterChange({ fromTier, toTier, openTier, downgradeOpen, known, holdings: [parked("a")] });
        if (openTier !== null) expect(kind).not.toBe("open");
        if (downgradeOpen) expect(kind).not.toBe("open");
      }),
    );
  });

  it("is done when every feature with something parked was decided", () => {
    const holdings = [parked("a"), parked("m", "multiple_openclaw_instances")];
    expect(undecided(holdings, [])).toEqual(PICK_FEATURES.slice(0, 2));
    expect(undecided(holdings, ["max_bots"])).toEqual(["multiple_openclaw_instances"]);
    expect(undecided(holdings, ["max_bots", "multiple_openclaw_instances"])).toEqual([]);
  });

  it("is told with the words that clients know", () => {
    expect([upgradeTriggerOf("stripe", "stripe"), upgradeTriggerOf("apple", "apple"), upgradeTriggerOf("user", "apple"), upgradeTriggerOf("admin", "admin_override"), upgradeTriggerOf("period_end", null)]).toEqual(["stripe_upgrade", "apple_upgrade", "apple_upgrade", "admin_upgrade", "stripe_upgrade"]);
  });
});
