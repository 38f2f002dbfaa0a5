import { evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { readEnv, type Env } from "../../../src/env";
import { refreshContracts, sweepContracts } from "../../../src/governance/contracts/contracts.jobs";
import { refreshTenant } from "../../../src/governance/contracts/refresh-contracts";
import { issueTenantToken } from "../../../src/governance/tenant-sessions/tenant-token";
import { insertBot } from "../../support/bots";
import { api, expectStatus, signUpUnverified, signUpUser, uniqueName } from "../../support/client";
import { asOperator, expectOperator } from "../../support/governance";
import { beatAs, claimsOf, contractOf, createTenant, govern, type GovernedBeat, jobContext, machinePath, type MachineView, report, rowOf, tenantPath, viewOf } from "../../support/governed-machines";
import { beat, beatOf, objectOf, registerMachine, SocketClient } from "../../support/machines";

const bindings = env as unknown as Env;
const { DB } = bindings;

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe("an effective contract", () => {
  it("says what the tenant's agents may know and use, under an id that only what it says can change", async () => {
    const tenant = await createTenant(`${uniqueName()}@example.org`, { team: "blue" });
    const path = `${tenantPath(tenant)}/effective-contract`;
    const first = await expectOperator(200, "GET", path);
    expect(first).toMatchObject({ contractVersion: "4.0.0", tenant: { name: tenant, team: "blue", policyRef: null }, awareness: { citationFormat: "inline", memberships: { org: ["default"], team: [], project: [], personal: [] }, grants: [] }, mcp: { servers: [] }, skills: { entitled: [] } });
    expect(await expectOperator(200, "GET", path)).toEqual(first);

    const grants = [{ scope: "org", subjectType: "tenant", subjectId: tenant, access: "allow" }];
    const server = await expectOperator<{ id: string }>(201, "POST", "/api/v1/mcp-servers", { body: { name: uniqueName("server"), endpoint: "https://mcp.example.org/mcp", transport: "sse", grants } });
    const second = await expectOperator(200, "GET", path);
    expect(second).toMatchObject({ mcp: { servers: [{ id: server.id, transport: "sse" }] } });
    expect(second["contractId"]).not.toBe(first["contractId"]);

    await expectOperator(200, "PUT", `/api/v1/mcp-servers/${server.id}`, { body: { grants: [{ ...grants[0], access: "deny" }] } });
    expect((await expectOperator(200, "GET", path))["contractId"]).toBe(first["contractId"]);
    expect(await asOperator("GET", `${tenantPath(uniqueName("none"))}/effective-contract`)).toMatchObject({ status: 404, body: { code: "TENANT_NOT_FOUND" } });
  });

  it("reaches the tenant's own runtimes, and nobody else's", async () => {
    const tenant = await createTenant(`${uniqueName()}@example.org`);
    const row = await DB.prepare("SELECT born_revision FROM governance_tenants WHERE name = ?").bind(tenant).first<{ born_revision: number }>();
    const { token } = await issueTenantToken(readEnv(bindings), { tenant, bornRevision: row?.born_revision ?? 0, epoch: 0, subject: "test" }, Date.now());
    const effective = await expectOperator(200, "GET", `${tenantPath(tenant)}/effective-contract`);
    const runtime = await expectStatus(200, "GET", `/api/v1/contract/${tenant}`, { token });
    expect(runtime).toMatchObject({ version: "opencrane-runtime/v1alpha1", contractVersion: "2.1.0", platform: "opencrane", mode: "managed", tenant: { name: tenant, team: null }, managedDocs: [], suspended: false, effective });
    const other = await createTenant(`${uniqueName()}@example.org`);
    for (const name of [other, uniqueName("none")]) expect(await api("GET", `/api/v1/contract/${name}`, { token })).toMatchObject({ status: 404, body: { code: "NOT_FOUND" } });
    expect((await asOperator("GET", `/api/v1/contract/${tenant}`)).status).toBe(403);
  });
});

describe("a tenant's machine", () => {
  it("hears of its contract with each beat, reads it, and can check it", async () => {
    const world = await govern({ team: "blue" });
    const { contract: pointer } = await beatAs(world);
    const contract = await contractOf(world);
    expect(pointer).toEqual({ id: contract.contractId, revision: contract.revision });
    expect(contract).toMatchObject({ tenant: world.tenant, suspended: false, released: false });
    const claims = await claimsOf(contract);
    expect(claims).toMatchObject({ sub: world.tenant, instance: world.machine, jti: contract.contractId, rev: contract.revision, suspended: false, domains: null, egress: [], awareness: { shadow: false }, bots: [] });
    expect((await expectOperator(200, "GET", `${tenantPath(world.tenant)}/effective-contract`))["contractId"]).toBe(contract.contractId);

    const socket = await SocketClient.open(world.machine, world.token);
    const { instance_id: _, ...fields } = beatOf(world.machine);
    socket.send({ t: "beat", ...fields });
    expect(await socket.until("beat.ok")).toMatchObject({ contract: pointer });
    socket.close();
  });

  it("gets another revision when what it must keep to changes, at once, over its link and in its log; not when nothing does", async () => {
    const world = await govern({ labels: { site: uniqueName("site") } });
    const before = await contractOf(world);
    const socket = await SocketClient.open(world.machine, world.token);
    const policy = uniqueName("policy");
    await expectOperator(201, "POST", "/api/v1/policies", { body: { name: policy, tenantSelector: { matchLabels: { "opencrane.io/tenant": world.tenant } }, domains: { allow: ["*.example.org"], deny: ["bad.example.org"], defaultDeny: true }, tools: { deny: ["shell"] } } });
    const after = await contractOf(world);
    expect(after.revision).toBeGreaterThan(before.revision);
    expect(await socket.until("event")).toMatchObject({ data: { type: "contract", contract_id: after.contractId, revision: after.revision } });
    expect(await claimsOf(after)).toMatchObject({ domains: { allow: ["*.example.org"], deny: ["bad.example.org"], defaultDeny: true }, tools: { allow: null, deny: ["shell"] } });
    socket.close();

    // A link that comes back hears what it missed.
    const again = await SocketClient.open(world.machine, world.token, 0);
    expect(await again.until("event")).toMatchObject({ data: { type: "contract", revision: before.revision } });
    again.close();

    const { ctx } = jobContext();
    await refreshTenant(ctx, world.tenant);
    await refreshContracts(ctx, { tenants: [world.tenant, world.tenant] });
    expect(await contractOf(world)).toEqual(after);
    await expectOperator(200, "DELETE", `/api/v1/policies/${policy}`);
    expect(await claimsOf(await contractOf(world))).toMatchObject({ domains: null });
  });

  it("may do nothing while two policies claim its tenant", async () => {
    const world = await govern();
    const policies = [uniqueName("policy"), uniqueName("policy")];
    for (const name of policies) await expectOperator(201, "POST", "/api/v1/policies", { body: { name, tenantSelector: { matchLabels: { "opencrane.io/tenant": world.tenant } }, domains: ["*"] } });
    expect(await claimsOf(await contractOf(world))).toMatchObject({ domains: { allow: [], deny: ["*"], defaultDeny: true }, tools: { allow: [], deny: ["*"] }, mcpServers: { allow: [], servers: [] } });
    for (const name of policies) await expectOperator(200, "DELETE", `/api/v1/policies/${name}`);
    expect(await claimsOf(await contractOf(world))).toMatchObject({ domains: null });
  });

  it("takes no commands while its tenant is suspended, gets those that waited when it is resumed, and is let go of", async () => {
    const world = await govern();
    const { token, machine, user } = world;
    const command = (type = "bot_refresh", key?: string) => api<{ id: string; code?: string }>("POST", "/api/v1/dashboard/commands", { token: user.accessToken, body: { instance_id: machine, command_type: type, payload: {} }, headers: key === undefined ? undefined : { "idempotency-key": key } });
    const waiting = await command("bot_refresh", "once");
    expect(waiting.status).toBeLessThan(300);

    await expectOperator(200, "POST", `${tenantPath(world.tenant)}/suspend`);
    expect(await contractOf(world)).toMatchObject({ suspended: true });
    expect(await command()).toMatchObject({ status: 409, body: { code: "tenant_suspended", tenant: world.tenant } });
    expect(await api("POST", "/api/v1/dashboard/gateway/restart", { token: user.accessToken, body: { instance_id: machine } })).toMatchObject({ status: 409, body: { code: "tenant_suspended" } });
    // The same request again is the first command.
    expect(await command("bot_refresh", "once")).toMatchObject({ status: waiting.status, body: { id: waiting.body.id } });
    expect((await beatAs(world)).pending_commands).toEqual([]);
    // Also to an object that slept, and over a new link.
    await evictDurableObject(objectOf(user, machine));
    expect((await beatAs(world)).pending_commands).toEqual([]);
    const socket = await SocketClient.open(machine, token);
    const { instance_id: _, ...fields } = beatOf(machine);
    socket.send({ t: "beat", ...fields });
    expect(await socket.until("beat.ok")).toMatchObject({ pending_commands: [] });

    await expectOperator(200, "POST", `${tenantPath(world.tenant)}/resume`);
    const seen = [await socket.until("event"), await socket.until("event")].map((frame) => frame["data"]);
    expect(seen).toEqual([expect.objectContaining({ type: "contract" }), expect.objectContaining({ type: "command", id: waiting.body.id })]);
    socket.close();
    expect((await beatAs(world)).pending_commands.map(({ id }) => id)).toEqual([waiting.body.id]);
    expect((await command()).status).toBeLessThan(300);

    await expectOperator(200, "POST", `${tenantPath(world.tenant)}/suspend`);
    const pointer = (await beatAs(world)).contract;
    await beatAs(world, report(pointer ?? { id: "", revision: 0 }));
    expect(await expectOperator(200, "DELETE", machinePath(world))).toEqual({ instanceId: machine, status: "released" });
    const released = await contractOf(world);
    expect(released).toMatchObject({ released: true, suspended: false });
    expect(await claimsOf(released)).toEqual({ iss: "sett", aud: "sett-machine", iat: expect.any(Number), sub: world.tenant, jti: released.contractId, instance: machine, rev: released.revision, released: true });
    expect((await command()).status).toBeLessThan(300);
    // Told until the machine shows that it knows.
    expect((await beatAs(world, report(pointer ?? { id: "", revision: 0 }))).contract).toEqual({ id: released.contractId, revision: released.revision });
    expect((await beatAs(world, report({ id: released.contractId, revision: released.revision }))).contract).toBeUndefined();
    expect(await viewOf(world)).toBeUndefined();
    expect(await asOperator("DELETE", machinePath(world))).toMatchObject({ status: 404 });
  });

  it("is released when its tenant is deleted, and does not belong to a new one of the same name", async () => {
    const world = await govern();
    await expectOperator(200, "DELETE", tenantPath(world.tenant));
    expect(await contractOf(world)).toMatchObject({ released: true });
    await expectOperator(201, "POST", "/api/v1/tenants", { body: { name: world.tenant, displayName: "Second", email: world.user.email } });
    expect(await expectOperator(200, "GET", `${tenantPath(world.tenant)}/machines`)).toEqual([]);
    expect(await contractOf(world)).toMatchObject({ released: true });
    await expectOperator(200, "PUT", machinePath(world));
    expect(await contractOf(world)).toMatchObject({ released: false });
    expect(await expectOperator<readonly unknown[]>(200, "GET", `${tenantPath(world.tenant)}/machines`)).toHaveLength(1);
  });
});

describe("taking on machines and bots", () => {
  it("takes only those of a verified, active account with that address, and one tenant for each", async () => {
    const world = await govern();
    const missing = { status: 404, body: { code: "NOT_FOUND" } };
    const stranger = await signUpUser();
    const foreign = await registerMachine(stranger);
    expect(await asOperator("PUT", `${tenantPath(world.tenant)}/machines/${foreign}`)).toMatchObject(missing);
    expect(await asOperator("PUT", `${tenantPath(world.tenant)}/machines/${uniqueName("none")}`)).toMatchObject(missing);
    expect(await asOperator("PUT", `${tenantPath(world.tenant)}/machines/${world.machine}`, { body: { owner: stranger.email } })).toMatchObject(missing);
    const unverified = await signUpUnverified();
    expect(await asOperator("PUT", `${tenantPath(world.tenant)}/machines/${foreign}`, { body: { owner: unverified.email } })).toMatchObject(missing);
    expect(await asOperator("PUT", `${tenantPath(world.tenant)}/machines/${foreign}`, { body: { owner: "nonsense" } })).toMatchObject({ status: 400, body: { code: "VALIDATION_ERROR" } });
    expect(await expectOperator(200, "PUT", `${tenantPath(world.tenant)}/machines/${foreign}`, { body: { owner: stranger.email.toUpperCase() } })).toMatchObject({ instanceId: foreign, deliveredRevision: expect.any(Number) });

    const rival = await createTenant(world.user.email);
    expect(await asOperator("PUT", `${tenantPath(rival)}/machines/${world.machine}`)).toMatchObject({ status: 409, body: { code: "CONFLICT" } });
    expect(await asOperator("DELETE", `${tenantPath(rival)}/machines/${world.machine}`)).toMatchObject(missing);
    // The same again is no second one.
    const revision = (await rowOf(world))?.revision;
    await expectOperator(200, "PUT", machinePath(world));
    expect((await rowOf(world))?.revision).toBe(revision);
    expect((await asOperator("PUT", machinePath(world), { token: world.user.accessToken })).status).toBe(403);

    const page = await expectOperator<readonly MachineView[]>(200, "GET", `${tenantPath(world.tenant)}/machines?limit=1`);
    const rest = await expectOperator<readonly MachineView[]>(200, "GET", `${tenantPath(world.tenant)}/machines?limit=1&after=${page[0]?.instanceId ?? ""}`);
    expect([...page, ...rest].map(({ instanceId }) => instanceId).sort()).toEqual([foreign, world.machine].sort());
  });

  it("hands a machine to another tenant only after the first let it go, with a newer revision", async () => {
    const world = await govern();
    const before = await contractOf(world);
    const heir = await createTenant(world.user.email);
    await expectOperator(200, "DELETE", machinePath(world));
    await expectOperator(200, "PUT", `${tenantPath(heir)}/machines/${world.machine}`);
    const after = await contractOf(world);
    expect(after).toMatchObject({ tenant: heir, released: false });
    expect(after.revision).toBeGreaterThan(before.revision);
    // What comes late from the first tenant changes nothing.
    await refreshTenant(jobContext().ctx, world.tenant);
    expect(await contractOf(world)).toEqual(after);
  });

  it("lists bots of a tenant and of its machines, and names the tenant's own in its contracts", async () => {
    const world = await govern();
    const path = `${tenantPath(world.tenant)}/bots`;
    const housed = await insertBot(world.user, { instance_id: world.machine });
    const roaming = await insertBot(world.user);
    const foreign = await insertBot(await signUpUser());
    expect(await asOperator("PUT", `${path}/${foreign.id}`)).toMatchObject({ status: 404, body: { code: "NOT_FOUND" } });
    expect(await expectOperator(200, "PUT", `${path}/${roaming.id}`)).toMatchObject({ botId: roaming.id, via: "tenant", instanceId: null, owner: world.user.email });
    const list = await expectOperator<readonly { botId: string; via: string }[]>(200, "GET", path);
    expect(new Map(list.map(({ botId, via }) => [botId, via]))).toEqual(new Map([[housed.id, "machine"], [roaming.id, "tenant"]]));
    expect((await claimsOf(await contractOf(world)))["bots"]).toEqual([roaming.id]);

    const rival = await createTenant(world.user.email);
    expect(await asOperator("PUT", `${tenantPath(rival)}/bots/${roaming.id}`)).toMatchObject({ status: 409, body: { code: "CONFLICT" } });
    expect(await asOperator("DELETE", `${path}/${housed.id}`)).toMatchObject({ status: 404 });
    expect(await expectOperator(200, "DELETE", `${path}/${roaming.id}`)).toEqual({ botId: roaming.id, status: "released" });
    expect((await claimsOf(await contractOf(world)))["bots"]).toEqual([]);
  });

  it("leaves nothing behind when a machine goes", async () => {
    const world = await govern();
    const row = await rowOf(world);
    await expectStatus(204, "DELETE", `/api/v1/openclaw/instances/${world.machine}`, { token: world.user.accessToken });
    expect(await expectOperator(200, "GET", `${tenantPath(world.tenant)}/machines`)).toEqual([]);
    // Its object is emptied after the answer.
    await vi.waitFor(async () => expect((await api("GET", `/api/v1/machine-contracts/${world.machine}`, { token: world.user.accessToken })).status).toBe(404));
    await sweepContracts(jobContext().ctx);
    for (const table of ["governance_tenant_machines", "governance_machine_contracts"]) expect(await DB.prepare(`SELECT 1 FROM ${table} WHERE instance_row = ?`).bind(row?.instance_row).first()).toBeNull();
    // A machine of the same name is another machine.
    const again = await registerMachine(world.user, { instance_id: world.machine });
    expect(again).toBe(world.machine);
    expect((await beat(world.user.accessToken, world.machine)) as GovernedBeat).not.toHaveProperty("contract");
    expect(await api("GET", `/api/v1/machine-contracts/${world.machine}`, { token: world.user.accessToken })).toMatchObject({ status: 404 });
  });
});
