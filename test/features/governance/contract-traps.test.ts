import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Env } from "../../../src/env";
import { show } from "../../../src/governance/projections/project";
import { TENANT_KIND, tenantProjector } from "../../../src/governance/tenants/tenant-projector";
import { tenantObject } from "../../../durable-objects/stubs";
import { refreshTenant } from "../../../src/governance/contracts/refresh-contracts";
import { insertBot } from "../../support/bots";
import { api, expectStatus, mintToken, signUpUser, uniqueName } from "../../support/client";
import { asOperator, expectOperator } from "../../support/governance";
import { beatAs, claimsOf, contractOf, createTenant, govern, jobContext, refOf, registeredAtOf, rowOf, rpcOf, tenantPath, type World } from "../../support/governed-machines";
import { registerMachine, SocketClient, StreamClient } from "../../support/machines";

/** What must reach a governed machine, and what must not, where names come again and tenants are suspended. */

const bindings = env as unknown as Env;
const { DB } = bindings;
afterEach(() => {
  vi.restoreAllMocks();
});

const allow = (subjectType: string, subjectId: string) => ({ scope: "org", subjectType, subjectId, access: "allow" });

/** The first `count` events that a stream of the account's machines replays: what they are, or their ids. */
async function replayed(world: World, count: number): Promise<readonly unknown[]> {
  const stream = await StreamClient.open("/api/v1/openclaw/events", world.user.accessToken, { "last-event-id": "0" });
  const seen: unknown[] = [];
  while (seen.length < count) {
    const event = await stream.next();
    seen.push(event?.data["id"] ?? event?.data["type"]);
  }
  await stream.close();
  return seen;
}

/** Runs `change`; the machine has a newer contract when it is answered, over its link too. */
async function expectNews(world: World, socket: SocketClient, change: () => Promise<unknown>): Promise<Record<string, unknown>> {
  const before = await contractOf(world);
  await change();
  const after = await contractOf(world);
  expect(after.revision).toBeGreaterThan(before.revision);
  expect(await socket.until("event")).toMatchObject({ data: { type: "contract", contract_id: after.contractId, revision: after.revision } });
  return claimsOf(after);
}

describe("what is granted to a tenant", () => {
  it("stands in its machine's next contract when the change is answered: servers, groups and skills", async () => {
    const world = await govern();
    const socket = await SocketClient.open(world.machine, world.token);
    const name = uniqueName("tickets");
    const server = { name, endpoint: "https://mcp.example.org/mcp", status: "active" };
    let id = "";
    const granted = await expectNews(world, socket, async () => {
      ({ id } = await expectOperator<{ id: string }>(201, "POST", "/api/v1/mcp-servers", { body: { ...server, grants: [allow("tenant", world.tenant)] } }));
    });
    expect(granted).toMatchObject({ mcpServers: { allow: [name], servers: [{ id, name }] } });
    expect(await expectNews(world, socket, () => expectOperator(200, "PUT", `/api/v1/mcp-servers/${id}`, { body: { grants: [] } }))).toMatchObject({ mcpServers: { allow: [], servers: [] } });

    const group = await expectOperator<{ id: string }>(201, "POST", "/api/v1/groups", { body: { name: uniqueName("group") } });
    await expectOperator(200, "PUT", `/api/v1/mcp-servers/${id}`, { body: { grants: [allow("group", group.id)] } });
    expect(await expectNews(world, socket, () => expectOperator(200, "PUT", `/api/v1/groups/${group.id}`, { body: { members: [world.tenant] } }))).toMatchObject({ mcpServers: { allow: [name] } });
    expect(await expectNews(world, socket, () => expectOperator(200, "DELETE", `/api/v1/groups/${group.id}`))).toMatchObject({ mcpServers: { allow: [] } });

    const skill = await expectNews(world, socket, () =>
      expectOperator(201, "POST", "/api/v1/skills/catalog", { body: { name: uniqueName("skill"), scope: "org", version: "1.0.0", digest: `sha256:${"a".repeat(64)}`, grants: [allow("tenant", world.tenant)] } }),
    );
    expect(skill).toMatchObject({ skills: { entitled: [{ version: "1.0.0" }] } });
    expect(await expectNews(world, socket, () => expectOperator(200, "DELETE", `/api/v1/mcp-servers/${id}`))).not.toMatchObject({ mcpServers: { servers: [{ id }] } });
    socket.close();
  });

  it("does not go to another tenant that gets its name", async () => {
    const world = await govern();
    const payload = uniqueName("payload");
    const group = await expectOperator<{ id: string }>(201, "POST", "/api/v1/groups", { body: { name: uniqueName("group"), members: [world.tenant, "somebody"], grants: [{ scope: "org", access: "allow", payloadId: payload }] } });
    const server = await expectOperator<{ id: string }>(201, "POST", "/api/v1/mcp-servers", {
      body: { name: uniqueName("server"), endpoint: "https://mcp.example.org/mcp", grants: [allow("tenant", world.tenant), allow("user", world.tenant), allow("tenant", "somebody")] },
    });
    const session = `/api/v1/sessions/${uniqueName("session")}/scope`;
    await expectOperator(200, "PUT", session, { body: { principal: world.tenant, scopes: [{ scope: "org", payloadId: payload }] } });
    const effective = () => expectOperator<{ mcp: { servers: unknown[] }; awareness: { grants: unknown[] } }>(200, "GET", `${tenantPath(world.tenant)}/effective-contract`);
    expect(await effective()).toMatchObject({ mcp: { servers: [{ id: server.id }] }, awareness: { grants: [{ payloadId: payload }] } });

    await expectOperator(200, "DELETE", tenantPath(world.tenant));
    await expectOperator(404, "GET", session);
    // What was said before the name is given again is meant for whoever gets it.
    const early = uniqueName("early");
    await expectOperator(201, "POST", "/api/v1/mcp-servers", { body: { name: early, endpoint: "https://mcp.example.org/mcp", grants: [allow("tenant", world.tenant)] } });
    await expectOperator(201, "POST", "/api/v1/tenants", { body: { name: world.tenant, displayName: "Second", email: world.user.email } });
    const second = await effective();
    expect(second.mcp.servers).toEqual([expect.objectContaining({ name: early })]);
    expect(second.awareness.grants).toEqual([]);
    expect(await expectOperator(200, "GET", `/api/v1/groups/${group.id}`)).toMatchObject({ members: ["somebody"] });
    expect(await expectOperator(200, "GET", `/api/v1/mcp-servers/${server.id}`)).toMatchObject({ grants: [{ subjectId: "somebody" }] });
  });

  it("does not go to it either when D1 hears of the new tenant before the end of the old one", async () => {
    const world = await govern();
    await expectOperator(201, "POST", "/api/v1/mcp-servers", { body: { name: uniqueName("server"), endpoint: "https://mcp.example.org/mcp", grants: [allow("tenant", world.tenant)] } });
    const looked = await tenantObject(bindings, world.tenant).look();
    if (!looked) throw new Error("the tenant has no object");
    const { ctx } = jobContext();
    const next = looked.state.revision + 10;
    const entry = { seq: 1, kind: TENANT_KIND, key: world.tenant, at: Date.now(), audit: null, source: uniqueName("entry") };
    const servers = async () => (await expectOperator<{ mcp: { servers: unknown[] } }>(200, "GET", `${tenantPath(world.tenant)}/effective-contract`)).mcp.servers.length;
    // A change of the same life takes nothing away.
    await show(ctx, { ...entry, revision: next, snapshot: { ...looked.state, revision: next } }, tenantProjector);
    expect(await servers()).toBe(1);
    await show(ctx, { ...entry, revision: next + 2, snapshot: { ...looked.state, revision: next + 2, bornRevision: next + 2 } }, tenantProjector);
    await show(ctx, { ...entry, revision: next + 1, snapshot: null }, tenantProjector);
    expect(await servers()).toBe(0);
  });

  it("through a group that is gone does not come back with another of its name", async () => {
    const world = await govern();
    const name = uniqueName("group");
    const group = await expectOperator<{ id: string }>(201, "POST", "/api/v1/groups", { body: { name, members: [world.tenant] } });
    const server = await expectOperator<{ id: string }>(201, "POST", "/api/v1/mcp-servers", { body: { name: uniqueName("server"), endpoint: "https://mcp.example.org/mcp", grants: [{ ...allow("group", ""), subjectId: undefined, subjectName: name }] } });
    const servers = async () => (await expectOperator<{ mcp: { servers: { id: string }[] } }>(200, "GET", `${tenantPath(world.tenant)}/effective-contract`)).mcp.servers.map(({ id }) => id);
    expect(await servers()).toEqual([server.id]);
    await expectOperator(200, "DELETE", `/api/v1/groups/${group.id}`);
    await expectOperator(201, "POST", "/api/v1/groups", { body: { name, members: [world.tenant] } });
    expect(await servers()).toEqual([]);
  });
});

describe("a suspended tenant's machine", () => {
  it("hears that somebody may talk to a bot no longer, and of nothing that is work", async () => {
    const world = await govern();
    const { machine, user } = world;
    const bot = await insertBot(user, { instance_id: machine });
    const recipient = await signUpUser();
    const { id } = await expectStatus<{ id: number }>(201, "POST", `/api/v1/bots/${bot.id}/shares`, { token: user.accessToken, body: { shared_with_user_id: recipient.matrixId } });
    await expectOperator(200, "POST", `${tenantPath(world.tenant)}/suspend`);
    expect((await api("DELETE", `/api/v1/bots/${bot.id}/shares/${id}`, { token: user.accessToken })).status).toBeLessThan(300);
    await expect.poll(async () => ((await beatAs(world)).pending_commands as readonly { id: string; command_type?: string }[]).map(({ command_type }) => command_type)).toContain("bot_share_revoked");
    expect(await api("POST", "/api/v1/dashboard/commands", { token: user.accessToken, body: { instance_id: machine, command_type: "restart_gateway" } })).toMatchObject({ status: 409, body: { code: "tenant_suspended" } });
    expect(await DB.prepare("SELECT count(*) AS n FROM outbox WHERE type IN ('bot.shares_ended', 'share.notify') AND last_error LIKE ?").bind(`%${machine}%`).first<number>("n")).toBe(0);
  });

  it("gets no command from a stream of its account that goes back in time", async () => {
    const world = await govern();
    const command = await expectStatus<{ id: string }>(200, "POST", "/api/v1/dashboard/commands", { token: world.user.accessToken, body: { instance_id: world.machine, command_type: "bot_refresh", payload: {} } });
    expect(await replayed(world, 2)).toEqual(["contract", command.id]);
    // While the feed is down the contract counts as undelivered, and comes again.
    vi.spyOn(bindings.ACCOUNT_FEED_DO as DurableObjectNamespace, "getByName").mockImplementation(() => {
      throw new Error("no feed today");
    });
    await expectOperator(200, "POST", `${tenantPath(world.tenant)}/suspend`);
    vi.restoreAllMocks();
    expect(await contractOf(world)).toMatchObject({ suspended: true });
    await refreshTenant(jobContext().ctx, world.tenant);
    expect(await replayed(world, 2)).toEqual(["contract", "resync"]);
    expect((await beatAs(world)).pending_commands).toEqual([]);
    await expectOperator(200, "POST", `${tenantPath(world.tenant)}/resume`);
    expect((await beatAs(world)).pending_commands).toMatchObject([{ id: command.id }]);
  });
});

describe("what happens at once", () => {
  it("ends with the contract of what is true, however refreshes overtake each other", async () => {
    const world = await govern();
    const seen: number[] = [];
    for (let round = 0; round < 4; round++) {
      await Promise.allSettled([
        ...["suspend", "resume", "suspend"].map((verb) => expectOperator(200, "POST", `${tenantPath(world.tenant)}/${verb}`)),
        expectOperator(200, "PUT", tenantPath(world.tenant), { body: { team: `team${round}` } }),
        ...[1, 2, 3].map(() => refreshTenant(jobContext().ctx, world.tenant).catch(() => undefined)),
      ]);
      await refreshTenant(jobContext().ctx, world.tenant);
      const contract = await contractOf(world);
      const truth = await expectOperator<{ phase: string }>(200, "GET", tenantPath(world.tenant));
      expect(contract.suspended).toBe(truth.phase === "Suspended");
      expect((await claimsOf(contract))["suspended"]).toBe(contract.suspended);
      expect((await expectOperator(200, "GET", `${tenantPath(world.tenant)}/effective-contract`))["contractId"]).toBe(contract.contractId);
      expect(await rowOf(world)).toMatchObject({ revision: contract.revision, delivered_revision: contract.revision, jws: contract.jws });
      seen.push(contract.revision);
    }
    expect(seen).toEqual([...new Set(seen)].sort((a, b) => a - b));
  });

  it("gives a machine that two tenants take on to one of them", async () => {
    const user = await signUpUser();
    const machine = await registerMachine(user);
    const tenants = await Promise.all([1, 2, 3, 4].map(() => createTenant(user.email)));
    const answers = await Promise.all(tenants.map((name) => asOperator("PUT", `${tenantPath(name)}/machines/${machine}`)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409]);
    const winner = tenants[answers.findIndex(({ status }) => status === 200)];
    expect(await expectStatus(200, "GET", `/api/v1/machine-contracts/${machine}`, { token: user.accessToken })).toMatchObject({ tenant: winner, released: false });
    for (const name of tenants) expect(await expectOperator<readonly unknown[]>(200, "GET", `${tenantPath(name)}/machines`)).toHaveLength(name === winner ? 1 : 0);
  });
});

describe("a contract that is late", () => {
  it("does not reach another machine that has the id by now", async () => {
    const world = await govern();
    await expectOperator(200, "POST", `${tenantPath(world.tenant)}/suspend`);
    // As if it had not got there.
    await DB.prepare("UPDATE governance_machine_contracts SET delivered_revision = 0 WHERE instance_id = ?").bind(world.machine).run();
    await expectStatus(204, "DELETE", `/api/v1/openclaw/instances/${world.machine}`, { token: world.user.accessToken });
    const { token } = await mintToken(world.user);
    await registerMachine(world.user, { instance_id: world.machine }, token);
    await refreshTenant(jobContext().ctx, world.tenant);
    expect(await api("GET", `/api/v1/machine-contracts/${world.machine}`, { token })).toMatchObject({ status: 404 });
    expect(await beatAs({ ...world, token })).not.toHaveProperty("contract");
    const late = { tenant: world.tenant, revision: 2_000_000_000_000, contractId: "late", suspended: true, released: false, jws: "a.b.c" };
    expect(await rpcOf(world).govern(refOf(world), late, (await registeredAtOf(world)) - 1)).toEqual({ kind: "gone" });
    expect(await rpcOf(world).govern(refOf(world), late, await registeredAtOf(world))).toEqual({ kind: "ok", revision: late.revision });
  });
});
