import { describe, expect, it } from "vitest";
import { resendMs } from "../../../durable-objects/shared/object-outbox";
import { canonical, compareAll, measureLag, planRepair, type Compared } from "../../../src/governance/projections/drift.core";

const at = (name: string, fields: Record<string, unknown>, revision = 1, updatedAt = 1_000): Compared => ({ name, revision, updatedAt, fields });

describe("the one comparator", () => {
  it("takes undefined for null and keys in any order, and nothing else for the same", () => {
    expect(canonical({ b: 1, a: { y: undefined, x: [null, { d: 1, c: 2 }] } })).toBe(canonical({ a: { x: [null, { c: 2, d: 1 }], y: null }, b: 1 }));
    for (const [one, other] of [
      [[1, 2], [2, 1]],
      [{ a: 1 }, { a: "1" }],
      [{ a: 0 }, {}],
      [{ a: false }, { a: null }],
      [{}, null],
      [[], null],
      [{ a: "x" }, { b: "x" }],
    ]) {
      expect(canonical(one), JSON.stringify([one, other])).not.toBe(canonical(other));
    }
  });

  it("finds each kind of mismatch by name, and only in the fields that are compared", () => {
    const sources = [at("c", { x: 1, y: { b: 1, a: 2 } }), at("a", { x: 1 }), at("d", { x: 1, z: 1 })];
    const rows = [at("b", { x: 1 }), at("c", { x: 2, y: { a: 2, b: 1 } }), at("d", { x: 1, z: 2 })];
    expect(compareAll(sources, rows, ["x", "y"])).toEqual([
      { name: "a", issue: "missing-projection" },
      { name: "b", issue: "missing-source" },
      { name: "c", issue: "field-mismatch", fields: ["x"] },
    ]);
    expect(compareAll(sources, sources, ["x", "y", "z"])).toEqual([]);
  });

  it("plans a repair of exactly what it found, and deletes nothing", () => {
    const steps = planRepair(compareAll([at("a", { x: 1 }), at("c", { x: 1 })], [at("b", { x: 1 }), at("c", { x: 2 })], ["x"]));
    expect(steps.map(({ name, action }) => [name, action])).toEqual([
      ["a", "created"],
      ["b", "skipped"],
      ["c", "updated"],
    ]);
    expect(steps[2]?.reason).toContain("x");
  });
});

describe("how late copies are", () => {
  it("is the time from the change to its copy, and until now for what is not copied yet", () => {
    const sources = [at("shown", {}, 3, 10_000), at("behind", {}, 2, 20_000), at("missing", {}, 1, 5_000)];
    const rows = [at("shown", {}, 3), at("behind", {}, 1)];
    const shownAt = new Map([
      ["shown", 10_250],
      ["behind", 15_000],
    ]);
    expect(measureLag(sources, rows, shownAt, 27_000)).toEqual({ maxProjectionLagSeconds: 7, measuredProjectionCount: 2, unresolvedMissingProjectionCount: 1 });
    expect(measureLag(sources.slice(0, 1), rows, shownAt, 27_000).maxProjectionLagSeconds).toBe(0);
    expect(measureLag([], [], new Map(), 0)).toEqual({ maxProjectionLagSeconds: null, measuredProjectionCount: 0, unresolvedMissingProjectionCount: 0 });
  });
});

describe("an entry that nobody acknowledges", () => {
  it("is sent ever more rarely, and never less than twice an hour", () => {
    const delays = Array.from({ length: 20 }, (_, attempts) => resendMs(attempts));
    expect(delays[0]).toBe(5_000);
    for (const [index, delay] of delays.entries()) expect(delay).toBeGreaterThanOrEqual(delays[index - 1] ?? 0);
    expect(delays.at(-1)).toBe(30 * 60_000);
  });
});
