import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { containerIdOf, decideBootstrap, type Bootstrapped } from "../../../src/fleet/hermes/hermes.core";

describe("a Hermes bot's first start", () => {
  it("keeps the first key and the newest image, however often it is told", () => {
    const told = fc.array(fc.record({ recoveryKey: fc.constantFrom("one", "two"), imageRef: fc.constantFrom(null, "hermes:1", "hermes:2") }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(told, (reports) => {
        let known: Bootstrapped = { recoveryKey: null, runtimeVersion: null, bootstrappedAt: null };
        reports.forEach((report, at) => {
          const { persisted, isFirst, bootstrappedAt, runtimeVersion } = decideBootstrap(known, report, at);
          if (isFirst) known = { ...known, recoveryKey: report.recoveryKey };
          known = { ...known, bootstrappedAt, runtimeVersion };
          expect(isFirst).toBe(at === 0);
          expect(persisted).toBe(report.recoveryKey === reports[0]?.recoveryKey);
        });
        expect(known).toEqual({ recoveryKey: reports[0]?.recoveryKey, bootstrappedAt: 0, runtimeVersion: reports.findLast(({ imageRef }) => imageRef !== null)?.imageRef ?? null });
      }),
    );
  });
});

describe("the container of a bot", () => {
  it("is what its machine told, plainly or beside more", () => {
    expect(containerIdOf({ hermes: { containers: { b1: "abc123", b2: { id: "def", image: "hermes:1" } } } }, "b1")).toBe("abc123");
    expect(containerIdOf({ hermes: { containers: { b2: { id: "def", image: "hermes:1" } } } }, "b2")).toBe("def");
  });

  it("is unknown wherever the machine told none", () => {
    for (const capabilities of [null, {}, { hermes: true }, { hermes: { containers: [] } }, { hermes: { containers: { b1: "" } } }, { hermes: { containers: { b1: 7 } } }, { hermes: { containers: { b1: { id: "x".repeat(200) } } } }]) {
      expect(containerIdOf(capabilities, "b1")).toBeNull();
    }
    expect(containerIdOf({ hermes: { containers: {} } }, "constructor")).toBeNull();
  });
});
