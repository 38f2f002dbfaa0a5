import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createSystemContext } from "../../../src/context";
import type { Env } from "../../../src/env";
import { enqueuePlacements, placeClusterTenant, releasePlace } from "../../../src/governance/cluster-tenants";
import { setIssuer } from "../../../src/governance/platform-dns/set-issuer";
import { unseal } from "../../../src/kernel/crypto/envelope";
import { uniqueName } from "../../support/client";
import { asOperator, expectOperator } from "../../support/governance";
import { fetchUnder } from "../../support/promises";
import { operatorToken } from "../../support/governance";

const bindings = env as unknown as Env;
const PLACES = "/api/v1/cluster-tenants";
const wish = (name: string, more: object = {}) => ({ name, displayName: "Acme", isolationTier: "shared", compute: { mode: "shared" }, resources: { quota: { cpu: "4", pods: 10 } }, ...more });
const withProvisioner: Env = { ...bindings, CLUSTER_PROVISIONER_URL: "http://provisioner.test/hook", CLUSTER_PROVISIONER_TOKEN: "provisioner-token" } as Env;

/** One request to a deployment with a provisioner. */
async function ask(method: string, path: string, body?: unknown) {
  const request = new Request(`https://sett.test${path}`, { method, headers: { authorization: `Bearer ${operatorToken}`, "content-type": "application/json" }, body: body === undefined ? null : JSON.stringify(body) });
  const deferred: Promise<unknown>[] = [];
  const response = await fetchUnder(request, withProvisioner, { waitUntil: (work) => void deferred.push(work) });
  await Promise.all(deferred);
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}
const contextUnder = (bound: Env) => createSystemContext(bound, { waitUntil: () => undefined }, "test", uniqueName("req"));

afterEach(() => {
  vi.restoreAllMocks();
});

describe("cluster tenants", () => {
  it("are declared, made, changed and given up; all of it is written down", async () => {
    const name = uniqueName("place");
    const created = await expectOperator(201, "POST", PLACES, { body: wish(name, { baseDomain: "Agents.Example.org" }) });
    expect(created).toMatchObject({ name, baseDomain: "agents.example.org", isolationTier: "shared", compute: { mode: "shared" }, resources: { quota: { cpu: "4", pods: 10 } }, status: { phase: "pending" } });
    await placeClusterTenant(contextUnder(bindings), { name });
    expect(await expectOperator(200, "GET", `${PLACES}/${name}/status`)).toEqual({ phase: "ready", boundNamespace: name, provisioner: "builtin" });
    expect((await expectOperator<{ name: string }[]>(200, "GET", PLACES)).map((place) => place.name)).toContain(name);

    const changed = await expectOperator(200, "PUT", `${PLACES}/${name}`, { body: { baseDomain: " ", resources: { quota: { gpu: 1 } } } });
    expect(changed).not.toHaveProperty("baseDomain");
    expect(changed).toMatchObject({ displayName: "Acme", resources: { quota: { gpu: 1 } }, status: { phase: "pending" } });
    expect(changed["resources"]).toEqual({ quota: { gpu: 1 } });

    expect(await expectOperator(200, "DELETE", `${PLACES}/${name}`)).toEqual({ name, status: "deleted" });
    expect((await asOperator("GET", `${PLACES}/${name}`)).body).toMatchObject({ code: "CLUSTER_TENANT_NOT_FOUND" });
    const trail = await expectOperator<{ data: { resource: string; action: string }[] }>(200, "GET", "/api/v1/audit?limit=50");
    expect(trail.data.filter(({ resource }) => resource === `ClusterTenant/${name}`).map(({ action }) => action)).toEqual(["Deleted", "Updated", "Created"]);
  });

  it("refuse what does not fit, by the field, and keep nothing of it", async () => {
    const name = uniqueName("place");
    const bad: [object, string][] = [
      [{ name: "Not A Name" }, "body.name"],
      [{ displayName: "  " }, "body.displayName"],
      [{ isolationTier: "own" }, "body.isolationTier"],
      [{ baseDomain: "localhost" }, "body.baseDomain"],
      [{ baseDomain: "-a.example.org" }, "body.baseDomain"],
      [{ compute: { mode: "dedicated" } }, "body.compute.nodePool"],
      [{ resources: { quota: { pods: 1.5 } } }, "body.resources.quota.pods"],
    ];
    for (const [more, field] of bad) {
      const { status, body } = await asOperator("POST", PLACES, { body: wish(name, more) });
      expect(status, JSON.stringify(body)).toBe(400);
      expect(body).toMatchObject({ code: "VALIDATION_ERROR" });
      expect(String(body["detail"])).toContain(field);
    }
    expect((await asOperator("GET", `${PLACES}/${name}`)).status).toBe(404);
    await expectOperator(201, "POST", PLACES, { body: wish(name) });
    expect((await asOperator("POST", PLACES, { body: wish(name) })).body).toMatchObject({ code: "CONFLICT" });
    for (const path of [`${PLACES}/${name}x`, `${PLACES}/${name}x/status`]) expect((await asOperator("GET", path)).body).toMatchObject({ code: "CLUSTER_TENANT_NOT_FOUND" });
    expect((await asOperator("PUT", `${PLACES}/${name}x`, { body: {} })).status).toBe(404);
    expect((await asOperator("DELETE", `${PLACES}/${name}x`)).status).toBe(404);
  });

  it("of a tier that nobody makes are refused, when created and when changed", async () => {
    const name = uniqueName("place");
    for (const isolationTier of ["dedicatedNodes", "dedicatedCluster"]) expect((await asOperator("POST", PLACES, { body: wish(name, { isolationTier }) })).body).toMatchObject({ code: "TIER_UNAVAILABLE" });
    await expectOperator(201, "POST", PLACES, { body: wish(name) });
    const { status, body } = await asOperator("PUT", `${PLACES}/${name}`, { body: { isolationTier: "dedicatedCluster" } });
    expect([status, body["code"]]).toEqual([422, "TIER_UNAVAILABLE"]);
  });

  it("of their own are made by the provisioner: asked until it is done, told its token, and given back", async () => {
    const name = uniqueName("place");
    const answers: (() => Response)[] = [() => Response.json({ phase: "provisioning", message: "nodes" }), () => new Response("down", { status: 503 }), () => Response.json({ phase: "ready", boundNamespace: `ns-${name}` })];
    const calls: { readonly auth: string | null; readonly body: Record<string, unknown> }[] = [];
    vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
      const request = new Request(input as string, init as RequestInit);
      calls.push({ auth: request.headers.get("authorization"), body: (await request.json()) as Record<string, unknown> });
      return answers.shift()?.() ?? Response.json({});
    });
    expect((await ask("POST", PLACES, wish(name, { isolationTier: "dedicatedCluster", compute: { mode: "dedicated", nodePool: "gpu" } }))).status).toBe(201);
    const ctx = contextUnder(withProvisioner);
    const phases: unknown[] = [];
    for (let step = 0; step < 3; step++) {
      // The first step was taken when the place was declared.
      if (step > 0) await placeClusterTenant(ctx, { name });
      phases.push((await ask("GET", `${PLACES}/${name}/status`)).body);
    }
    expect(phases).toMatchObject([{ phase: "provisioning", message: "nodes" }, { phase: "provisioning", message: expect.stringContaining("refuses") }, { phase: "ready", boundNamespace: `ns-${name}`, provisioner: "webhook" }]);
    await placeClusterTenant(ctx, { name });
    expect(calls).toHaveLength(3);
    expect(calls[0]).toMatchObject({ auth: "Bearer provisioner-token", body: { action: "place", name, isolationTier: "dedicatedCluster", compute: { mode: "dedicated", nodePool: "gpu" }, version: 1 } });
    expect((await ask("DELETE", `${PLACES}/${name}`)).status).toBe(200);
  });

  it("of their own are given back when they become shared, and kept when they are wished for again", async () => {
    const name = uniqueName("place");
    const released: unknown[] = [];
    vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
      const body = (await new Request(input as string, init as RequestInit).json()) as Record<string, unknown>;
      if (body["action"] === "release") released.push(body["name"]);
      return Response.json({ phase: "ready" });
    });
    expect((await ask("POST", PLACES, wish(name, { isolationTier: "dedicatedNodes" }))).status).toBe(201);
    await releasePlace(contextUnder(withProvisioner), { name });
    expect(released).toEqual([]);
    expect((await ask("PUT", `${PLACES}/${name}`, { isolationTier: "shared" })).status).toBe(200);
    expect(released).toEqual([name]);
    expect((await ask("GET", `${PLACES}/${name}/status`)).body).toMatchObject({ phase: "ready", provisioner: "builtin" });
    expect((await ask("DELETE", `${PLACES}/${name}`)).status).toBe(200);
    expect(released).toEqual([name]);
  });

  it("whose effect got lost are found by the next tick", async () => {
    const name = uniqueName("place");
    const now = Date.now();
    await bindings.DB.prepare("INSERT INTO governance_cluster_tenants (name, display_name, isolation_tier, compute, quota, phase, check_at, created_at, updated_at) VALUES (?, 'x', 'shared', '{\"mode\":\"shared\"}', '{}', 'pending', ?, ?, ?)").bind(name, now - 1, now, now).run();
    const ctx = contextUnder(bindings);
    const sent: unknown[] = [];
    const jobs = { send: async (job: { payload: unknown }) => void sent.push(job.payload) };
    await enqueuePlacements(Object.defineProperty(Object.create(ctx) as typeof ctx, "services", { value: { jobs } }));
    expect(sent).toContainEqual({ name });
  });
});

describe("issuers of certificates", () => {
  it("are told about when there are none", async () => {
    expect(await expectOperator(200, "GET", `/api/v1/platform/dns?issuerName=${uniqueName("issuer")}`)).toMatchObject({ configured: false, provider: null, email: null, server: null });
    expect(await expectOperator(200, "GET", "/api/v1/platform/dns?issuerName=")).toMatchObject({ issuerName: "opencrane-issuer", issuerKind: "ClusterIssuer", issuerNamespace: null });
  });

  it("keep their secrets to themselves, and keep them when others change", async () => {
    const issuerName = uniqueName("issuer");
    const body = { provider: "Cloudflare", zone: "Example.org", email: "ops@example.org", issuerName, apiToken: "cf-secret-token" };
    expect(await expectOperator(200, "PUT", "/api/v1/platform/dns", { body })).toEqual({ status: "configured", issuerName, issuerKind: "ClusterIssuer", issuerNamespace: null, provider: "cloudflare", zone: "example.org", secretName: "opencrane-dns01-cloudflare" });
    await expectOperator(200, "PUT", "/api/v1/platform/dns", { body: { ...body, apiToken: "", email: "new@example.org" } });
    const shown = await expectOperator(200, "GET", `/api/v1/platform/dns?issuerName=${issuerName}`);
    expect(shown).toMatchObject({ configured: true, provider: "cloudflare", zone: "example.org", email: "new@example.org", server: "https://acme-v02.api.letsencrypt.org/directory" });
    const row = await bindings.DB.prepare("SELECT * FROM governance_dns_issuers WHERE issuer_name = ?").bind(issuerName).first<{ sealed_solver: string }>();
    expect(JSON.parse((await unseal(contextUnder(bindings).config.sealKeys, row?.sealed_solver ?? "", `dns_issuer:${issuerName}`)) ?? "{}")).toMatchObject({ apiToken: "cf-secret-token" });
    const trail = JSON.stringify(await expectOperator(200, "GET", "/api/v1/audit?limit=20"));
    for (const text of [JSON.stringify(shown), JSON.stringify(row), trail]) expect(text).not.toContain("cf-secret-token");
    expect(trail).toContain(`DnsIssuer/${issuerName}`);
  });

  it("never bring back a token that somebody replaces at the same time", async () => {
    const issuerName = uniqueName("issuer");
    const body = { provider: "cloudflare", zone: "example.org", email: "ops@example.org", issuerName, server: "https://acme.example.org/directory" };
    await expectOperator(200, "PUT", "/api/v1/platform/dns", { body: { ...body, apiToken: "cf-old-token" } });
    const ctx = contextUnder(bindings);
    let replaced: Promise<unknown> | null = null;
    // Whoever changes the address has read the row before the token is replaced, and writes after it.
    const batch = async (statements: never): Promise<unknown> => {
      replaced ??= expectOperator(200, "PUT", "/api/v1/platform/dns", { body: { ...body, apiToken: "cf-new-token" } });
      await replaced;
      return ctx.db.batch(statements);
    };
    const db = new Proxy(ctx.db, { get: (target, key) => (key === "batch" ? batch : Reflect.get(target, key, target)) });
    await setIssuer({ ...ctx, db }, { ...body, email: "new@example.org" });
    const row = await bindings.DB.prepare("SELECT email, sealed_solver, version FROM governance_dns_issuers WHERE issuer_name = ?").bind(issuerName).first<{ email: string; sealed_solver: string; version: number }>();
    expect(row).toMatchObject({ email: "new@example.org", version: 3 });
    expect(JSON.parse((await unseal(ctx.config.sealKeys, row?.sealed_solver ?? "", `dns_issuer:${issuerName}`)) ?? "{}")).toEqual({ apiToken: "cf-new-token" });
  });

  it("need what their solver needs", async () => {
    const issuerName = uniqueName("issuer");
    const body = { zone: "example.org", email: "ops@example.org", issuerName };
    expect((await asOperator("PUT", "/api/v1/platform/dns", { body: { ...body, provider: "digitalocean" } })).body).toMatchObject({ code: "DNS_PROVIDER_MISCONFIGURED", detail: expect.stringContaining("body.apiToken") });
    expect((await asOperator("PUT", "/api/v1/platform/dns", { body: { ...body, provider: "route53" } })).body).toMatchObject({ code: "DNS_PROVIDER_MISCONFIGURED", detail: expect.stringContaining("body.solverConfig") });
    await expectOperator(200, "PUT", "/api/v1/platform/dns", { body: { ...body, provider: "route53", solverConfig: { region: "eu-west-1" } } });
    // Another provider's token is not this one's.
    expect((await asOperator("PUT", "/api/v1/platform/dns", { body: { ...body, provider: "cloudflare" } })).status).toBe(422);
    expect((await asOperator("PUT", "/api/v1/platform/dns", { body: { ...body, provider: " " } })).body).toMatchObject({ code: "VALIDATION_ERROR", detail: expect.stringContaining("body.provider") });
  });
});
