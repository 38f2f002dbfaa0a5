import { evictDurableObject, runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { api, uniqueName } from "../../support/client";
import { asOperator, expectOperator, operatorToken } from "../../support/governance";

const { DB, ORG_DO } = env as unknown as { DB: D1Database; ORG_DO: DurableObjectNamespace };
const POLICIES = "/api/v1/policies";

interface Policy {
  readonly name: string;
  readonly domains: readonly string[];
  readonly domainRules: { readonly allow: readonly string[]; readonly deny: readonly string[]; readonly defaultDeny: boolean } | null;
  readonly revision: number;
  readonly advisory: readonly string[];
}

interface Drift {
  readonly summary: { readonly sourceCount: number; readonly projectionCount: number; readonly driftCount: number };
  readonly mismatches: readonly { readonly name: string; readonly issue: string; readonly fields?: readonly string[] }[];
}

const create = async (rules: Record<string, unknown> = {}, name = uniqueName("policy")): Promise<string> => {
  expect(await expectOperator(201, "POST", POLICIES, { body: { name, ...rules } })).toEqual({ name, status: "created" });
  return name;
};
const get = (name: string) => expectOperator<Policy>(200, "GET", `${POLICIES}/${name}`);
const put = (name: string, change: Record<string, unknown>) => expectOperator(200, "PUT", `${POLICIES}/${name}`, { body: change });
const drift = () => expectOperator<Drift>(200, "GET", `${POLICIES}/drift`);
const mismatchOf = async (name: string) => (await drift()).mismatches.find((one) => one.name === name);
const repair = (query = "") => expectOperator<{ mode: string; repairedCount: number; skippedCount: number; entries: { name: string }[] }>(200, "POST", `${POLICIES}/repair${query}`);
const org = () => ORG_DO.getByName("org");

async function auditOf(name: string): Promise<{ action: string; actor_type: string; subject_type: string; detail: Record<string, unknown> }[]> {
  const { results } = await DB.prepare("SELECT action, actor_type, subject_type, detail FROM audit_log WHERE subject_type = 'AccessPolicy' AND subject_id = ? ORDER BY id").bind(name).all<{ action: string; actor_type: string; subject_type: string; detail: string }>();
  return results.map((row) => ({ ...row, detail: JSON.parse(row.detail) as Record<string, unknown> }));
}

describe("policies", () => {
  it("live from their creation to their deletion, and their trail tells it", async () => {
    const name = await create({
      description: "Only the wiki",
      tenantSelector: { matchTeam: "badgers", matchLabels: { "example.org/stage": "prod" } },
      domains: { allow: ["Wiki.Example.org", "*.cdn.example.org"], deny: ["bad.cdn.example.org"] },
      egressRules: [{ cidr: "10.0.0.0/8", ports: [443, 8443], protocol: "TCP" }],
      mcpServers: { allow: ["wiki"] },
      tools: { deny: ["shell"] },
    });
    const made = await get(name);
    expect(made).toMatchObject({
      name,
      namespace: "default",
      description: "Only the wiki",
      tenantSelector: { matchTeam: "badgers", matchLabels: { "example.org/stage": "prod" } },
      domains: ["wiki.example.org", "*.cdn.example.org"],
      domainRules: { allow: ["wiki.example.org", "*.cdn.example.org"], deny: ["bad.cdn.example.org"], defaultDeny: true },
      egressRules: [{ cidr: "10.0.0.0/8", ports: [443, 8443], protocol: "TCP" }],
      mcpServers: { allow: ["wiki"] },
      tools: { deny: ["shell"] },
    });
    expect(made.advisory).toHaveLength(1);

    expect(await put(name, { domains: ["docs.example.org"] })).toEqual({ name, status: "updated" });
    const edited = await get(name);
    expect(edited).toMatchObject({ domains: ["docs.example.org"], domainRules: { allow: ["docs.example.org"], deny: ["bad.cdn.example.org"], defaultDeny: true }, description: "Only the wiki", tools: { deny: ["shell"] } });
    expect(edited.revision).toBeGreaterThan(made.revision);

    // What a client read it may send back, whole.
    await put(name, { ...edited });
    const { revision: _, updatedAt: __, ...same } = edited as Policy & { updatedAt: string };
    expect(await get(name)).toMatchObject(same);

    await put(name, { description: null, domains: null, egressRules: null, mcpServers: null, tools: null, tenantSelector: null });
    expect(await get(name)).toMatchObject({ description: null, tenantSelector: {}, domains: [], domainRules: null, egressRules: [], mcpServers: {}, tools: {}, advisory: [] });

    expect(await expectOperator(200, "DELETE", `${POLICIES}/${name}`)).toEqual({ name, status: "deleted" });
    for (const method of ["GET", "PUT", "DELETE"]) expect(await asOperator(method, `${POLICIES}/${name}`, method === "PUT" ? { body: {} } : {})).toMatchObject({ status: 404, body: { code: "POLICY_NOT_FOUND" } });

    const trail = await auditOf(name);
    expect(trail.map((row) => row.action)).toEqual(["policy.create", "policy.update", "policy.update", "policy.update", "policy.delete"]);
    expect(trail.every((row) => row.actor_type === "operator" && row.subject_type === "AccessPolicy")).toBe(true);
    expect(trail[1]?.detail).toMatchObject({ before: { domains: { allow: ["wiki.example.org", "*.cdn.example.org"] } }, after: { domains: { allow: ["docs.example.org"] } } });
    expect(trail[1]?.detail["after"]).not.toHaveProperty("description");
  });

  it("are listed newest first, and a name may be used again", async () => {
    const [older, newer] = [await create(), await create()];
    const names = (await expectOperator<Policy[]>(200, "GET", POLICIES)).map((one) => one.name);
    expect(names.indexOf(newer)).toBeLessThan(names.indexOf(older));
    const { revision } = await get(older);
    await expectOperator(200, "DELETE", `${POLICIES}/${older}`);
    await create({ description: "again" }, older);
    const again = await get(older);
    expect(again).toMatchObject({ description: "again" });
    expect(again.revision).toBeGreaterThan(revision);
  });

  it("have names of their own, and keep them", async () => {
    const name = await create();
    expect(await asOperator("POST", POLICIES, { body: { name } })).toMatchObject({ status: 409, body: { code: "CONFLICT" } });
    expect(await asOperator("PUT", `${POLICIES}/${name}`, { body: { name: "another" } })).toMatchObject({ status: 400, body: { code: "VALIDATION_ERROR", detail: expect.stringContaining("body.name") } });
    const headers = { "idempotency-key": crypto.randomUUID() };
    const body = { name: uniqueName("once") };
    const answers = [await asOperator("POST", POLICIES, { body, headers }), await asOperator("POST", POLICIES, { body, headers })];
    expect(answers.map((answer) => answer.status)).toEqual([201, 201]);
    expect(await auditOf(body.name)).toHaveLength(1);
  });

  it("lose no change when two write at once", async () => {
    const name = await create();
    await Promise.all([put(name, { description: "one" }), put(name, { tools: { deny: ["shell"] } }), put(name, { domains: ["a.example"] })]);
    expect(await get(name)).toMatchObject({ description: "one", tools: { deny: ["shell"] }, domains: ["a.example"] });
    expect(await mismatchOf(name)).toBeUndefined();
  });

  it("refuse what is no policy, naming the field", async () => {
    const refused: [Record<string, unknown>, string][] = [
      [{ name: "" }, "body.name"],
      [{ name: "Upper" }, "body.name"],
      [{ name: "-dash" }, "body.name"],
      [{ name: "a".repeat(64) }, "body.name"],
      [{ name: "drift" }, "body.name"],
      [{ name: "repair" }, "body.name"],
      [{ description: "x".repeat(2_001) }, "body.description"],
      [{ tenantSelector: { matchTeams: "x" } }, "body.tenantSelector"],
      [{ tenantSelector: { matchLabels: { "": "x" } } }, "body.tenantSelector.matchLabels"],
      [{ domains: ["exa mple.org"] }, "body.domains.0"],
      [{ domains: ["a.*.org"] }, "body.domains.0"],
      [{ domains: ["10.0.0.1"] }, "body.domains.0"],
      [{ domains: Array.from({ length: 501 }, (_, i) => `h${i}.example`) }, "body.domains"],
      [{ domains: { allow: [], deni: [] } }, "body.domains"],
      [{ domains: ["a.example"], domainRules: { allow: ["b.example"] } }, "body.domains"],
      [{ egressRules: [{ cidr: "10.0.0.0/33" }] }, "body.egressRules.0.cidr"],
      [{ egressRules: [{ cidr: "10.0.0/8" }] }, "body.egressRules.0.cidr"],
      [{ egressRules: [{ cidr: "::/0" }] }, "body.egressRules.0.cidr"],
      [{ egressRules: [{ cidr: "10.0.0.0/8", ports: [0] }] }, "body.egressRules.0.ports.0"],
      [{ egressRules: [{ cidr: "10.0.0.0/8", ports: [65_536] }] }, "body.egressRules.0.ports.0"],
      [{ egressRules: [{ cidr: "10.0.0.0/8", protocol: "ICMP" }] }, "body.egressRules.0.protocol"],
      [{ mcpServers: { allow: [1] } }, "body.mcpServers.allow.0"],
      [{ tools: { denied: [] } }, "body.tools"],
    ];
    for (const [body, field] of refused) {
      const answer = await asOperator("POST", POLICIES, { body: { name: uniqueName("bad"), ...body } });
      expect(answer, JSON.stringify(body)).toMatchObject({ status: 400, body: { code: "VALIDATION_ERROR", detail: expect.stringContaining(field) } });
    }
    expect(await asOperator("POST", POLICIES, { body: "{" })).toMatchObject({ status: 400 });
    expect((await api("GET", POLICIES)).status).toBe(401);
    expect((await api("GET", POLICIES, { token: `${operatorToken}x` })).status).toBe(403);
  });

  it("take both vocabularies and every pattern of the wire", async () => {
    const name = await create({ domains: ["*", "*.a.example", "b-c.example", "localhost"], egressRules: [{ cidr: "0.0.0.0/0", protocol: "UDP" }], mcpServers: {}, tools: { allow: [] } });
    expect(await get(name)).toMatchObject({ domains: ["*", "*.a.example", "b-c.example", "localhost"], egressRules: [{ cidr: "0.0.0.0/0", protocol: "UDP" }], mcpServers: {}, tools: { allow: [] } });
  });
});

describe("tenants", () => {
  it("run or stop by what policies say about them, as soon as these change", async () => {
    const team = uniqueName("team");
    const [chosen, matching] = [await create(), await create({ tenantSelector: { matchTeam: team } })];
    const tenant = async (fields: Record<string, unknown>) => {
      const name = uniqueName("tenant");
      await expectOperator(201, "POST", "/api/v1/tenants", { body: { name, displayName: name, email: `${name}@example.org`, ...fields } });
      return name;
    };
    const [named, selected] = [await tenant({ policyRef: chosen }), await tenant({ team })];
    const shows = (name: string, fields: Record<string, unknown>) => vi.waitFor(async () => expect(await expectOperator(200, "GET", `/api/v1/tenants/${name}`)).toMatchObject(fields), { timeout: 10_000 });
    await shows(named, { phase: "Running", policy: { name: chosen, source: "ref" } });
    await shows(selected, { phase: "Running", policy: { name: matching, source: "selector" } });

    await expectOperator(200, "DELETE", `${POLICIES}/${chosen}`);
    await shows(named, { phase: "Error", policy: { state: "missing" } });
    const rival = await create({ tenantSelector: { matchLabels: { "opencrane.io/tenant": selected } } });
    await shows(selected, { phase: "Error", policy: { state: "conflict" } });
    await put(rival, { tenantSelector: null });
    await shows(selected, { phase: "Running", policy: { name: matching } });
    await create({}, chosen);
    await shows(named, { phase: "Running", policy: { name: chosen } });
  });
});

describe("what OrgDO says and what D1 shows", () => {
  it("differ by what D1 lacks, has too much of, or has otherwise; the order of keys is no difference", async () => {
    const rules = { description: "d", tenantSelector: { matchLabels: { a: "1", b: "2" } }, tools: { deny: ["shell"] } };
    const [lost, bent, shuffled, sound] = [await create(rules), await create(rules), await create(rules), await create(rules)];
    const orphan = uniqueName("orphan");
    await DB.batch([
      DB.prepare("DELETE FROM governance_policies WHERE name = ?").bind(lost),
      DB.prepare("UPDATE governance_policies SET description = 'bent', tools = NULL WHERE name = ?").bind(bent),
      DB.prepare(`UPDATE governance_policies SET tenant_selector = '{"matchTeam":null,"matchLabels":{"b":"2","a":"1"}}' WHERE name = ?`).bind(shuffled),
      DB.prepare("INSERT INTO governance_policies (name, tenant_selector, revision, created_at, updated_at) VALUES (?, '{}', 1, 1, 1)").bind(orphan),
    ]);
    const report = await drift();
    expect(report).toMatchObject({ resource: "AccessPolicy", mode: "detect-only", comparedFields: ["description", "tenantSelector", "domains", "egressRules", "mcpServers"], alsoCompared: ["tools"] });
    const of = (name: string) => report.mismatches.find((one) => one.name === name);
    expect(of(lost)).toEqual({ name: lost, issue: "missing-projection" });
    expect(of(bent)).toEqual({ name: bent, issue: "field-mismatch", fields: ["description", "tools"] });
    expect(of(orphan)).toEqual({ name: orphan, issue: "missing-source" });
    expect([of(shuffled), of(sound)]).toEqual([undefined, undefined]);
    expect(report.summary.driftCount).toBe(report.mismatches.length);
    expect(report.summary.sourceCount - report.summary.projectionCount).toBe(0);

    // A dry run only tells.
    for (const query of ["", "?dryRun=true", "?dryRun=no"]) expect(await repair(query)).toMatchObject({ mode: "dry-run", repairedCount: 2, skippedCount: 1 });
    expect((await drift()).summary.driftCount).toBe(3);

    const done = await repair("?dryRun=false");
    expect(done).toMatchObject({ resource: "AccessPolicy", mode: "apply", repairedCount: 2, skippedCount: 1 });
    expect(done.entries).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ name: lost, action: "created", dryRun: false }),
        expect.objectContaining({ name: bent, action: "updated", dryRun: false }),
        expect.objectContaining({ name: orphan, action: "skipped", dryRun: false }),
      ]),
    );
    expect(await drift()).toMatchObject({ summary: { driftCount: 1 }, mismatches: [{ name: orphan, issue: "missing-source" }] });
    for (const name of [lost, bent]) expect(await get(name)).toMatchObject(rules);
    expect((await auditOf(lost)).map((row) => row.action)).toEqual(["policy.create", "policy.repair"]);
    // A repair is no change: the next change still counts as newer.
    await put(bent, { description: "new" });
    expect(await get(bent)).toMatchObject({ description: "new" });
    await DB.prepare("DELETE FROM governance_policies WHERE name = ?").bind(orphan).run();
  });

  it("come together by the object's alarm when the worker died in between, each change audited once", async () => {
    const name = await create({ description: "before" });
    const batch = vi.spyOn(DB, "batch").mockRejectedValueOnce(new Error("the worker died"));
    expect(await asOperator("PUT", `${POLICIES}/${name}`, { body: { description: "after" } })).toMatchObject({ status: 500, body: { code: "INTERNAL_ERROR" } });
    batch.mockRestore();
    expect(await get(name)).toMatchObject({ description: "before" });
    expect(await mismatchOf(name)).toMatchObject({ issue: "field-mismatch", fields: ["description"] });

    await evictDurableObject(org());
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 60_000 });
    await runDurableObjectAlarm(org());
    vi.useRealTimers();
    await vi.waitFor(async () => expect(await mismatchOf(name)).toBeUndefined(), { timeout: 10_000 });
    expect(await get(name)).toMatchObject({ description: "after" });
    const trail = await auditOf(name);
    expect(trail.map((row) => row.action)).toEqual(["policy.create", "policy.update"]);
    expect(trail.every((row) => row.actor_type === "operator")).toBe(true);
  });

  it("let a creation that broke off be asked for again", async () => {
    const body = { name: uniqueName("retry"), description: "mine" };
    const batch = vi.spyOn(DB, "batch").mockRejectedValueOnce(new Error("the worker died"));
    expect((await asOperator("POST", POLICIES, { body })).status).toBe(500);
    batch.mockRestore();
    expect(await asOperator("POST", POLICIES, { body: { ...body, description: "another's" } })).toMatchObject({ status: 409 });
    expect(await asOperator("POST", POLICIES, { body })).toMatchObject({ status: 201 });
    expect(await get(body.name)).toMatchObject({ description: "mine" });
    expect((await auditOf(body.name)).map((row) => row.action)).toEqual(["policy.create"]);
  });

  it("survive the object's sleep at every step", async () => {
    const name = await create({ description: "one" });
    await evictDurableObject(org());
    await put(name, { description: "two" });
    await evictDurableObject(org());
    expect(await mismatchOf(name)).toBeUndefined();
    await evictDurableObject(org());
    await expectOperator(200, "DELETE", `${POLICIES}/${name}`);
    await evictDurableObject(org());
    expect((await asOperator("DELETE", `${POLICIES}/${name}`)).status).toBe(404);
    expect(await mismatchOf(name)).toBeUndefined();
  });
});
