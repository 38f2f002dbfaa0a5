import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { newId, newUuid, sixDigits, sortableId } from "../../../src/kernel/ids/ids";

const TIME_MAX = 32 ** 10 - 1;

describe("ids", () => {
  it("sort by time", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: TIME_MAX }), fc.integer({ min: 0, max: TIME_MAX }), (a, b) => {
        fc.pre(a !== b);
        expect(sortableId(a) < sortableId(b)).toBe(a < b);
      }),
    );
  });

  it("have a fixed shape and their prefix", () => {
    expect(sortableId(Date.now())).toMatch(/^[0-9a-hjkmnp-tv-z]{20}$/);
    expect(newId("eff", Date.now())).toMatch(/^eff_[0-9a-z]{20}$/);
    expect(newUuid()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it("do not repeat within one millisecond", () => {
    const ids = Array.from({ length: 10_000 }, () => sortableId(0));
    expect(new Set(ids).size).toBe(ids.length);
  });
});

it("six digits are six digits, evenly spread", () => {
  const codes = Array.from({ length: 20_000 }, sixDigits);
  for (const code of codes) expect(code).toMatch(/^\d{6}$/);
  const firsts = new Map<string, number>();
  for (const code of codes) firsts.set(code[0] ?? "", (firsts.get(code[0] ?? "") ?? 0) + 1);
  expect(firsts.size).toBe(10);
  // Seven standard deviations either side of 2,000: a right generator fails this once in a hundred thousand million runs.
  for (const count of firsts.values()) expect(Math.abs(count - 2_000)).toBeLessThan(300);
});
