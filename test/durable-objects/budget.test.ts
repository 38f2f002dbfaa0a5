import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import type { InstanceRpc, Spending } from "../../durable-objects/instance/instance.rpc";
import { mintToken, signUpUser, uniqueName } from "../support/client";
import { expectOperator } from "../support/governance";
import { beat, beatOf, objectOf, registerMachine, SocketClient, StreamClient } from "../support/machines";

/** The hot path's budget (docs/design/hot-path.md), by counting what Cloudflare bills. No timing. */

interface Bindings {
  readonly DB: D1Database;
  readonly INSTANCE_DO: DurableObjectNamespace;
  readonly ACCOUNT_FEED_DO: DurableObjectNamespace;
  readonly TENANT_DO: DurableObjectNamespace;
}
const bindings = env as unknown as Bindings;

const spent = (stub: DurableObjectStub): Promise<Spending> => (stub as unknown as { getSpending(): Promise<Spending> }).getSpending();

/** Runs `work` and answers what it cost inside the object and outside it. */
async function costOf(stub: DurableObjectStub, work: () => Promise<unknown>): Promise<Record<string, number>> {
  const before = await spent(stub);
  const spies = { d1: vi.spyOn(bindings.DB, "prepare"), objects: vi.spyOn(bindings.INSTANCE_DO, "getByName"), feeds: vi.spyOn(bindings.ACCOUNT_FEED_DO, "getByName") };
  await work();
  const calls = { d1: spies.d1.mock.calls.length, objectCalls: spies.objects.mock.calls.length };
  for (const spy of Object.values(spies)) spy.mockRestore();
  const after = await spent(stub);
  return { ...calls, rows: after.rowsWritten - before.rowsWritten, alarms: after.alarmsSet - before.alarmsSet, feed: after.feedCalls - before.feedCalls };
}

describe("a steady beat", () => {
  it("of a machine with a socket costs no D1 query, one object call, no row, no alarm, no feed call", async () => {
    const user = await signUpUser();
    const { token } = await mintToken(user);
    const id = await registerMachine(user, {}, token);
    const stub = objectOf(user, id);
    const socket = await SocketClient.open(id, token);
    await beat(token, id);
    expect(await costOf(stub, () => beat(token, id, { mem_free_mb: 900, uptime_seconds: 90 }))).toEqual({ d1: 0, objectCalls: 1, rows: 0, alarms: 0, feed: 0 });
    const { instance_id: _, ...fields } = beatOf(id);
    const overSocket = await costOf(stub, async () => {
      socket.send({ t: "beat", ...fields, mem_free_mb: 800 });
      await socket.until("beat.ok");
      socket.send("ping");
      await socket.until("pong");
    });
    expect(overSocket).toEqual({ d1: 0, objectCalls: 0, rows: 0, alarms: 0, feed: 0 });
    socket.close();
  });

  it("of a machine with a stream costs the same", async () => {
    const user = await signUpUser();
    const { token } = await mintToken(user);
    const id = await registerMachine(user, {}, token);
    const stream = await StreamClient.open("/api/v1/openclaw/events", token);
    await beat(token, id);
    expect(await costOf(objectOf(user, id), () => beat(token, id, { mem_free_mb: 900 }))).toEqual({ d1: 0, objectCalls: 1, rows: 0, alarms: 0, feed: 0 });
    await stream.close();
  });

  it("of a machine with bots costs the same, whatever phase their pairings are in", async () => {
    const user = await signUpUser();
    const { token } = await mintToken(user);
    const id = await registerMachine(user, {}, token);
    const rpc = objectOf(user, id) as unknown as InstanceRpc;
    const bot = (name: string) => ({ botName: name, botUsername: name, botUserId: `@${name}:sett.test`, runtime: "openclaw" as const, pairingId: name, redeemedAt: Date.now(), claimedAt: null });
    await rpc.setRoster({ userId: user.userId, instanceId: id }, 1, { live: bot("live"), connecting: bot("connecting"), broken: bot("broken") });
    const socket = await SocketClient.open(id, token);
    const steady = (sent: number) => [
      { bot_id: "live", status: "running", messages_sent: sent, skills: [{ name: "dig", content: "# dig" }] },
      { bot_id: "connecting", status: "starting", uptime_seconds: sent },
      { bot_id: "broken", status: "error", errors: 4, last_error: "M_UNKNOWN_TOKEN" },
    ];
    await beat(token, id, { bots: [{ bot_id: "broken", status: "running" }] });
    await beat(token, id, { bots: steady(1) });
    // Errors that no longer rise are news once.
    await beat(token, id, { bots: steady(2) });
    expect(await rpc.getSummary({ userId: user.userId, instanceId: id })).toMatchObject({ bots: [{ pairingPhase: "live" }, { pairingPhase: "redeemed" }, { pairingPhase: "degraded" }] });
    expect(await costOf(objectOf(user, id), () => beat(token, id, { bots: steady(3) }))).toEqual({ d1: 0, objectCalls: 1, rows: 0, alarms: 0, feed: 0 });
    socket.close();
  });

  it("of a governed machine costs the same, with its contract in the answer and a report in the beat", async () => {
    const user = await signUpUser();
    const { token } = await mintToken(user);
    const id = await registerMachine(user, {}, token);
    const tenant = uniqueName("tenant");
    await expectOperator(201, "POST", "/api/v1/tenants", { body: { name: tenant, displayName: tenant, email: user.email } });
    await expectOperator(200, "PUT", `/api/v1/tenants/${tenant}/machines/${id}`);
    // Away from the end of a stretch in which the tenant hears of the machine once.
    vi.useFakeTimers({ toFake: ["Date"], now: Math.ceil(Date.now() / 300_000) * 300_000 + 1_000 });
    const socket = await SocketClient.open(id, token);
    const { contract } = (await beat(token, id)) as unknown as { contract: { id: string; revision: number } };
    const governance = { contract_id: contract.id, revision: contract.revision, awareness_version: "awareness/v1alpha1", enforcing: ["domain"], violations: [{ id: "v1", kind: "tool", subject: "shell", at: null }] };
    const stub = objectOf(user, id);
    await beat(token, id, { governance });
    // The tenant's object has heard of it when nothing is written any more.
    await vi.waitFor(async () => expect(await costOf(stub, () => beat(token, id, { governance, uptime_seconds: 1 }))).toMatchObject({ rows: 0 }));
    const tenants = vi.spyOn(bindings.TENANT_DO, "getByName");
    expect(await costOf(stub, () => beat(token, id, { governance, mem_free_mb: 900, uptime_seconds: 90 }))).toEqual({ d1: 0, objectCalls: 1, rows: 0, alarms: 0, feed: 0 });
    const { instance_id: _, ...fields } = beatOf(id, { governance });
    const overSocket = await costOf(stub, async () => {
      socket.send({ t: "beat", ...fields, mem_free_mb: 800 });
      expect(await socket.until("beat.ok")).toMatchObject({ contract });
    });
    expect(overSocket).toEqual({ d1: 0, objectCalls: 0, rows: 0, alarms: 0, feed: 0 });
    expect(tenants).not.toHaveBeenCalled();
    // Another stretch of time: one call beside the beat, and no row of it.
    vi.setSystemTime(Date.now() + 300_000);
    expect(await costOf(stub, () => beat(token, id, { governance, mem_free_mb: 700 }))).toEqual({ d1: 0, objectCalls: 1, rows: 0, alarms: 0, feed: 0 });
    await vi.waitFor(() => expect(tenants).toHaveBeenCalledOnce());
    tenants.mockRestore();
    vi.useRealTimers();
    socket.close();
  });

  it("of a machine without a link costs one row and nothing else", async () => {
    const user = await signUpUser();
    const { token } = await mintToken(user);
    const id = await registerMachine(user, {}, token);
    await beat(token, id);
    const ten = await costOf(objectOf(user, id), async () => {
      for (let i = 0; i < 10; i++) await beat(token, id, { mem_free_mb: 900 + i, load1: i });
    });
    expect(ten).toEqual({ d1: 0, objectCalls: 10, rows: 10, alarms: 0, feed: 0 });
  });

  it("is measured by counters that do count", async () => {
    const user = await signUpUser();
    const id = await registerMachine(user);
    const { token } = await mintToken(user);
    const first = await costOf(objectOf(user, id), () => beat(token, id));
    expect(first["d1"]).toBeGreaterThan(0);
    expect(first["objectCalls"]).toBeGreaterThan(1);
    expect(first["alarms"]).toBeGreaterThan(0);
  });

  it("counts: a change does write, and does tell the feed", async () => {
    const user = await signUpUser();
    const id = await registerMachine(user);
    await beat(user.accessToken, id);
    const cost = await costOf(objectOf(user, id), () => beat(user.accessToken, id, { gateway_status: "crashed" }));
    expect(cost["rows"]).toBeGreaterThan(1);
    expect(cost["feed"]).toBe(1);
  });

  it("writes one row per quarter of an hour for last-seen and the sparkline", async () => {
    const user = await signUpUser();
    const id = await registerMachine(user);
    const socket = await SocketClient.open(id, user.accessToken);
    await beat(user.accessToken, id);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 15 * 60_000 });
    try {
      expect(await costOf(objectOf(user, id), () => beat(user.accessToken, id))).toMatchObject({ rows: 1, feed: 0 });
    } finally {
      vi.useRealTimers();
    }
    const detail = await (objectOf(user, id) as unknown as InstanceRpc).getDetail({ userId: user.userId, instanceId: id });
    expect(detail?.samples).toHaveLength(1);
    socket.close();
  });
});

describe("between beats", () => {
  it("the object really sleeps: it is constructed anew after idling with an open socket, and remembers the machine", async () => {
    const user = await signUpUser();
    const id = await registerMachine(user);
    const stub = objectOf(user, id);
    const socket = await SocketClient.open(id, user.accessToken);
    const { instance_id: _, ...fields } = beatOf(id);
    socket.send({ t: "beat", ...fields, mem_free_mb: 123 });
    await socket.until("beat.ok");
    const before = await spent(stub);
    for (let i = 0; i < 6; i++) {
      await new Promise((resolve) => setTimeout(resolve, 2_200));
      socket.send("ping");
      await socket.until("pong");
    }
    const after = await spent(stub);
    expect(after.constructions).toBeGreaterThan(before.constructions);
    expect(after).toMatchObject({ rowsWritten: 0, alarmsSet: 0, feedCalls: 0 });
    expect(await (stub as unknown as InstanceRpc).getSummary({ userId: user.userId, instanceId: id })).toMatchObject({ reachable: true, link: "socket", memFreeMb: 123 });
    socket.close();
  });
});
