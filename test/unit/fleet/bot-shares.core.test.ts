import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { endOf, isOverdue, readExpiry, stateOf, type EndReason, type ShareLife } from "../../../src/fleet/bot-shares/bot-shares.core";

const NOW = Date.UTC(2026, 10, 22, 12);
const REASONS: readonly EndReason[] = ["revoked", "left", "sharing_off", "bot_deleted", "plan", "expired"];

const steps = fc.array(fc.record({ wait: fc.integer({ min: 0, max: 5_000 }), cause: fc.constantFrom(...REASONS) }), { maxLength: 12 });
const lifetime = fc.option(fc.integer({ min: 1, max: 10_000 }), { nil: null });

describe("a share's life", () => {
  it("is active, then ends once and for all, whatever befalls it", () => {
    fc.assert(
      fc.property(lifetime, steps, (lasts, events) => {
        let share: ShareLife = { expiresAt: lasts === null ? null : NOW + lasts, endedAt: null, endReason: null };
        let now = NOW;
        for (const { wait, cause } of events) {
          now += wait;
          const before = share;
          const end = endOf(share, cause, now);
          if (end) share = { ...share, ...end };
          if (before.endedAt !== null) expect(share).toBe(before);
          else if (isOverdue(before, now)) expect(stateOf(share, now)).toBe("expired");
          else expect(stateOf(share, now)).toBe(cause === "expired" ? "active" : "revoked");
          // Nobody gets access back by waiting.
          if (stateOf(before, now) !== "active") expect(stateOf(share, now + 1)).not.toBe("active");
        }
      }),
    );
  });

  it("is over at the very moment it was to end, noted or not", () => {
    const share: ShareLife = { expiresAt: NOW, endedAt: null, endReason: null };
    expect(stateOf(share, NOW - 1)).toBe("active");
    expect(stateOf(share, NOW)).toBe("expired");
    expect(endOf(share, "revoked", NOW)).toEqual({ endedAt: NOW, endReason: "expired" });
    expect(endOf(share, "expired", NOW - 1)).toBeNull();
  });
});

describe("the end that somebody asks for", () => {
  it.each([
    ["2026-11-22T12:00:01Z", NOW + 1_000],
    ["2026-11-22T12:00:01", NOW + 1_000],
    ["2026-11-22 12:00:01.500", NOW + 1_500],
    ["2026-11-22T14:00:01.123456+02:00", NOW + 1_123],
    ["2026-11-22t12:30z", NOW + 30 * 60_000],
    ["2026-11-23", NOW + 12 * 3_600_000],
  ])("%s is read", (text, at) => {
    expect(readExpiry(text, NOW)).toBe(at);
  });

  it.each(["", "tomorrow", "1764000000", "2026-13-01T00:00:00Z", "2026-11-22T25:00:00Z", "22.11.2026", "2026-11-22T12:00:01Zulu"])("%j is malformed", (text) => {
    expect(readExpiry(text, NOW)).toBe("malformed");
  });

  it("must be ahead, but not in another century", () => {
    expect(readExpiry("2026-11-22T12:00:00Z", NOW)).toBe("past");
    expect(readExpiry("9999-01-01T00:00:00Z", NOW)).toBe("too_far");
  });
});
