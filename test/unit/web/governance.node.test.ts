import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { describeEnd, endOf } from "../../../web/src/governance/access/access.core";
import { describeBudget, formatUsd, readUsd } from "../../../web/src/governance/budgets/money.core";
import { asGrantRequests, describeGrant, shortDigest, whyNotPublished } from "../../../web/src/governance/catalogue/catalogue.core";
import type { Grant, Policy, Tenant } from "../../../web/src/governance/governance.types";
import { formatUtcDay, OTHERS, spendByDay, stack } from "../../../web/src/governance/overview/spend.core";
import { describeRules, describeSelector, draftOfPolicy, EMPTY_POLICY, readPolicyDraft, tenantsUnder, WIRE_PATHS } from "../../../web/src/governance/policies/policy-form.core";
import { faultOf, readRefusal } from "../../../web/src/governance/refusal.core";
import { describeMachines, describePolicy, describeSync, draftOfTenant, EMPTY_TENANT, filterTenants, readNewTenant, readTenantChange } from "../../../web/src/governance/tenants/tenant.core";
import { readEgress, readLabels, readList, showEgress, showLabels, showList } from "../../../web/src/governance/texts.core";

const NOW = Date.UTC(2026, 10, 22, 12);
const DAY_MS = 86_400_000;
const at = (daysAgo: number): string => new Date(NOW - daysAgo * DAY_MS).toISOString();
const refused = (status: number, body: unknown) => readRefusal(new Response(null, { status }), body);

describe("a refusal of the governance API", () => {
  it("names the fields of a 400 by their paths", () => {
    const error = refused(400, { error: "Invalid input", code: "VALIDATION_ERROR", detail: "body.domainRules.allow.0: a host name, *.host.name; or *; body.name: Field required", request_id: "r" });
    // A text with its own semicolon is no list of fields: it is told as a whole.
    expect(error.fields).toEqual({});
    expect(error.message).toContain("Field required.");
    const clear = refused(400, { error: "Invalid input", code: "VALIDATION_ERROR", detail: "body.domainRules.allow.0: a host name; body.name: Field required", request_id: "r" });
    expect(clear.fields).toEqual({ "domainRules.allow.0": "A host name.", name: "Field required." });
    expect(faultOf(clear, "domainRules.allow")).toBe("A host name.");
    expect(faultOf(clear, "domainRules.deny")).toBeNull();
    expect(faultOf(null, "name")).toBeNull();
  });
  it("says what the server said, with its detail", () => {
    expect(refused(409, { error: "There is already a tenant named eng", code: "CONFLICT", request_id: "r" })).toMatchObject({ status: 409, code: "conflict", message: "There is already a tenant named eng.", requestId: "r" });
    expect(refused(422, { error: "Needs a scan.", code: "SCAN_REQUIRED", detail: "scan it first" }).message).toBe("Needs a scan. Scan it first.");
    expect(refused(502, "no JSON").code).toBe("http_502");
  });
});

describe("lists in one field", () => {
  const word = fc.stringMatching(/^[a-z0-9*.][a-z0-9*._-]{0,20}$/);
  it("come back as they were shown", () => {
    fc.assert(fc.property(fc.uniqueArray(word), (list) => void expect(readList(showList(list))).toEqual(list)));
    fc.assert(fc.property(fc.dictionary(word, word), (labels) => void expect(readLabels(showLabels(labels))).toEqual({ ok: true, value: labels })));
    const rule = fc.record({ cidr: fc.constantFrom("10.0.0.0/8", "192.168.1.0/24"), ports: fc.array(fc.integer({ min: 1, max: 65_535 }), { minLength: 1, maxLength: 4 }), protocol: fc.constantFrom("TCP" as const, "UDP" as const) }, { requiredKeys: ["cidr"] });
    fc.assert(fc.property(fc.array(rule), (rules) => void expect(readEgress(showEgress(rules))).toEqual({ ok: true, value: rules })));
  });
  it("say which part is wrong", () => {
    expect(readLabels("region")).toMatchObject({ ok: false, fault: expect.stringContaining("region") });
    expect(readLabels("=eu").ok).toBe(false);
    for (const text of ["10.0.0.0", "10.0.0.0/8 ICMP", "10.0.0.0/8 0", "10.0.0.0/8 70000", "example.org 443"]) expect(readEgress(text).ok).toBe(false);
    expect(readEgress(" 10.0.0.0/8 udp \n\n")).toEqual({ ok: true, value: [{ cidr: "10.0.0.0/8", protocol: "UDP" }] });
  });
});

describe("money", () => {
  it("is read as people type it", () => {
    expect([readUsd("$1,200.50"), readUsd(" 250 "), readUsd(""), readUsd("0")]).toEqual([{ ok: true, value: 1200.5 }, { ok: true, value: 250 }, { ok: true, value: null }, { ok: true, value: 0 }]);
    for (const text of ["-1", "1,20", "a lot", "1e9", "2000000000", "1.1234567"]) expect(readUsd(text).ok).toBe(false);
  });
  it("keeps the digits of what is less than a cent", () => {
    expect([formatUsd(0), formatUsd(12.345), formatUsd(0.00042), formatUsd(1_234)]).toEqual(["$0.00", "$12.35", "$0.00042", "$1,234.00"]);
  });
  it("is told against its limit, in the server's state", () => {
    const budget = { currentSpendUsd: 40, budgetAlertState: "warning" as const, limited: true, monthlyLimitUsd: 50, reservedUsd: 1 };
    expect(describeBudget(budget)).toEqual({ percent: 80, tone: "warn", text: "$40.00 of $50.00, $1.00 held", warning: "Nearly used up." });
    expect(describeBudget({ ...budget, currentSpendUsd: 80, budgetAlertState: "exceeded" })).toMatchObject({ percent: 100, tone: "bad" });
    expect(describeBudget({ ...budget, currentSpendUsd: 0, monthlyLimitUsd: 0, budgetAlertState: "exceeded" }).percent).toBe(100);
    expect(describeBudget({ currentSpendUsd: 3, budgetAlertState: "ok", limited: false })).toEqual({ percent: null, tone: "ok", text: "$3.00, no limit", warning: null });
  });
});

describe("spend by day", () => {
  const call = (model: string, totalCostUsd: number, daysAgo: number) => ({ model, totalCostUsd, recordedAt: at(daysAgo) });
  it("adds up models by the day in UTC, the dearest first and the rest as others", () => {
    const course = spendByDay([call("a", 1, 0), call("a", 2, 0), call("b", 9, 1), call("c", 0.5, 2), call("d", 0.4, 2), call("e", 0.3, 0), call("f", 0.2, 0), call("old", 99, 3), call("future", 99, -2)], NOW, 3);
    expect(course.atSeconds.map(formatUtcDay)).toEqual(["20 Nov", "21 Nov", "22 Nov"]);
    expect(course.series.map(({ model }) => model)).toEqual(["b", "a", "c", "d", OTHERS]);
    expect(course.series[1]?.perDay).toEqual([0, 0, 3]);
    expect(course.series[4]?.perDay[2]).toBeCloseTo(0.5);
    expect(course.total).toBeCloseTo(13.4);
  });
  it("stacks so that the top is the whole day", () => {
    const costs = fc.array(fc.record({ perDay: fc.array(fc.integer({ min: 0, max: 1_000 }), { minLength: 5, maxLength: 5 }) }), { minLength: 1, maxLength: 5 });
    fc.assert(fc.property(costs, (series) => {
      const top = stack(series).at(-1) ?? [];
      expect(top).toEqual([0, 1, 2, 3, 4].map((day) => series.reduce((sum, { perDay }) => sum + (perDay[day] ?? 0), 0)));
    }));
  });
  it("is empty where nothing was spent or no time can be read", () => {
    expect(spendByDay([{ model: "a", totalCostUsd: 1, recordedAt: "never" }], NOW, 3).series).toEqual([]);
  });
});

const policy: Policy = {
  name: "eng",
  namespace: "default",
  description: null,
  tenantSelector: { matchTeam: "eng", matchLabels: { region: "eu" } },
  domains: ["*.example.org"],
  domainRules: { allow: ["*.example.org"], deny: ["evil.example.org"], defaultDeny: true },
  egressRules: [{ cidr: "10.0.0.0/8", ports: [443] }],
  mcpServers: { deny: ["shell"] },
  tools: { allow: [] },
  advisory: [],
  revision: 3,
  createdAt: at(1),
  updatedAt: at(0),
};

describe("a policy in a form", () => {
  it("is sent as it was read when nothing is changed", () => {
    const { name, description, tenantSelector, domainRules, egressRules, tools, mcpServers } = policy;
    expect(readPolicyDraft(draftOfPolicy(policy))).toEqual({ ok: true, body: { name, description, tenantSelector, domainRules, egressRules, tools, mcpServers } });
  });
  it("tells nothing allowed from no list, and no rule from an empty one", () => {
    const read = readPolicyDraft({ ...EMPTY_POLICY, name: "x", rulesDomains: false, limitsTools: true });
    expect(read).toEqual({ ok: true, body: { name: "x", description: null, tenantSelector: null, domainRules: null, egressRules: null, tools: { allow: [] }, mcpServers: null } });
  });
  it("takes domains between blanks", () => {
    const read = readPolicyDraft({ ...EMPTY_POLICY, name: "x", domainsAllow: "a.org b.org,\nc.org" });
    expect(read.ok && read.body.domainRules).toEqual({ allow: ["a.org", "b.org", "c.org"], deny: [], defaultDeny: true });
  });
  it("says every field that is wrong at once, and has a place for every rule of the wire", () => {
    expect(readPolicyDraft({ ...EMPTY_POLICY, labels: "x", egress: "y" })).toMatchObject({ ok: false, faults: { name: expect.any(String), labels: expect.any(String), egress: expect.any(String) } });
    expect(WIRE_PATHS.map(([field]) => field)).toEqual(Object.keys(EMPTY_POLICY).filter((field) => !["rulesDomains", "defaultDeny", "limitsTools", "limitsMcp"].includes(field)));
  });
  it("is told in words", () => {
    expect(describeSelector(policy.tenantSelector)).toBe("Tenants of team eng with region=eu");
    expect(describeSelector({ matchLabels: { region: "eu" } })).toBe("Tenants with region=eu");
    expect(describeSelector({})).toBe("Only tenants that name it");
    expect(describeRules(policy)).toBe("domains: 1 allowed, 1 denied, others refused · 1 egress · tools: 0 allowed · MCP: 1 denied");
    expect(describeRules({ domainRules: null, egressRules: [], tools: {}, mcpServers: {} })).toBe("No rules");
  });
});

const tenant: Tenant = { name: "eng", displayName: "Engineering", email: "eng@example.org", phase: "Running", team: "eng", monthlyBudgetUsd: 50, labels: { region: "eu" }, policy: { name: "eng", source: "selector", state: "resolved" }, revision: 1, createdAt: at(1), updatedAt: at(0) };

describe("a tenant in a form", () => {
  it("sends only what was changed, and null for what was emptied", () => {
    const draft = draftOfTenant(tenant);
    expect(readTenantChange(draft, tenant)).toEqual({ ok: true, body: {} });
    expect(readTenantChange({ ...draft, team: "", budget: "75", skills: "pdf" }, tenant)).toEqual({ ok: true, body: { team: null, monthlyBudgetUsd: 75, skillAllowlist: ["pdf"] } });
  });
  it("asks for what a new one needs", () => {
    expect(readNewTenant(EMPTY_TENANT)).toMatchObject({ ok: false, faults: { name: expect.any(String), displayName: expect.any(String), email: expect.any(String) } });
    expect(readNewTenant({ ...EMPTY_TENANT, name: "a", displayName: "A", email: "a@b.c", budget: "x" })).toMatchObject({ ok: false, faults: { budget: expect.any(String) } });
    expect(readNewTenant({ ...EMPTY_TENANT, name: " a ", displayName: "A", email: "a@b.c" })).toMatchObject({ ok: true, body: { name: "a", team: null, monthlyBudgetUsd: null } });
  });
});

describe("a tenant in words", () => {
  it("says which policy holds and why, or what is wrong", () => {
    expect(describePolicy(tenant)).toEqual({ tone: "ok", text: "eng, by its selector" });
    expect(describePolicy({ policy: { name: null, source: "none", state: "none" } }).tone).toBe("quiet");
    expect(describePolicy({ policy: { name: null, source: "selector", state: "conflict" }, message: "Several policies match this tenant: a, b." })).toEqual({ tone: "bad", text: "Several policies match this tenant: a, b." });
    expect(describePolicy({}).tone).toBe("info");
    expect(tenantsUnder([tenant, { ...tenant, name: "other", policy: { name: "eng", source: "ref", state: "missing" } }], "eng").map(({ name }) => name)).toEqual(["eng"]);
  });
  it("says how far its machines are", () => {
    const machine = { inSync: false, revision: 5, deliveredRevision: 5, reportedRevision: 4 };
    expect(describeSync({ ...machine, inSync: true, reportedRevision: 5 }).label).toBe("In sync");
    expect(describeSync(machine).label).toBe("Behind");
    expect(describeSync({ ...machine, reportedRevision: null }).label).toBe("Never reported");
    expect(describeSync({ ...machine, deliveredRevision: 4 }).label).toBe("Not delivered yet");
    expect(describeSync({ ...machine, revision: null, deliveredRevision: null }).label).toBe("Contract is being made");
    expect([describeMachines([]), describeMachines([{ inSync: true }, { inSync: false }])]).toEqual(["no machines", "1 of 2 in sync"]);
  });
  it("is found by any of its names", () => {
    expect(filterTenants([tenant], "ENGIN", null)).toEqual([tenant]);
    expect(filterTenants([tenant], "@example", "Running")).toEqual([tenant]);
    expect(filterTenants([tenant], "", "Suspended")).toEqual([]);
  });
});

describe("the catalogue", () => {
  const grant: Grant = { id: "g", payloadId: "p", scope: "org", subjectType: "group", subjectId: "g1", subjectName: "Engineers", access: "deny", priority: 2, createdAt: at(0) };
  it("sends grants back as they were", () => {
    expect(asGrantRequests([grant, { ...grant, note: "why" }])).toEqual([
      { scope: "org", subjectType: "group", subjectId: "g1", subjectName: "Engineers", access: "deny", priority: 2 },
      { scope: "org", subjectType: "group", subjectId: "g1", subjectName: "Engineers", access: "deny", priority: 2, note: "why" },
    ]);
    expect(describeGrant(grant)).toBe("denied to group Engineers, priority 2");
    expect(describeGrant({ ...grant, access: "allow", priority: 0, subjectName: "" })).toBe("allowed for group g1");
  });
  it("says why a skill cannot be published", () => {
    expect(whyNotPublished({ contentStored: false, scanStatus: "passed" })).toContain("content");
    expect(whyNotPublished({ contentStored: true, scanStatus: "failed" })).toContain("failed");
    expect(whyNotPublished({ contentStored: true, scanStatus: "pending" })).toContain("scanned");
    expect(whyNotPublished({ contentStored: true, scanStatus: "passed" })).toBeNull();
    expect(shortDigest(`sha256:${"a".repeat(64)}`)).toBe("sha256:aaaaaaaa…");
  });
});

describe("the end of an access token", () => {
  it("is counted from now, or never comes", () => {
    expect(endOf(7, NOW)).toBe(at(-7));
    expect(endOf(null, NOW)).toBeNull();
    expect(describeEnd(undefined, NOW)).toBe("never expires");
    expect(describeEnd(at(1), NOW)).toMatch(/^expired /);
    expect(describeEnd(at(-1), NOW)).toMatch(/^until /);
  });
});
