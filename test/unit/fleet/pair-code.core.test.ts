import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { chooseMachine, isForAnyMachine, isForMachine, isRedeemable, newPairCode, normalizePairCode } from "../../../src/fleet/pairings/pair-code.core";

const NOW = 1_800_000_000_000;
const PATTERN = /^BCK-[A-HJ-KM-NP-Z2-9]{4}-[A-HJ-KM-NP-Z2-9]{4}$/;

describe("a pairing code", () => {
  it("looks like BCK-XXXX-XXXX, without characters that are taken for others, whatever bytes come", () => {
    fc.assert(
      fc.property(fc.infiniteStream(fc.integer({ min: 0, max: 255 })), (bytes) => {
        const code = newPairCode((length) => Uint8Array.from({ length }, () => bytes.next().value ?? 0));
        expect(code).toMatch(PATTERN);
        expect(code).not.toMatch(/-.*[01OIL]/);
      }),
    );
  });

  it("favours no character: every byte counts alike, and those too many are thrown away", () => {
    const counts = new Map<string, number>();
    for (let byte = 0; byte < 248; byte++) {
      const [, first = ""] = /^BCK-(.)/.exec(newPairCode((length) => new Uint8Array(length).fill(byte))) ?? [];
      counts.set(first, (counts.get(first) ?? 0) + 1);
    }
    expect([...new Set(counts.values())]).toEqual([8]);
    expect(counts.size).toBe(31);
    let calls = 0;
    const code = newPairCode((length) => new Uint8Array(length).fill(calls++ === 0 ? 255 : 0));
    expect([code, calls]).toEqual(["BCK-AAAA-AAAA", 2]);
  });

  it("is found however it was typed", () => {
    expect(normalizePairCode("  bck-a2b3-c4d5\n")).toBe("BCK-A2B3-C4D5");
    fc.assert(fc.property(fc.string(), (text) => normalizePairCode(normalizePairCode(text)) === normalizePairCode(text)));
  });

  it("is good once, for its time, and for one at a time", () => {
    const code = { status: "pending", expiresAt: NOW + 1, redeemingUntil: null } as const;
    expect(isRedeemable(code, NOW)).toBe(true);
    expect(isRedeemable(code, NOW + 1)).toBe(false);
    expect(isRedeemable({ ...code, status: "redeemed" }, NOW)).toBe(false);
    expect(isRedeemable({ ...code, status: "closed" }, NOW)).toBe(false);
    expect(isRedeemable({ ...code, redeemingUntil: NOW + 1 }, NOW)).toBe(false);
    expect(isRedeemable({ ...code, redeemingUntil: NOW }, NOW)).toBe(true);
  });
});

describe("the machine that a code leads to", () => {
  const choose = (asked: string | null, target: string | null, machines: readonly string[], strict = false) => {
    const choice = chooseMachine({ asked, target, machines, strict });
    return choice.kind === "machine" ? choice.instanceId : choice.kind;
  };

  it("is the asked one, else the code's, else the only one", () => {
    expect(choose("a", null, ["a", "b"])).toBe("a");
    expect(choose("a", "a", ["a", "b"])).toBe("a");
    expect(choose(null, "b", ["a", "b"])).toBe("b");
    expect(choose(null, null, ["a"])).toBe("a");
  });

  it("must be named where it is not clear, or always where the operator says so", () => {
    expect(choose(null, null, ["a", "b"])).toBe("missing");
    expect(choose(null, null, [])).toBe("missing");
    expect(choose(null, "a", ["a"], true)).toBe("missing");
    expect(choose("a", "a", ["a"], true)).toBe("a");
  });

  it("is never a stranger's, nor another than the code's", () => {
    expect(choose("x", null, ["a"])).toBe("mismatch");
    expect(choose("", null, ["a"])).toBe("mismatch");
    expect(choose("b", "a", ["a", "b"])).toBe("mismatch");
    expect(choose(null, "gone", ["a"])).toBe("mismatch");
    const id = fc.constantFrom("a", "b", "c");
    fc.assert(
      fc.property(fc.option(id), fc.option(id), fc.uniqueArray(id), fc.boolean(), (asked, target, machines, strict) => {
        const choice = chooseMachine({ asked, target, machines, strict });
        if (choice.kind !== "machine") return;
        expect(machines).toContain(choice.instanceId);
        if (asked !== null) expect(choice.instanceId).toBe(asked);
        if (target !== null) expect(choice.instanceId).toBe(target);
      }),
    );
  });
});

describe("who sees a code", () => {
  it("everybody, or the machine it is for; a listener that may be any machine only when there is no other", () => {
    expect([isForMachine(null, "a"), isForMachine("a", "a"), isForMachine("b", "a")]).toEqual([true, true, false]);
    expect([isForAnyMachine(null, 3), isForAnyMachine("a", 1), isForAnyMachine("a", 2), isForAnyMachine("a", 0)]).toEqual([true, true, false, false]);
  });
});
