import { describe, expect, it } from "vitest";
import { intersect, readSelectors } from "../../../src/governance/session-scopes/session-scopes.core";

describe("selectors of a session", () => {
  it("vanish when they are none", () => {
    expect(readSelectors([null, 1, "x", [], {}, { scope: "org" }, { payloadId: "a" }, { scope: "galaxy", payloadId: "a" }, { scope: "org", payloadId: " " }, { scope: "org", payloadId: 7 }, { scope: "org", payloadId: "x".repeat(256) }])).toEqual([]);
    expect(readSelectors([{ scope: "team", payloadId: "a" }])).toEqual([{ scope: "department", payloadId: "a" }]);
  });

  it("count once: the last of two, in the place of the first", () => {
    const selectors = [{ scope: "org", payloadId: "a" }, { scope: "org", payloadId: "b" }, { scope: "personal", payloadId: "a" }];
    expect(readSelectors(selectors)).toEqual([{ scope: "personal", payloadId: "a" }, { scope: "org", payloadId: "b" }]);
  });

  it("are granted in the scope of the grant, and rejected when denied or unknown", () => {
    const asked = readSelectors([{ scope: "org", payloadId: "a" }, { scope: "org", payloadId: "b" }, { scope: "personal", payloadId: "c" }]);
    const decisions = [{ payloadId: "a", access: "allow" as const, scope: "project" as const }, { payloadId: "b", access: "deny" as const, scope: "org" as const }];
    expect(intersect(asked, decisions)).toEqual({ granted: [{ scope: "project", payloadId: "a" }], rejected: [{ scope: "org", payloadId: "b" }, { scope: "personal", payloadId: "c" }] });
  });
});
