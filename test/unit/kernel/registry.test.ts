import { describe, expect, it } from "vitest";
import { families } from "../../../src/families";
import { backoffMs } from "../../../src/kernel/outbox/drain";
import type { FeatureEntry } from "../../../src/kernel/operation";
import { findFeature, findInFamilies } from "../../../src/kernel/registry";

const entry = (name: string, ...prefixes: string[]): FeatureEntry => ({ name, prefixes, load: () => Promise.resolve({ operations: [] }) });

describe("finding a feature", () => {
  const features = [entry("root", "/"), entry("users", "/api/user"), entry("tokens", "/api/user/tokens")];
  const nameOf = (path: string) => findFeature(features, path)?.name ?? null;

  it.each([
    ["/", "root"],
    ["/anything", null],
    ["/api/user", "users"],
    ["/api/user/7", "users"],
    ["/api/users", null],
    ["/api/user/tokens", "tokens"],
    ["/api/user/tokens/7/rotate", "tokens"],
    ["/api/user/tokens2", "users"],
  ])("of %s", (path, name) => {
    expect(nameOf(path)).toBe(name);
  });

  it("takes the longest prefix of all families", () => {
    const [first] = families;
    const [one, other] = [{ ...first, name: "one", features: [entry("root", "/api")] }, { ...first, name: "other", features: [entry("users", "/api/user")] }];
    const found = (path: string) => [one, other].map((_, turn) => findInFamilies(turn === 0 ? [one, other] : [other, one], path)).map((place) => `${place?.family.name}/${place?.feature.name}`);
    expect(found("/api/user/7")).toEqual(["other/users", "other/users"]);
    expect(found("/api/else")).toEqual(["one/root", "one/root"]);
    expect(findInFamilies([one, other], "/nowhere")).toBeNull();
  });

  it("does not depend on the order of the table", () => {
    expect(findFeature([...features].reverse(), "/api/user/tokens/7")?.name).toBe("tokens");
  });

  it("has no prefix twice, in no two families", () => {
    const prefixes = families.flatMap(({ features }) => features).flatMap((feature) => feature.prefixes);
    expect(new Set(prefixes).size).toBe(prefixes.length);
  });
});

describe("the outbox's back-off", () => {
  it("doubles from five seconds up to half an hour", () => {
    expect([1, 2, 3, 4].map(backoffMs)).toEqual([5_000, 10_000, 20_000, 40_000]);
    expect(backoffMs(0)).toBe(5_000);
    expect(backoffMs(9)).toBe(1_280_000);
    expect(backoffMs(10)).toBe(1_800_000);
    expect(backoffMs(1_000)).toBe(1_800_000);
  });
});
