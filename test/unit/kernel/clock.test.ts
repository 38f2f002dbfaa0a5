import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { utcIso } from "../../../src/kernel/clock";

describe("a time that somebody else wrote", () => {
  it.each([
    ["2026-11-22T02:00:00Z", "2026-11-22T02:00:00Z"],
    ["2026-11-22T02:00:00.250Z", "2026-11-22T02:00:00.250Z"],
    ["2026-11-22T03:00:00+01:00", "2026-11-22T02:00:00.000Z"],
    ["2026-11-21t21:00:00-0500", "2026-11-22T02:00:00.000Z"],
    ["2026-11-22 02:00:00.123456", "2026-11-22T02:00:00.123Z"],
    ["2026-11-22T02:00", "2026-11-22T02:00:00.000Z"],
    ["2026-11-22", "2026-11-22T00:00:00.000Z"],
  ])("%s is %s", (told, shown) => expect(utcIso(told)).toBe(shown));

  it.each(["", "now", "2026", "1763776800", "2026-13-01T00:00:00Z", "2026-11-22T25:00:00Z", "Sun, 22 Nov 2026 02:00:00 GMT", "9999-12-31T23:59:59-14:00", "0000-01-01T00:00:00+14:00"])("%j is none", (told) => expect(utcIso(told)).toBeNull());

  it("stands for the same moment, always in UTC", () => {
    fc.assert(
      fc.property(fc.date({ min: new Date("0001-01-01"), max: new Date("9999-12-31"), noInvalidDate: true }), (date) => {
        expect(utcIso(date.toISOString())).toBe(date.toISOString());
        expect(utcIso(date.toISOString().replace("Z", "+00:00"))).toBe(date.toISOString());
      }),
    );
  });
});
