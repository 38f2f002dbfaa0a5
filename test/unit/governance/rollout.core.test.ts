import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BUILT_IN_VERSION, DEFAULT_ROLLOUT, nextWave, promote, resolveVersion, rollBack, startRollout, type Rollout } from "../../../src/governance/awareness/rollout.core";

const waveNames = fc.constantFrom("personal", "project", "department", "org", "beta");
const waves = fc.uniqueArray(waveNames, { minLength: 1 });
const started = fc.record({ waves, shadowMode: fc.boolean() }).map(({ waves: some, shadowMode }) => startRollout({ targetVersion: "v2", stableVersion: "v1", waves: some, shadowMode }));
/** A rollout after any way of promoting and taking back. */
const rollouts: fc.Arbitrary<Rollout> = fc.tuple(started, fc.array(fc.oneof(fc.constant(null), waveNames, fc.constant("back" as const)), { maxLength: 8 })).map(([rollout, steps]) =>
  steps.reduce<Rollout>((now, step) => {
    const next = step === "back" ? rollBack(now) : promote(now, step);
    return next === "unknown-wave" ? now : next;
  }, rollout),
);
const promoted = (rollout: Rollout, wave: string | null): Rollout => {
  const next = promote(rollout, wave);
  if (next === "unknown-wave") throw new Error(next);
  return next;
};

describe("a rollout", () => {
  it("begins with the built-in version, waves in their order and nothing promoted", () => {
    expect(startRollout({ targetVersion: "v2" })).toEqual({ ...DEFAULT_ROLLOUT, targetVersion: "v2" });
    expect(startRollout({ targetVersion: "v2", stableVersion: "", waves: [] })).toEqual({ ...DEFAULT_ROLLOUT, targetVersion: "v2", stableVersion: BUILT_IN_VERSION });
    expect(DEFAULT_ROLLOUT.waves).toEqual(["personal", "project", "department", "org"]);
  });

  it("is promoted wave by wave to the end, and then no further", () => {
    let rollout: Rollout = startRollout({ targetVersion: "v2", waves: ["a", "b"] });
    expect(nextWave(rollout)).toBe("a");
    rollout = promoted(rollout, null);
    expect([rollout.promotedWaves, nextWave(rollout)]).toEqual([["a"], "b"]);
    rollout = promoted(rollout, null);
    expect([rollout.promotedWaves, nextWave(rollout)]).toEqual([["a", "b"], null]);
    expect(promoted(rollout, null)).toEqual(rollout);
  });

  it("with a named wave is promoted just so far, also backwards", () => {
    const rollout = startRollout({ targetVersion: "v2", waves: ["a", "b", "c"] });
    const all = promoted(rollout, "c");
    expect(all.promotedWaves).toEqual(["a", "b", "c"]);
    expect(promoted(all, "a").promotedWaves).toEqual(["a"]);
    expect(promote(all, "z")).toBe("unknown-wave");
  });

  it("always has a prefix of its waves promoted, and changes nothing else on the way", () => {
    fc.assert(
      fc.property(rollouts, (rollout) => {
        expect(rollout.promotedWaves).toEqual(rollout.waves.slice(0, rollout.promotedWaves.length));
        expect([rollout.targetVersion, rollout.stableVersion]).toEqual(["v2", "v1"]);
        expect(nextWave(rollout)).toBe(rollout.waves.find((wave) => !rollout.promotedWaves.includes(wave)) ?? null);
      }),
    );
  });

  it("promotes as many waves as it has, one at a time", () => {
    fc.assert(
      fc.property(rollouts, (rollout) => {
        const after = promoted(rollout, null);
        expect(after.promotedWaves.length).toBe(Math.min(rollout.promotedWaves.length + 1, rollout.waves.length));
        for (const wave of rollout.waves) expect(promoted(rollout, wave).promotedWaves.at(-1)).toBe(wave);
      }),
    );
  });

  it("is taken back whole: everybody runs the stable version", () => {
    fc.assert(
      fc.property(rollouts, fc.option(waveNames), (rollout, wave) => {
        expect(resolveVersion(rollBack(rollout), wave)).toMatchObject({ version: "v1", promoted: false, shadow: false });
      }),
    );
  });
});

describe("what a tenant runs", () => {
  it("is decided by its wave, and by the last one when it has none that counts", () => {
    const rollout = promoted(startRollout({ targetVersion: "v2", stableVersion: "v1", waves: ["a", "b"] }), "a");
    expect(resolveVersion(rollout, "a")).toEqual({ version: "v2", promoted: true, shadow: false, wave: "a" });
    expect(resolveVersion(rollout, "b")).toEqual({ version: "v1", promoted: false, shadow: false, wave: "b" });
    expect(resolveVersion(rollout, null)).toEqual({ version: "v1", promoted: false, shadow: false, wave: "b" });
    expect(resolveVersion(rollout, "z")).toEqual({ version: "v1", promoted: false, shadow: false, wave: "b" });
    expect(resolveVersion({ ...rollout, shadowMode: true }, "a")).toEqual({ version: "v1", promoted: true, shadow: true, wave: "a" });
  });

  it("is the target exactly when its wave is promoted and not in the shadow", () => {
    fc.assert(
      fc.property(rollouts, fc.option(waveNames), (rollout, own) => {
        const { version, promoted: isPromoted, shadow, wave } = resolveVersion(rollout, own);
        expect(wave).toBe(own !== null && rollout.waves.includes(own) ? own : rollout.waves.at(-1));
        expect(isPromoted).toBe(rollout.promotedWaves.includes(wave));
        expect(shadow).toBe(isPromoted && rollout.shadowMode);
        expect(version).toBe(isPromoted && !shadow ? "v2" : "v1");
      }),
    );
  });
});
