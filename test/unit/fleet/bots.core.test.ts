import { assert as holds, integer, property, stringMatching, uint8Array } from "fast-check";
import { describe, expect, it } from "vitest";
import { botLocalpart, botMatrixId, botUsernameOf, deviceIdFrom, isUsable, ownerShortId, wantedOnMatrix } from "../../../src/fleet/bots/bots.core";

const NAME = stringMatching(/^[a-z0-9_]{1,100}$/);

describe("names of bots", () => {
  it("carry the suffix once, however they were asked for", () => {
    expect(botUsernameOf("Rocky")).toBe("rocky");
    expect(botUsernameOf("rocky_bot")).toBe("rocky");
    expect(botUsernameOf("_bot")).toBeNull();
    expect(botUsernameOf("robot")).toBe("robot");
    expect(botMatrixId("rocky", "example.org")).toBe("@rocky_bot:example.org");
  });

  it("round-trip through the local part", () => {
    holds(
      property(NAME, (asked) => {
        const name = botUsernameOf(asked);
        if (name === null) return;
        expect(botUsernameOf(botLocalpart(name))).toBe(name);
        expect(botLocalpart(name).endsWith("_bot")).toBe(true);
      }),
    );
  });
});

describe("devices", () => {
  it("are BC and ten letters or digits", () => {
    holds(property(uint8Array({ minLength: 10, maxLength: 20 }), (bytes) => /^BC[A-Z0-9]{10}$/.test(deviceIdFrom(bytes))));
  });
});

describe("what the homeserver should have", () => {
  it("is an account only for an active bot that its plan carries", () => {
    for (const status of ["creating", "active", "deleted"] as const) {
      for (const planDisabledAt of [null, 1]) {
        const up = status === "active" && planDisabledAt === null;
        expect(wantedOnMatrix({ status, planDisabledAt })).toBe(up ? "up" : "down");
        expect(isUsable({ status, planDisabledAt })).toBe(up);
      }
    }
  });
});

it("gives owners short names that differ", () => {
  holds(property(integer({ min: 1, max: 1e9 }), integer({ min: 1, max: 1e9 }), (a, b) => (ownerShortId(a) === ownerShortId(b)) === (a === b)));
  expect(ownerShortId(1)).toHaveLength(6);
});
