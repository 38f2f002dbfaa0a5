import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Env } from "../../../src/env";
import { enqueueUndelivered, refreshContracts, refreshPage, sweepContracts } from "../../../src/governance/contracts/contracts.jobs";
import { api, signUpUser, uniqueName } from "../../support/client";
import { expectOperator } from "../../support/governance";
import { tenantPath, govern, beatAs, contractOf, viewOf, rowOf, registeredAtOf, rpcOf, refOf, report, claimsOf, jobContext } from "../../support/governed-machines";
import { beat, beatOf, objectOf, registerMachine } from "../../support/machines";

/** How contracts come to machines whatever breaks on the way, and what machines tell of them. */

const bindings = env as unknown as Env;
const { DB } = bindings;

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe("delivery", () => {
  it("that broke off between D1 and the object is made up for by the sweep", async () => {
    const world = await govern();
    const before = await contractOf(world);
    vi.spyOn(bindings.INSTANCE_DO as DurableObjectNamespace, "getByName").mockImplementation(() => {
      throw new Error("no objects today");
    });
    await expectOperator(200, "POST", `${tenantPath(world.tenant)}/suspend`);
    vi.restoreAllMocks();
    expect(await contractOf(world)).toEqual(before);
    const cut = await rowOf(world);
    expect(cut?.delivered_revision).toBe(before.revision);
    expect(cut?.revision).toBeGreaterThan(before.revision);
    expect((await viewOf(world))?.inSync).toBe(false);

    const { ctx, jobs } = jobContext();
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 5 * 60_000 });
    await enqueueUndelivered(ctx);
    vi.useRealTimers();
    const job = jobs.find(({ payload }) => JSON.stringify(payload).includes(world.tenant));
    expect(job).toMatchObject({ type: "contracts.refresh", payload: { tenants: [world.tenant] } });
    await refreshContracts(ctx, job?.payload);
    await refreshContracts(ctx, job?.payload);
    expect(await contractOf(world)).toMatchObject({ suspended: true, revision: cut?.revision });
    expect((await rowOf(world))?.delivered_revision).toBe(cut?.revision);
  });

  it("never goes back: an object keeps what is newer, and D1 overtakes it with the next revision", async () => {
    const world = await govern();
    const row = await rowOf(world);
    const far = (row?.revision ?? 0) + 1_000;
    const foreign = { tenant: world.tenant, revision: far, contractId: "ahead", suspended: false, released: false, jws: "a.b.c" };
    const registeredAt = await registeredAtOf(world);
    await rpcOf(world).govern(refOf(world), foreign, registeredAt);
    await rpcOf(world).govern(refOf(world), { ...foreign, revision: far - 1, contractId: "older" }, registeredAt);
    expect(await contractOf(world)).toMatchObject({ contractId: "ahead", revision: far });
    await expectOperator(200, "PUT", tenantPath(world.tenant), { body: { team: "red" } });
    const { ctx } = jobContext();
    await refreshContracts(ctx, { tenants: [world.tenant] });
    const contract = await contractOf(world);
    expect(contract.revision).toBeGreaterThan(far);
    expect(await claimsOf(contract)).toMatchObject({ sub: world.tenant });
  });

  it("of everybody's goes page by page, and one failure stops nobody", async () => {
    const world = await govern();
    // As if nothing were known of it.
    await DB.prepare("UPDATE governance_machine_contracts SET content_hash = '' WHERE instance_id = ?").bind(world.machine).run();
    const before = await contractOf(world);
    for (let i = 0; i < 21; i++) await DB.prepare("INSERT INTO governance_tenants (name, display_name, email, labels, suspended, datasets, phase, revision, born_revision, created_at, updated_at) VALUES (?, 'x', 'x@example.org', '{}', 0, '{\"org\":[],\"team\":[],\"project\":[],\"personal\":[]}', 'Running', 1, 1, 1, 1)").bind(uniqueName("zz-page")).run();
    const { ctx, jobs } = jobContext();
    await refreshContracts(ctx, { tenants: "all" }, "eff_1");
    for (let page = jobs.shift(); page; page = jobs.shift()) {
      expect(page.type).toBe("contracts.refresh_page");
      await refreshPage(ctx, page.payload);
    }
    expect((await contractOf(world)).revision).toBeGreaterThan(before.revision);
    await DB.prepare("DELETE FROM governance_tenants WHERE name LIKE 'zz-page%'").run();
    for (const payload of [null, {}, { tenants: 7 }, { tenants: [1] }]) await expect(refreshContracts(ctx, payload)).rejects.toMatchObject({ code: "MALFORMED_REQUEST" });
  });

  it("signs anew when another key is in force", async () => {
    const world = await govern();
    const before = await contractOf(world);
    await DB.prepare("UPDATE governance_machine_contracts SET signing_kid = 'an older key', content_hash = 'of the older key' WHERE instance_id = ?").bind(world.machine).run();
    const { ctx, jobs } = jobContext();
    await sweepContracts(ctx);
    const job = jobs.find(({ payload }) => JSON.stringify(payload).includes(world.tenant));
    await refreshContracts(ctx, job?.payload);
    expect((await contractOf(world)).revision).toBeGreaterThan(before.revision);
    expect((await rowOf(world))?.signing_kid).not.toBe("an older key");
  });
});

describe("a machine's report", () => {
  const participationOf = (tenant: string) => DB.prepare("SELECT policy_violations, running_version, machines FROM governance_participation WHERE tenant = ?").bind(tenant).first<{ policy_violations: number; running_version: string | null; machines: string }>();
  const violations = (...ids: readonly string[]) => ids.map((id) => ({ id, kind: "domain", subject: "bad.example.org", at: new Date().toISOString() }));

  it("shows operators what it runs, and reaches the tenant's participation once per violation", async () => {
    const world = await govern();
    expect((await viewOf(world))?.reportedRevision).toBeNull();
    const { contract: pointer } = await beatAs(world);
    if (!pointer) throw new Error("the beat says nothing of a contract");
    await beatAs(world, report(pointer, { violations: violations("v1", "v2") }));
    await beatAs(world, report(pointer, { violations: violations("v1", "v2") }));
    expect(await viewOf(world)).toMatchObject({ reportedRevision: pointer.revision, reportedContractId: pointer.id, enforcing: ["domain", "tool"], inSync: true, lastReportAt: expect.any(String) });
    const tenant = bindings.TENANT_DO as DurableObjectNamespace;
    await vi.waitFor(
      async () => {
        await runDurableObjectAlarm(tenant.getByName(world.tenant));
        expect(await participationOf(world.tenant)).toMatchObject({ policy_violations: 2, running_version: "awareness/v1alpha1" });
      },
      { timeout: 20_000, interval: 200 },
    );
    expect(JSON.parse((await participationOf(world.tenant))?.machines ?? "[]")).toMatchObject([{ machine: world.machine }]);
  });

  it("that did not arrive goes again, from an object that slept", async () => {
    const world = await govern();
    const { contract: pointer } = await beatAs(world);
    if (!pointer) throw new Error("the beat says nothing of a contract");
    const stub = objectOf(world.user, world.machine);
    const untold = () => runInDurableObject(stub, (_, { storage }) => (JSON.parse(storage.sql.exec<{ reports: string }>("SELECT reports FROM governance").one().reports) as { untold: { violations: unknown[] } }).untold.violations.length);
    const spy = vi.spyOn(bindings.TENANT_DO as DurableObjectNamespace, "getByName").mockImplementation(() => {
      throw new Error("no tenants today");
    });
    await beatAs(world, report(pointer, { violations: violations("v1") }));
    await vi.waitFor(() => expect(spy).toHaveBeenCalled());
    expect(await untold()).toBe(1);
    vi.restoreAllMocks();
    await evictDurableObject(stub);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 2 * 60_000 });
    await runDurableObjectAlarm(stub);
    vi.useRealTimers();
    await vi.waitFor(async () => expect(await untold()).toBe(0));
  });

  it("of a machine that nobody governs is taken and kept by nobody", async () => {
    const user = await signUpUser();
    const machine = await registerMachine(user);
    expect(await beat(user.accessToken, machine, report({ id: "made up", revision: 1 }))).not.toHaveProperty("contract");
    expect(await api("GET", `/api/v1/machine-contracts/${machine}`, { token: user.accessToken })).toMatchObject({ status: 404, body: { code: "NOT_FOUND" } });
    expect(await api("POST", "/api/v1/dashboard/heartbeat", { token: user.accessToken, body: beatOf(machine, { governance: { violations: "many" } }) })).toMatchObject({ status: 422 });
  });
});
