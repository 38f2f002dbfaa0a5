import { describe, expect, it } from "vitest";
import { changedFields, faultOfName, normaliseDatasets, patched, phaseOf, type PolicyResolution, type TenantSpec } from "../../../src/governance/tenants/tenants.core";

const spec: TenantSpec = { displayName: "Acme", email: "ops@acme.test", team: "blue", monthlyBudgetUsd: 5, resources: null, skillAllowlist: null, policyRef: null, clusterTenantRef: null, labels: { tier: "gold" }, wave: null, suspended: false };
const resolution = (state: PolicyResolution["state"]): PolicyResolution => ({ name: null, source: "none", state, message: null });

describe("a tenant's name", () => {
  it("is a DNS label and none of the paths beside it", () => {
    for (const name of ["a", "0", "acme", "a-b", "a".repeat(63)]) expect(faultOfName(name), name).toBeNull();
    for (const name of ["", "-a", "a-", "A", "a_b", "a.b", "a/b", "ä", "a".repeat(64), "drift", "repair"]) expect(faultOfName(name), name).not.toBeNull();
  });
});

describe("a tenant's phase", () => {
  it("is what was observed, unless it is suspended", () => {
    expect(phaseOf(spec, null)).toBe("Pending");
    for (const state of ["resolved", "none"] as const) expect(phaseOf(spec, resolution(state))).toBe("Running");
    for (const state of ["missing", "conflict"] as const) expect(phaseOf(spec, resolution(state))).toBe("Error");
    for (const observed of [null, resolution("resolved"), resolution("missing")]) expect(phaseOf({ suspended: true }, observed)).toBe("Suspended");
  });
});

describe("a patch", () => {
  it("changes what it names, and null is a value", () => {
    expect(patched(spec, { team: null, labels: {} })).toEqual({ ...spec, team: null, labels: {} });
    expect(patched(spec, {})).toEqual(spec);
    expect(changedFields(spec, patched(spec, { team: null, email: spec.email }))).toEqual({ before: { team: "blue" }, after: { team: null } });
  });
});

describe("data sets", () => {
  it("are trimmed, without blanks and repetitions, sorted, and everybody is in the organisation", () => {
    expect(normaliseDatasets({ org: [], team: [" b", "a", "b ", "", "  "], project: [], personal: ["x"] })).toEqual({ org: ["default"], team: ["a", "b"], project: [], personal: ["x"] });
  });
});
