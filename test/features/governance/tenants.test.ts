import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { directoryObject, memberUpgrade, tenantObject } from "../../../durable-objects/stubs";
import { RESERVATION_MS } from "../../../durable-objects/directory/directory-do";
import type { Env } from "../../../src/env";
import { handleFetch } from "../../../src/app";
import { uniqueName } from "../../support/client";
import { asOperator, expectOperator, operatorToken } from "../../support/governance";
import { fetchUnder } from "../../support/promises";

/** Tenants over HTTP: the way through, each refusal, and what is left behind. */

const bindings = env as unknown as Env;

interface TenantAnswer {
  readonly name: string;
  readonly phase: string;
  readonly revision: number;
  readonly createdAt: string;
  readonly [field: string]: unknown;
}

interface DriftAnswer {
  readonly summary: { readonly sourceCount: number; readonly projectionCount: number; readonly driftCount: number };
  readonly mismatches: readonly { readonly name: string; readonly issue: string; readonly fields?: readonly string[] }[];
}

const bodyOf = (name: string, rest: Record<string, unknown> = {}) => ({ name, displayName: "Acme", email: "ops@acme.test", ...rest });

async function newTenant(rest: Record<string, unknown> = {}): Promise<string> {
  const name = uniqueName("team");
  await expectOperator(201, "POST", "/api/v1/tenants", { body: bodyOf(name, rest) });
  return name;
}

const read = (name: string): Promise<TenantAnswer> => expectOperator<TenantAnswer>(200, "GET", `/api/v1/tenants/${name}`);
const driftOf = async (name: string) => (await expectOperator<DriftAnswer>(200, "GET", "/api/v1/tenants/drift")).mismatches.find((mismatch) => mismatch.name === name);
const auditOf = async (name: string): Promise<readonly string[]> => (await bindings.DB.prepare("SELECT action FROM audit_log WHERE scope = ? ORDER BY id").bind(name).all<{ action: string }>()).results.map(({ action }) => action);

/** A request under variables of the test's own. */
async function under(variables: Record<string, unknown>, method: string, path: string, body?: unknown): Promise<{ readonly status: number; readonly body: Record<string, unknown> }> {
  const request = new Request(`https://sett.test${path}`, { method, headers: { authorization: `Bearer ${operatorToken}`, "content-type": "application/json" }, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  const late: Promise<unknown>[] = [];
  const response = await fetchUnder(request, { ...bindings, ...variables } as Env, { waitUntil: (work) => void late.push(work) });
  await Promise.allSettled(late);
  return { status: response.status, body: await response.json() };
}

/** Stands in for a service outside. */
function outside(answer: (request: Request) => Response | Promise<Response>): Request[] {
  const heard: Request[] = [];
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    const request = new Request(input as RequestInfo, init);
    heard.push(request.clone() as Request);
    return answer(request);
  });
  return heard;
}

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe("a tenant's life", () => {
  it("is made, runs, changes, is suspended, resumed and deleted, and the audit trail keeps its name", async () => {
    const name = uniqueName("team");
    expect(await expectOperator(201, "POST", "/api/v1/tenants", { body: bodyOf(name, { team: "blue", monthlyBudgetUsd: 12.5, labels: { tier: "gold" }, wave: "personal", resources: { cpu: "1" }, skillAllowlist: ["pdf"] }) })).toEqual({ name, status: "created" });
    const made = await read(name);
    expect(made).toMatchObject({ name, displayName: "Acme", email: "ops@acme.test", team: "blue", phase: "Running", monthlyBudgetUsd: 12.5, labels: { tier: "gold" }, wave: "personal", resources: { cpu: "1" }, skillAllowlist: ["pdf"], policy: { name: null, source: "none", state: "none" } });
    expect(made.createdAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect("ingressHost" in made).toBe(false);

    expect(await expectOperator(200, "PUT", `/api/v1/tenants/${name}`, { body: { displayName: "", team: null, email: "new@acme.test", labels: null } })).toEqual({ name, status: "updated" });
    const changed = await read(name);
    expect(changed).toMatchObject({ displayName: "Acme", email: "new@acme.test", wave: "personal" });
    expect(["team" in changed, "labels" in changed, changed.revision > made.revision, changed.createdAt]).toEqual([false, false, true, made.createdAt]);

    expect(await expectOperator(200, "POST", `/api/v1/tenants/${name}/suspend`)).toEqual({ name, status: "suspended" });
    expect(await read(name)).toMatchObject({ phase: "Suspended" });
    expect(await expectOperator(200, "POST", `/api/v1/tenants/${name}/resume`)).toEqual({ name, status: "resumed" });
    expect(await read(name)).toMatchObject({ phase: "Running" });
    expect(await driftOf(name)).toBeUndefined();

    expect(await expectOperator(200, "DELETE", `/api/v1/tenants/${name}`)).toEqual({ name, status: "deleted" });
    expect(await asOperator("GET", `/api/v1/tenants/${name}`)).toMatchObject({ status: 404, body: { code: "TENANT_NOT_FOUND" } });
    expect(await driftOf(name)).toBeUndefined();
    expect(await auditOf(name)).toEqual(["tenant.create", "tenant.update", "tenant.suspend", "tenant.resume", "tenant.delete"]);

    // The same name begins anew, with revisions that go on.
    await expectOperator(201, "POST", "/api/v1/tenants", { body: bodyOf(name) });
    expect((await read(name)).revision).toBeGreaterThan(changed.revision + 2);
  });

  it("is listed, newest first", async () => {
    const names = [await newTenant(), await newTenant(), await newTenant()];
    const listed = await expectOperator<TenantAnswer[]>(200, "GET", "/api/v1/tenants");
    expect(listed.map(({ createdAt }) => createdAt)).toEqual(listed.map(({ createdAt }) => createdAt).toSorted().toReversed());
    expect(listed.filter(({ name }) => names.includes(name))).toHaveLength(3);
    expect(listed.find(({ name }) => name === names[0])).toEqual(await read(names[0] ?? ""));
  });

  it("has a host under the base domain, where there is one", async () => {
    const name = await newTenant();
    expect((await under({ GOVERNANCE_BASE_DOMAIN: "agents.example" }, "GET", `/api/v1/tenants/${name}`)).body).toMatchObject({ ingressHost: `${name}.agents.example` });
    const { body } = await under({ GOVERNANCE_BASE_DOMAIN: "agents.example" }, "GET", "/api/v1/tenants");
    expect((body as unknown as TenantAnswer[]).find((one) => one.name === name)).toMatchObject({ ingressHost: `${name}.agents.example` });
  });
});

describe("refusals", () => {
  it("name the field at fault", async () => {
    const refused: readonly (readonly [Record<string, unknown>, string])[] = [
      [{ ...bodyOf("drift") }, "body.name"],
      [{ ...bodyOf("Big") }, "body.name"],
      [{ ...bodyOf("a".repeat(64)) }, "body.name"],
      [{ name: uniqueName("team"), email: "ops@acme.test" }, "body.displayName"],
      [bodyOf(uniqueName("team"), { displayName: "  " }), "body.displayName"],
      [bodyOf(uniqueName("team"), { email: "nobody" }), "body.email"],
      [bodyOf(uniqueName("team"), { monthlyBudgetUsd: -1 }), "body.monthlyBudgetUsd"],
      [bodyOf(uniqueName("team"), { clusterTenantRef: "nowhere" }), "body.clusterTenantRef"],
    ];
    for (const [body, field] of refused) {
      const answer = await asOperator("POST", "/api/v1/tenants", { body });
      expect(answer, JSON.stringify(body)).toMatchObject({ status: 400, body: { code: "VALIDATION_ERROR" } });
      expect(String(answer.body["detail"]), JSON.stringify(body)).toContain(field);
    }
    const name = await newTenant();
    expect(await asOperator("PUT", `/api/v1/tenants/${name}`, { body: { displayName: null } })).toMatchObject({ status: 400 });
  });

  it("tell that the tenant's object cannot be reached, and nothing is left behind that drift would not find", async () => {
    const name = uniqueName("team");
    const broken = { getByName: () => ({ create: () => Promise.reject(new Error("overloaded")) }) };
    expect(await under({ TENANT_DO: broken }, "POST", "/api/v1/tenants", bodyOf(name))).toMatchObject({ status: 502, body: { code: "UPSTREAM_ERROR" } });
    expect([await driftOf(name), await auditOf(name)]).toEqual([undefined, []]);
    await expectOperator(201, "POST", "/api/v1/tenants", { body: bodyOf(name) });
    expect(await read(name)).toMatchObject({ phase: "Running" });
  });

  it("tell a taken name and an unknown one", async () => {
    const name = await newTenant();
    expect(await asOperator("POST", "/api/v1/tenants", { body: bodyOf(name) })).toMatchObject({ status: 409, body: { code: "CONFLICT" } });
    const unknown = `/api/v1/tenants/${uniqueName("nobody")}`;
    const asked: readonly (readonly [string, string, unknown?])[] = [
      ["GET", unknown],
      ["PUT", unknown, { team: "x" }],
      ["DELETE", unknown],
      ["POST", `${unknown}/suspend`],
      ["POST", `${unknown}/resume`],
      ["GET", `${unknown}/datasets`],
      ["PUT", `${unknown}/datasets`, { org: [], team: [], project: [], personal: [] }],
    ];
    for (const [method, path, body] of asked) expect(await asOperator(method, path, body === undefined ? {} : { body }), `${method} ${path}`).toMatchObject({ status: 404, body: { code: "TENANT_NOT_FOUND" } });
    expect(await asOperator("GET", "/api/v1/tenants", { token: undefined })).toMatchObject({ status: 401 });
  });
});

describe("the policy of a tenant", () => {
  it("is looked for when policies and tenants change, and a wrong one is an error that says why", async () => {
    const policy = uniqueName("policy");
    const name = await newTenant({ policyRef: policy });
    expect(await read(name)).toMatchObject({ phase: "Error", policy: { name: policy, source: "ref", state: "missing" } });
    expect(String((await read(name))["message"])).toContain(policy);

    await expectOperator(201, "POST", "/api/v1/policies", { body: { name: policy, tenantSelector: { matchLabels: { lane: policy } } } });
    expect(await read(name)).toMatchObject({ phase: "Running", policy: { name: policy, source: "ref", state: "resolved" } });

    // By its label now, until another policy wants it as well.
    await expectOperator(200, "PUT", `/api/v1/tenants/${name}`, { body: { policyRef: null, labels: { lane: policy } } });
    expect(await read(name)).toMatchObject({ phase: "Running", policy: { name: policy, source: "selector", state: "resolved" } });
    const rival = uniqueName("policy");
    await expectOperator(201, "POST", "/api/v1/policies", { body: { name: rival, tenantSelector: { matchLabels: { "opencrane.io/tenant": name } } } });
    expect(await read(name)).toMatchObject({ phase: "Error", policy: { name: null, source: "selector", state: "conflict" } });
    await expectOperator(200, "DELETE", `/api/v1/policies/${rival}`);
    await expectOperator(200, "DELETE", `/api/v1/policies/${policy}`);
    expect(await read(name)).toMatchObject({ phase: "Running", policy: { source: "none", state: "none" } });

    // While it is suspended it is that, whatever its policy.
    await expectOperator(200, "PUT", `/api/v1/tenants/${name}`, { body: { policyRef: "nowhere" } });
    await expectOperator(200, "POST", `/api/v1/tenants/${name}/suspend`);
    expect(await read(name)).toMatchObject({ phase: "Suspended" });
    await expectOperator(200, "POST", `/api/v1/tenants/${name}/resume`);
    expect(await read(name)).toMatchObject({ phase: "Error" });
  });

  it("is not that of whoever looked before the last", async () => {
    const name = await newTenant();
    const object = tenantObject(bindings, name);
    const [early, late] = [await object.look(), await object.look()];
    const found = (policy: string) => ({ name: policy, source: "ref", state: "resolved", message: null }) as const;
    expect(await object.observe(found("new"), late?.ticket ?? 0)).toMatchObject({ kind: "ok", entry: { key: name } });
    expect(await object.observe(found("old"), early?.ticket ?? 0)).toEqual({ kind: "ok", entry: null });
    expect((await object.getState())?.resolution).toMatchObject({ name: "new" });
  });
});

describe("data sets", () => {
  const path = (name: string): string => `/api/v1/tenants/${name}/datasets`;

  it("are tidied, replaced as a whole and audited", async () => {
    const name = await newTenant();
    expect(await expectOperator(200, "GET", path(name))).toEqual({ org: ["default"], team: [], project: [], personal: [] });
    const kept = { org: ["default"], team: ["a", "b"], project: [], personal: ["me"] };
    expect(await expectOperator(200, "PUT", path(name), { body: { org: [], team: [" b ", "a", "b", ""], project: [], personal: ["me"] } })).toEqual(kept);
    expect(await expectOperator(200, "GET", path(name))).toEqual(kept);
    expect(await auditOf(name)).toContain("tenant.update_datasets");
    for (const body of [{ team: [], project: [], personal: [] }, { org: ["other"], team: [], project: [], personal: [] }, { org: ["default", "default"], team: [], project: [], personal: [] }, { org: [], team: [1], project: [], personal: [] }]) {
      expect(await asOperator("PUT", path(name), { body }), JSON.stringify(body)).toMatchObject({ status: 400, body: { code: "VALIDATION_ERROR" } });
    }
  });

  it("are told to the retrieval service first, and not kept when it does not take them", async () => {
    const name = await newTenant();
    const variables = { RETRIEVAL_URL: "https://retrieval.test/v1", RETRIEVAL_TOKEN: "retrieval-token" };
    const body = { org: [], team: ["x"], project: [], personal: [] };
    for (const answer of [() => new Response("no", { status: 500 }), () => Promise.reject(new Error("down"))]) {
      outside(answer);
      expect(await under(variables, "PUT", path(name), body)).toMatchObject({ status: 502, body: { code: "UPSTREAM_ERROR" } });
      vi.restoreAllMocks();
    }
    expect(await expectOperator(200, "GET", path(name))).toMatchObject({ team: [] });
    const heard = outside(() => new Response(null, { status: 204 }));
    expect((await under(variables, "PUT", path(name), body)).status).toBe(200);
    expect(heard.map(({ method, url, headers }) => [method, url, headers.get("authorization")])).toEqual([["PUT", `https://retrieval.test/v1/tenants/${name}/datasets`, "Bearer retrieval-token"]]);
    expect(await heard[0]?.json()).toEqual({ org: ["default"], team: ["x"], project: [], personal: [] });
    expect(await under(variables, "PUT", path(uniqueName("nobody")), body)).toMatchObject({ status: 404 });
    expect(heard).toHaveLength(1);
    vi.restoreAllMocks();
    expect(await expectOperator(200, "GET", path(name))).toMatchObject({ team: ["x"] });
  });
});

describe("drift", () => {
  it("tells a row that was tampered with, one that is missing and one too many; repair mends the first two and is audited", async () => {
    const [tampered, missing] = [await newTenant(), await newTenant()];
    const orphan = uniqueName("orphan");
    await bindings.DB.prepare("UPDATE governance_tenants SET suspended = 1, display_name = 'Mallory' WHERE name = ?").bind(tampered).run();
    await bindings.DB.prepare("INSERT INTO governance_tenants SELECT ?, display_name, email, team, monthly_budget_usd, resources, skill_allowlist, policy_ref, cluster_tenant_ref, labels, wave, suspended, datasets, phase, policy_name, policy_source, policy_state, policy_message, revision, born_revision, created_at, updated_at FROM governance_tenants WHERE name = ?").bind(orphan, missing).run();
    await bindings.DB.prepare("DELETE FROM governance_tenants WHERE name = ?").bind(missing).run();
    expect(await driftOf(tampered)).toEqual({ name: tampered, issue: "field-mismatch", fields: ["displayName", "suspended"] });
    expect([(await driftOf(missing))?.issue, (await driftOf(orphan))?.issue]).toEqual(["missing-projection", "missing-source"]);

    const steps = async (query: string) => {
      const { mode, entries } = await expectOperator<{ mode: string; entries: { name: string; action: string; dryRun: boolean }[] }>(200, "POST", `/api/v1/tenants/repair${query}`);
      return { mode, entries: entries.filter(({ name }) => [tampered, missing, orphan].includes(name)).map(({ name, action, dryRun }) => [name, action, dryRun]) };
    };
    const planned = (dryRun: boolean) => [[tampered, "updated", dryRun], [missing, "created", dryRun], [orphan, "skipped", dryRun]].toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1));
    for (const query of ["", "?dryRun=true", "?dryRun=no"]) expect(await steps(query), query).toEqual({ mode: "dry-run", entries: planned(true) });
    expect(await driftOf(tampered)).toBeDefined();
    expect(await steps("?dryRun=false")).toEqual({ mode: "apply", entries: planned(false) });
    expect([await driftOf(tampered), await driftOf(missing), (await driftOf(orphan))?.issue]).toEqual([undefined, undefined, "missing-source"]);
    expect(await read(tampered)).toMatchObject({ displayName: "Acme", phase: "Running" });
    expect(await auditOf(missing)).toEqual(["tenant.create", "tenant.repair"]);
    // A row too many goes when somebody says so.
    await expectOperator(200, "DELETE", `/api/v1/tenants/${orphan}`);
    expect(await driftOf(orphan)).toBeUndefined();
    expect(await auditOf(orphan)).toEqual(["tenant.delete"]);
    expect((await asOperator("DELETE", `/api/v1/tenants/${orphan}`)).status).toBe(404);
  });

  it("does not keep a name from beginning anew when its object was lost", async () => {
    const name = uniqueName("lost");
    await bindings.DB.prepare("INSERT INTO governance_projections (kind, key, revision, projected_at) VALUES ('tenant', ?, 41, 0)").bind(name).run();
    await expectOperator(201, "POST", "/api/v1/tenants", { body: { name, displayName: "Again", email: `${name}@example.org` } });
    expect(await driftOf(name)).toBeUndefined();
    expect(await read(name)).toMatchObject({ displayName: "Again", phase: "Running" });
  });
});

describe("the directory", () => {
  const directory = () => directoryObject(bindings);
  const stateOf = async (name: string) => (await directory().list(name.slice(0, -1), 1_000)).entries.find((entry) => entry.name === name);

  it("names a tenant before it is there, and forgets it only by later news", async () => {
    const name = uniqueName("name");
    await directory().reserve(name);
    expect(await stateOf(name)).toEqual({ name, state: "pending", revision: 0 });
    await directory().settle(name, 3, "live");
    await directory().settle(name, 2, "gone");
    expect(await stateOf(name)).toEqual({ name, state: "live", revision: 3 });
    // A name that somebody may be creating again is not taken away by news of its earlier life.
    await directory().settle(name, 4, "gone");
    expect(await stateOf(name)).toEqual({ name, state: "pending", revision: 4 });
    await directory().forget(name);
    expect(await stateOf(name)).toBeDefined();
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + RESERVATION_MS + 1 });
    await directory().forget(name);
    expect(await stateOf(name)).toBeUndefined();
    await directory().settle(name, 5, "live");
    await directory().settle(name, 6, "gone");
    expect(await stateOf(name)).toBeUndefined();
  });

  it("is read in pages", async () => {
    const names = Array.from({ length: 5 }, (_, index) => `${uniqueName("0page")}-${index}`).toSorted();
    for (const name of names) await directory().reserve(name);
    const found: string[] = [];
    for (let after: string | null = "0page"; after !== null; ) {
      const page: Awaited<ReturnType<ReturnType<typeof directory>["list"]>> = await directory().list(after, 2);
      expect(page.entries.length).toBeLessThanOrEqual(2);
      found.push(...page.entries.map(({ name }) => name));
      after = page.next !== null && page.next.startsWith("0page") ? page.next : null;
    }
    expect(found.filter((name) => names.includes(name))).toEqual(names);
  });
});

describe("a member's socket", () => {
  const open = async (name: string, expiresAt = Date.now() + 60_000, epoch = 0): Promise<{ readonly socket: WebSocket; readonly frames: Record<string, unknown>[]; readonly closed: { code: number }[] }> => {
    const { webSocket } = await tenantObject(bindings, name).fetch(memberUpgrade({ expiresAt, epoch }));
    if (!webSocket) throw new Error("no socket");
    const frames: Record<string, unknown>[] = [];
    const closed: { code: number }[] = [];
    webSocket.addEventListener("message", ({ data }) => void frames.push(JSON.parse(String(data)) as Record<string, unknown>));
    webSocket.addEventListener("close", ({ code }) => void closed.push({ code }));
    webSocket.accept();
    return { socket: webSocket, frames, closed };
  };

  it("shows how the tenant is, and each change, until the tenant is gone", async () => {
    const name = await newTenant();
    const { frames, closed } = await open(name);
    await vi.waitFor(() => expect(frames[0]).toMatchObject({ type: "tenant.state", tenant: name, phase: "Running" }));
    await tenantObject(bindings, name).announceContract("c".repeat(64));
    await vi.waitFor(() => expect(frames.at(-1)).toMatchObject({ phase: "Running", contractId: "c".repeat(64) }));
    await expectOperator(200, "DELETE", `/api/v1/tenants/${name}`);
    await vi.waitFor(() => expect(closed).toEqual([{ code: 4410 }]));
  });

  it("ends when the tenant is suspended, and is none until it is resumed", async () => {
    const name = await newTenant();
    const { frames, closed } = await open(name);
    await expectOperator(200, "POST", `/api/v1/tenants/${name}/suspend`);
    await vi.waitFor(() => expect(closed).toEqual([{ code: 4403 }]));
    expect(frames.at(-1)).toMatchObject({ phase: "Suspended" });
    const again = () => tenantObject(bindings, name).fetch(memberUpgrade({ expiresAt: Date.now() + 60_000, epoch: 0 }));
    expect((await again()).status).toBe(403);
    await expectOperator(200, "POST", `/api/v1/tenants/${name}/resume`);
    const { webSocket } = await again();
    expect(webSocket).not.toBeNull();
    webSocket?.accept();
    webSocket?.close();
  });

  it("ends when the sessions are cut, also one that is on its way, and no later one does", async () => {
    const name = await newTenant();
    const [before, after] = [await open(name, undefined, 1), await open(name, undefined, 2)];
    await tenantObject(bindings, name).cutMembers(2);
    await vi.waitFor(() => expect(before.closed).toEqual([{ code: 4401 }]));
    expect((await tenantObject(bindings, name).fetch(memberUpgrade({ expiresAt: Date.now() + 60_000, epoch: 1 }))).status).toBe(403);
    await tenantObject(bindings, name).announceContract("d".repeat(64));
    await vi.waitFor(() => expect(after.frames.at(-1)).toMatchObject({ contractId: "d".repeat(64) }));
    expect(after.closed).toEqual([]);
    after.socket.close();
  });

  it("ends when its token does", async () => {
    const name = await newTenant();
    const { frames, closed } = await open(name, Date.now() + 60_000);
    await vi.waitFor(() => expect(frames).toHaveLength(1));
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 61_000 });
    await expectOperator(200, "POST", `/api/v1/tenants/${name}/suspend`);
    vi.useRealTimers();
    await vi.waitFor(() => expect(closed).toEqual([{ code: 4401 }]));
    expect(frames).toHaveLength(1);
  });

  it("is for the tenant's own token", async () => {
    const name = await newTenant();
    const request = new Request(`https://sett.test/api/v1/tenants/${name}/socket`, { headers: { authorization: `Bearer ${operatorToken}`, upgrade: "websocket" } });
    expect((await handleFetch(request, bindings, { waitUntil: () => undefined })).status).toBe(403);
    expect((await tenantObject(bindings, uniqueName("nobody")).fetch(memberUpgrade({ expiresAt: Date.now() + 1_000, epoch: 0 }))).status).toBe(404);
  });
});
