import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { advisoryOf, allowsName, changedRules, changePolicy, isReservedName, resolvePolicy, selectorMatches, type PolicyChange, type PolicyRules, type SelectedTenant, type TenantSelector } from "../../../src/governance/policies/policies.core";

const NO_RULES: PolicyRules = { description: null, tenantSelector: {}, domains: null, egressRules: null, mcpServers: null, tools: null };
const ada: SelectedTenant = { name: "ada", team: "badgers", labels: { stage: "prod" }, policyRef: null };
const policy = (name: string, tenantSelector: TenantSelector = {}) => ({ name, tenantSelector });

const team = fc.constantFrom("badgers", "foxes");
const labels = fc.dictionary(fc.constantFrom("stage", "region"), fc.constantFrom("a", "b"));
const selectors: fc.Arbitrary<TenantSelector> = fc.record({ matchTeam: team, matchLabels: labels }, { requiredKeys: [] });
const names = fc.constantFrom("p1", "p2", "p3", "p4");
const policies = fc.uniqueArray(fc.record({ name: names, tenantSelector: selectors }), { selector: (one) => one.name });
const tenants: fc.Arbitrary<SelectedTenant> = fc.record({ name: fc.constant("ada"), team: fc.option(team), labels, policyRef: fc.option(names) });

describe("selectors", () => {
  it("match when all that they name holds, and nobody when they name nothing", () => {
    expect(selectorMatches({}, ada)).toBe(false);
    expect(selectorMatches({ matchLabels: {} }, ada)).toBe(false);
    expect(selectorMatches({ matchTeam: "badgers" }, ada)).toBe(true);
    expect(selectorMatches({ matchTeam: "foxes" }, ada)).toBe(false);
    expect(selectorMatches({ matchTeam: "badgers", matchLabels: { stage: "prod" } }, ada)).toBe(true);
    expect(selectorMatches({ matchTeam: "badgers", matchLabels: { stage: "test" } }, ada)).toBe(false);
    expect(selectorMatches({ matchLabels: { constructor: "x" } }, ada)).toBe(false);
  });

  it("know every tenant's name and team, which no label of its own can pretend", () => {
    expect(selectorMatches({ matchLabels: { "opencrane.io/tenant": "ada", "opencrane.io/team": "badgers" } }, ada)).toBe(true);
    const pretender = { ...ada, labels: { "opencrane.io/tenant": "eve", "opencrane.io/team": "foxes" } };
    expect(selectorMatches({ matchLabels: { "opencrane.io/tenant": "eve" } }, pretender)).toBe(false);
    expect(selectorMatches({ matchLabels: { "opencrane.io/team": "foxes" } }, pretender)).toBe(false);
  });
});

describe("the policy of a tenant", () => {
  it("is the named one, else the only one that matches, else the default, else none", () => {
    const all = [policy("named"), policy("team", { matchTeam: "badgers" }), policy("default")];
    expect(resolvePolicy({ ...ada, policyRef: "named" }, all, "default")).toMatchObject({ state: "resolved", source: "ref", policy: { name: "named" } });
    expect(resolvePolicy(ada, all, "default")).toMatchObject({ state: "resolved", source: "selector", policy: { name: "team" } });
    expect(resolvePolicy({ ...ada, team: null }, all, "default")).toMatchObject({ state: "resolved", source: "default", policy: { name: "default" } });
    expect(resolvePolicy({ ...ada, team: null }, all, null)).toEqual({ state: "none", source: "none", policy: null, message: null });
  });

  it("is nobody's guess when the named one is missing or several match", () => {
    const twice = [policy("one", { matchTeam: "badgers" }), policy("two", { matchLabels: { stage: "prod" } }), policy("default")];
    expect(resolvePolicy({ ...ada, policyRef: "gone" }, twice, "default")).toMatchObject({ state: "missing", source: "ref", policy: null });
    expect(resolvePolicy({ ...ada, team: null, labels: {} }, [], "gone")).toMatchObject({ state: "missing", source: "default", policy: null });
    const conflict = resolvePolicy(ada, twice, "default");
    expect(conflict).toMatchObject({ state: "conflict", source: "selector", policy: null });
    expect(conflict.message).toContain("one, two");
  });

  it("follows the order of precedence, whatever policies there are", () => {
    fc.assert(
      fc.property(tenants, policies, fc.option(names), (tenant, all, fallback) => {
        const found = resolvePolicy(tenant, all, fallback);
        const matching = all.filter((one) => selectorMatches(one.tenantSelector, tenant));
        const has = (name: string): boolean => all.some((one) => one.name === name);
        // A failure tells people why and has no policy; a success the other way round.
        expect(found.message !== null).toBe(found.state === "missing" || found.state === "conflict");
        expect(found.policy !== null).toBe(found.state === "resolved");
        if (tenant.policyRef !== null) {
          expect(found.source).toBe("ref");
          expect(found.policy?.name ?? null).toBe(has(tenant.policyRef) ? tenant.policyRef : null);
        } else if (matching.length > 1) expect(found.state).toBe("conflict");
        else if (matching[0]) expect(found.policy).toBe(matching[0]);
        else if (fallback !== null) expect(found.policy?.name ?? null).toBe(has(fallback) ? fallback : null);
        else expect(found.state).toBe("none");
      }),
    );
  });

  it("does not depend on the order of the policies", () => {
    fc.assert(
      fc.property(tenants, policies, fc.option(names), (tenant, all, fallback) => {
        expect(resolvePolicy(tenant, [...all].reverse(), fallback)).toEqual(resolvePolicy(tenant, all, fallback));
      }),
    );
  });
});

describe("a change", () => {
  const rules: PolicyRules = { ...NO_RULES, description: "d", domains: { allow: ["a.example"], deny: ["x.example"], defaultDeny: false }, egressRules: [{ cidr: "10.0.0.0/8" }], tools: { deny: ["shell"] } };
  const changed = (change: PolicyChange, before = rules): PolicyRules => {
    const after = changePolicy(before, change);
    if (after === "contradiction") throw new Error(after);
    return after;
  };

  it("keeps what it does not name and takes away what it nulls", () => {
    expect(changed({})).toEqual(rules);
    expect(changed({ egressRules: null })).toEqual({ ...rules, egressRules: null });
    expect(changed({ description: null, tenantSelector: null, domains: null, egressRules: null, mcpServers: null, tools: null })).toEqual(NO_RULES);
    expect(changed({ mcpServers: { deny: ["m"] } })).toEqual({ ...rules, mcpServers: { deny: ["m"] } });
  });

  it("of a list of domains replaces what is allowed and nothing else", () => {
    expect(changed({ domains: ["b.example"] }).domains).toEqual({ allow: ["b.example"], deny: ["x.example"], defaultDeny: false });
    expect(changed({ domains: [] }, NO_RULES).domains).toBeNull();
    expect(changePolicy(null, { domains: [] })).toEqual({ ...NO_RULES, domains: { allow: [], deny: [], defaultDeny: true } });
    expect(changed({ domains: ["b.example"] }, NO_RULES).domains).toEqual({ allow: ["b.example"], deny: [], defaultDeny: true });
    expect(changed({ domains: { allow: [], deny: [], defaultDeny: true } }).domains).toEqual({ allow: [], deny: [], defaultDeny: true });
    expect(changed({ domainRules: { allow: ["c.example"], deny: [], defaultDeny: true } }).domains).toEqual({ allow: ["c.example"], deny: [], defaultDeny: true });
  });

  it("follows whichever of the two views of the domains was edited", () => {
    const seen = { allow: ["a.example"], deny: ["x.example"], defaultDeny: false };
    expect(changed({ domains: ["a.example"], domainRules: seen })).toEqual(rules);
    expect(changed({ domains: ["b.example"], domainRules: seen }).domains).toEqual({ ...seen, allow: ["b.example"] });
    expect(changed({ domains: ["a.example"], domainRules: { ...seen, allow: ["c.example"], deny: [] } }).domains).toEqual({ allow: ["c.example"], deny: [], defaultDeny: false });
    expect(changed({ domains: [], domainRules: null }, NO_RULES).domains).toBeNull();
    expect(changed({ domains: ["a.example"], domainRules: null }).domains).toBeNull();
    expect(changePolicy(rules, { domains: ["b.example"], domainRules: { ...seen, allow: ["c.example"] } })).toBe("contradiction");
    expect(changed({ domains: ["b.example"], domainRules: { ...seen, allow: ["b.example"] } }).domains).toEqual({ ...seen, allow: ["b.example"] });
  });

  it("tells the audit only what differs", () => {
    expect(changedRules(rules, { ...rules, description: "e" })).toEqual({ before: { description: "d" }, after: { description: "e" } });
    expect(changedRules(rules, rules)).toEqual({ before: {}, after: {} });
  });
});

describe("rules", () => {
  it("of names let deny beat allow", () => {
    expect(allowsName(null, "x")).toBe(true);
    expect(allowsName({}, "x")).toBe(true);
    expect(allowsName({ allow: [] }, "x")).toBe(false);
    expect(allowsName({ allow: ["x"] }, "x")).toBe(true);
    expect(allowsName({ allow: ["*"], deny: ["y"] }, "y")).toBe(false);
    expect(allowsName({ allow: ["*"], deny: ["y"] }, "x")).toBe(true);
    expect(allowsName({ allow: ["x"], deny: ["*"] }, "x")).toBe(false);
  });

  it("that nobody can hold machines to are said to be so", () => {
    const domains = { allow: [], deny: [], defaultDeny: true };
    expect(advisoryOf({ domains, egressRules: null })).toEqual([]);
    expect(advisoryOf({ domains: null, egressRules: [] })).toEqual([]);
    expect(advisoryOf({ domains, egressRules: [{ cidr: "10.0.0.0/8" }] })).toHaveLength(1);
    const all = advisoryOf({ domains: null, egressRules: [{ cidr: "10.0.0.0/8" }, { cidr: "10.0.0.0/8", protocol: "UDP" }] });
    expect(all).toHaveLength(3);
    expect(all.at(-1)).toContain("egressRules[1]");
  });

  it("keep names free that are paths", () => {
    expect([isReservedName("drift"), isReservedName("repair"), isReservedName("drifter")]).toEqual([true, true, false]);
  });
});
