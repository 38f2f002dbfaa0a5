import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findLatest, judgeApp, type Release } from "../../../src/fleet/app-versions/app-versions.core";
import { compareReleases, compareVersions, numbersOf, VERSION_PATTERN } from "../../../src/fleet/app-versions/version-number.core";

const numbers = fc.array(fc.integer({ min: 0, max: 999_999_999 }), { minLength: 1, maxLength: 8 });
const version = numbers.map((parts) => parts.join("."));
const build = fc.option(fc.integer({ min: 0, max: 99_999 }));

const release = (changed: Partial<Release> = {}): Release => ({ id: 1, appVersion: "2.0.0", buildNumber: null, minVersion: "1.5", isForceUpdate: false, isMaintenanceMode: false, ...changed });
const app = (text: string, number: number | null = null) => ({ version: text, build: number });

describe("comparing versions", () => {
  it.each([
    ["1.2", "1.2.0", 0],
    ["1.10", "1.9", 1],
    ["v1.2.3", "1.2.3", 0],
    ["1.2.3-beta", "1.2.3", 0],
    ["2026.3.13", "2026.11.1", -1],
    ["0.9", "1", -1],
  ])("%s against %s is %i", (a, b, order) => {
    expect(compareVersions(a, b)).toBe(order);
    expect(compareVersions(b, a)).toBe(order === 0 ? 0 : -order);
  });

  it("is a total order", () => {
    fc.assert(
      fc.property(version, version, version, (a, b, c) => {
        expect(compareVersions(a, a)).toBe(0);
        expect(compareVersions(a, b) + compareVersions(b, a)).toBe(0);
        if (compareVersions(a, b) <= 0 && compareVersions(b, c) <= 0) expect(compareVersions(a, c)).toBeLessThanOrEqual(0);
      }),
    );
  });

  it("goes by the first number that differs", () => {
    fc.assert(
      fc.property(numbers, fc.nat(7), (parts, at) => {
        const raised = parts.map((part, i) => (i === at % parts.length ? part + 1 : part));
        expect(compareVersions(raised.join("."), parts.join("."))).toBe(1);
      }),
    );
  });

  it("ignores trailing zeros, prefix and suffix", () => {
    fc.assert(
      fc.property(version, (text) => {
        expect(compareVersions(`v${text}.0.0-rc.1`, text)).toBe(0);
        expect(numbersOf(text).join(".")).toBe(text);
        expect(VERSION_PATTERN.test(text)).toBe(true);
      }),
    );
  });

  it("takes builds only where both tell theirs", () => {
    fc.assert(
      fc.property(version, build, build, (text, mine, theirs) => {
        const order = compareReleases(app(text, mine), app(text, theirs));
        expect(order).toBe(mine === null || theirs === null ? 0 : Math.sign(mine - theirs));
      }),
    );
    expect(compareReleases(app("1.1", 1), app("1.0", 9))).toBe(1);
  });

  it.each(["", "one", "1.", ".1", "1..2", "1.2 3", "1.2.3.4.5.6.7.8.9", "9999999999", "-1"])("refuses %j as a version", (text) => {
    expect(VERSION_PATTERN.test(text)).toBe(false);
  });
});

describe("the latest release", () => {
  it("is no older than any other", () => {
    fc.assert(
      fc.property(fc.array(fc.record({ text: version, number: build }), { minLength: 1, maxLength: 12 }), (list) => {
        const releases = list.map(({ text, number }, i) => release({ id: i, appVersion: text, buildNumber: number }));
        const latest = findLatest(releases);
        for (const one of releases) expect(compareVersions(latest?.appVersion ?? "", one.appVersion)).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  it("is the one entered last among equals, and nothing among none", () => {
    expect(findLatest([release({ id: 4 }), release({ id: 7 }), release({ id: 5 })])?.id).toBe(7);
    expect(findLatest([release({ id: 1, buildNumber: 8 }), release({ id: 2, buildNumber: 7 })])?.id).toBe(1);
    expect(findLatest([])).toBeUndefined();
  });
});

describe("whether an app may go on", () => {
  it.each([
    ["below the minimum", "1.4.9", release(), true],
    ["at the minimum", "1.5.0", release(), false],
    ["at the latest", "2.0", release(), false],
    ["ahead of it", "3", release(), false],
    ["behind a forced release", "1.9", release({ isForceUpdate: true }), true],
    ["at a forced release", "2.0.0", release({ isForceUpdate: true }), false],
  ])("%s", (_, text, latest, must) => {
    expect(judgeApp(app(text), latest)).toMatchObject({ isUpdateRequired: must, isForceUpdate: must, isMaintenanceMode: false });
  });

  it("says that there is something newer without asking for it", () => {
    const verdict = judgeApp(app("2.0.0", 3), release({ buildNumber: 4 }));
    expect(verdict).toMatchObject({ isUpdateRequired: false });
    expect(verdict.message).toContain("2.0.0");
    expect(judgeApp(app("2.0.0", 4), release({ buildNumber: 4 })).message).toBeNull();
  });

  it("puts maintenance before everything in what people read", () => {
    const verdict = judgeApp(app("1.0"), release({ isMaintenanceMode: true }));
    expect(verdict).toMatchObject({ isMaintenanceMode: true, isUpdateRequired: true });
    expect(verdict.message).toContain("maintenance");
  });

  it("asks for nothing on a platform that it does not know", () => {
    expect(judgeApp(app("0.0.1"), undefined)).toEqual({ isUpdateRequired: false, isForceUpdate: false, isMaintenanceMode: false, message: null });
  });

  it("never requires an update of an app that is not behind", () => {
    fc.assert(
      fc.property(version, version, fc.boolean(), (mine, latest, forced) => {
        fc.pre(compareVersions(mine, latest) >= 0);
        expect(judgeApp(app(mine), release({ appVersion: latest, minVersion: latest, isForceUpdate: forced })).isUpdateRequired).toBe(false);
      }),
    );
  });
});
