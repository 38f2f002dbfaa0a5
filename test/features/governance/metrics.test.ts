import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { directoryObject, tenantObject } from "../../../durable-objects/stubs";
import { createSystemContext } from "../../../src/context";
import { handleScheduled } from "../../../src/crons";
import type { Env } from "../../../src/env";
import { checkDrift } from "../../../src/governance/metrics";
import { reconcileEffect, reconcilePageJob } from "../../../src/governance/tenants";
import { listTenants, getTenant } from "../../../src/governance/tenants/tenants.queries";
import type { Ctx } from "../../../src/kernel/context";
import type { Job } from "../../../src/kernel/ports/services";
import { uniqueName } from "../../support/client";
import { expectOperator, operatorToken } from "../../support/governance";
import { fetchUnder } from "../../support/promises";
import { costOf } from "../../support/query-plans";

/** Numbers of the server and of drift, the alert about it, and walks over all tenants. */

const bindings = env as unknown as Env;
const WEBHOOK = "https://alerts.test/hook";

const newTenant = async (): Promise<string> => {
  const name = uniqueName("team");
  await expectOperator(201, "POST", "/api/v1/tenants", { body: { name, displayName: "Acme", email: "ops@acme.test" } });
  return name;
};
const loseRow = (name: string) => bindings.DB.prepare("DELETE FROM governance_tenants WHERE name = ?").bind(name).run();
const mend = () => expectOperator(200, "POST", "/api/v1/tenants/repair?dryRun=false");

interface Drift {
  readonly tenant: { readonly sourceCount: number; readonly driftCount: number };
  readonly alertFired: boolean;
  readonly alert: Record<string, unknown>;
  readonly summary: { readonly totalDriftCount: number };
  readonly lag: { readonly maxProjectionLagSeconds: number | null; readonly resources: { readonly tenant: { readonly measuredProjectionCount: number; readonly unresolvedMissingProjectionCount: number } } };
}

const variables = (threshold: number) => ({ OPENCRANE_PROJECTION_DRIFT_ALERT_THRESHOLD: String(threshold), OPENCRANE_DRIFT_WEBHOOK_URL: WEBHOOK });

async function readDrift(some: Record<string, string> = {}): Promise<Drift> {
  const request = new Request("https://sett.test/api/v1/metrics/projection-drift", { headers: { authorization: `Bearer ${operatorToken}` } });
  const response = await fetchUnder(request, { ...bindings, ...some } as Env, { waitUntil: () => undefined });
  expect(response.status).toBe(200);
  return response.json();
}

/** Stands in for the operator's webhook. */
function webhook(status: () => number): { id: string; totalDriftCount: number; type: string; threshold: number }[] {
  const heard: { id: string; totalDriftCount: number; type: string; threshold: number }[] = [];
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    const request = new Request(input as RequestInfo, init);
    expect(request.url).toBe(WEBHOOK);
    heard.push(await request.json());
    return new Response(null, { status: status() });
  });
  return heard;
}

const systemContext = (some: Record<string, string> = {}): Ctx => createSystemContext({ ...bindings, ...some } as Env, { waitUntil: () => undefined }, "test", uniqueName("req"));
const check = (threshold: number): Promise<void> => checkDrift(systemContext(variables(threshold)));

afterEach(() => vi.restoreAllMocks());

describe("the server's numbers", () => {
  it("count tenants by phase and real storage, and invent nothing", async () => {
    const read = () => expectOperator<Record<string, number> & { tenants: Record<string, number> }>(200, "GET", "/api/v1/metrics/server");
    const before = await read();
    const name = await newTenant();
    await newTenant();
    await expectOperator(200, "POST", `/api/v1/tenants/${name}/suspend`);
    const after = await read();
    expect(after["activeTenants"]).toBe((before["activeTenants"] ?? 0) + 1);
    expect(after.tenants).toMatchObject({ total: (before.tenants["total"] ?? 0) + 2, suspended: (before.tenants["suspended"] ?? 0) + 1, running: (before.tenants["running"] ?? 0) + 1 });
    expect([after["cpuPercent"], after["memoryUsedBytes"], after["storageTotalBytes"]]).toEqual([0, 0, 10 * 1024 ** 3]);
    expect(after["databaseBytes"]).toBeGreaterThan(0);
    expect(after["storageUsedBytes"]).toBe((after["databaseBytes"] ?? 0) + (after["skillBytes"] ?? 0));
  });

  it("and tenants cost one read each", async () => {
    const name = await newTenant();
    for (const [what, read] of Object.entries({ list: (ctx: Ctx) => listTenants(ctx), get: (ctx: Ctx) => getTenant(ctx, { name }) })) {
      const { cost } = await costOf<unknown>(read);
      expect(cost.queries, what).toBe(1);
    }
  });
});

describe("projection drift", () => {
  it("counts what disagrees, and says how late copies are", async () => {
    const name = await newTenant();
    const calm = await readDrift();
    expect(calm).toMatchObject({ tenant: { driftCount: 0 }, alertFired: false, alert: { enabled: false, threshold: 0, exceeded: false, state: "ok" }, summary: { totalDriftCount: 0 } });
    expect(calm.lag.resources.tenant).toMatchObject({ measuredProjectionCount: calm.tenant.sourceCount, unresolvedMissingProjectionCount: 0 });
    expect(calm.lag.maxProjectionLagSeconds).toBeGreaterThanOrEqual(0);
    await loseRow(name);
    const heard = webhook(() => 200);
    expect(await readDrift(variables(1))).toMatchObject({ tenant: { driftCount: 1 }, alertFired: false, alert: { enabled: true, threshold: 1, exceeded: true, state: "alert" }, lag: { resources: { tenant: { unresolvedMissingProjectionCount: 1 } } } });
    expect(await readDrift(variables(2))).toMatchObject({ alert: { enabled: true, exceeded: false, state: "ok" } });
    // Reading alerts nobody.
    expect(heard).toEqual([]);
    await mend();
  });

  it("alerts once for the same drift, again for another and when it comes back, and until the alert is taken", async () => {
    const [one, other] = [await newTenant(), await newTenant()];
    let status = 500;
    const heard = webhook(() => status);
    await check(1);
    expect(heard).toEqual([]);
    await loseRow(one);
    await check(0);
    await check(2);
    expect(heard).toEqual([]);
    // Refused: the queue asks again.
    await expect(check(1)).rejects.toMatchObject({ code: "BAD_GATEWAY" });
    status = 204;
    await check(1);
    await check(1);
    expect(heard.map(({ type, threshold, totalDriftCount }) => ({ type, threshold, totalDriftCount }))).toEqual(Array.from({ length: 2 }, () => ({ type: "opencrane.projection_drift.alert", threshold: 1, totalDriftCount: 1 })));
    expect(heard[0]?.id).toBe(heard[1]?.id);
    expect(await readDrift(variables(1))).toMatchObject({ alertFired: true });
    await loseRow(other);
    await check(1);
    expect(heard.at(-1)).toMatchObject({ totalDriftCount: 2 });
    expect(heard).toHaveLength(3);
    await mend();
    await check(1);
    expect(heard).toHaveLength(3);
    expect(await readDrift(variables(1))).toMatchObject({ alertFired: false });
    await loseRow(one);
    await check(1);
    expect(heard).toHaveLength(4);
    await mend();
    await check(1);
  });

  it("is looked for every hour, by the queue", async () => {
    const sent: Job[] = [];
    const jobs = { send: async (job: Job) => void sent.push(job) };
    const late: Promise<unknown>[] = [];
    await handleScheduled({ cron: "17 * * * *", scheduledTime: Date.now(), noRetry: () => undefined }, { ...bindings, JOBS: jobs as unknown as Queue } as Env, { waitUntil: (work) => void late.push(work) });
    await Promise.allSettled(late);
    expect(sent.filter(({ type }) => type === "metrics.check_drift")).toHaveLength(1);
  });

  it("puts a tenant into the directory that it lacks", async () => {
    const name = await newTenant();
    await runInDurableObject(bindings.DIRECTORY_DO?.getByName("directory") as DurableObjectStub, (_, state) => void state.storage.sql.exec("DELETE FROM names WHERE name = ?", name));
    // It hides nothing: the row is known.
    await bindings.DB.prepare("UPDATE governance_tenants SET team = 'lost' WHERE name = ?").bind(name).run();
    expect(await readDrift()).toMatchObject({ tenant: { driftCount: 1 } });
    await check(0);
    expect((await directoryObject(bindings).list(name.slice(0, -1), 1_000)).entries.find((entry) => entry.name === name)).toMatchObject({ state: "live" });
    await mend();
  });
});

const SPEC = { displayName: "Acme", email: "ops@acme.test", team: null, monthlyBudgetUsd: null, resources: null, skillAllowlist: null, policyRef: null, clusterTenantRef: null, labels: {}, wave: null, suspended: false };
const BY = { actorType: "system", actorId: "test", requestId: "req", ip: null, userAgent: null, at: 0 };

describe("looking for all tenants' policies", () => {
  it("goes page by page over the queue, each page once, and reaches everybody", async () => {
    const names = Array.from({ length: 60 }, () => uniqueName("walk"));
    await Promise.all(
      names.map(async (name) => {
        await directoryObject(bindings).reserve(name);
        await tenantObject(bindings, name).create(name, SPEC, BY, 0);
      }),
    );
    const sent = new Map<string, Job>();
    const base = systemContext();
    const ctx: Ctx = { ...base, services: { ...base.services, jobs: { send: async (job) => void sent.set(job.id, job) } } };
    await reconcileEffect(ctx, { tenants: "all" }, "eff_walk");
    for (const { payload } of sent.values()) await reconcilePageJob(ctx, payload);
    const pages = sent.size;
    expect(pages).toBeGreaterThanOrEqual(1);
    const states = await Promise.all(names.map((name) => tenantObject(bindings, name).getState()));
    expect(states.filter((state) => state?.resolution?.state === "none")).toHaveLength(names.length);
    // The same walk again sends nothing new, and changes nothing.
    await reconcileEffect(ctx, { tenants: "all" }, "eff_walk");
    expect(sent.size).toBe(pages);
    expect(await Promise.all(names.map(async (name) => (await tenantObject(bindings, name).getState())?.revision))).toEqual(states.map((state) => state?.revision));
    await expect(reconcileEffect(ctx, { tenants: 7 }, "eff_bad")).rejects.toMatchObject({ name: "PermanentEffectError" });
    await expect(reconcilePageJob(ctx, {})).rejects.toMatchObject({ code: "MALFORMED_REQUEST" });
  });
});
