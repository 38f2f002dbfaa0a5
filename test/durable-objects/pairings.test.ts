import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { AccountFeedRpc } from "../../durable-objects/account-feed/account-feed.rpc";
import type { InstanceRpc, RosterBot, Spending } from "../../durable-objects/instance/instance.rpc";
import { COMMANDS_OPEN_MAX } from "../../src/fleet/commands/commands.core";
import { expectStatus, signUpUser, type TestUser } from "../support/client";
import { beat, beatOf, feedOf, objectOf, registerMachine, SocketClient, StreamClient } from "../support/machines";

/** Bots on a machine as its object keeps them: roster, phases of pairings, repairs, events, skills. */

const MIN = 60_000;

interface Den {
  readonly user: TestUser;
  readonly id: string;
  readonly ref: { readonly userId: number; readonly instanceId: string };
  readonly stub: DurableObjectStub;
  readonly rpc: InstanceRpc;
}

async function newDen(): Promise<Den> {
  const user = await signUpUser();
  const id = await registerMachine(user);
  const stub = objectOf(user, id);
  return { user, id, ref: { userId: user.userId, instanceId: id }, stub, rpc: stub as unknown as InstanceRpc };
}

const rosterBot = (name: string, fields: Partial<RosterBot> = {}): RosterBot => ({ botName: name, botUsername: `${name}_bot`, botUserId: `@${name}_bot:sett.test`, runtime: "openclaw", pairingId: `pair-${name}`, redeemedAt: Date.now(), claimedAt: null, ...fields });
const botBeat = (name: string, fields: Readonly<Record<string, unknown>> = {}) => ({ bot_id: name, status: "running", activity_state: "idle", ...fields });
const beatWith = (den: Den, ...bots: readonly object[]) => beat(den.user.accessToken, den.id, { bots });
const phaseOf = async (den: Den, name = "ada") => {
  const bot = await den.rpc.getBot(den.ref, name);
  return bot && [bot.pairingPhase, bot.failureReason];
};
const spent = (stub: DurableObjectStub): Promise<Spending> => (stub as unknown as { getSpending(): Promise<Spending> }).getSpending();
const physicalAlarm = (stub: DurableObjectStub): Promise<number | null> => runInDurableObject(stub, (_, state) => state.storage.getAlarm());

/** A den whose bot `ada` is live. */
async function liveDen(): Promise<Den> {
  const den = await newDen();
  await den.rpc.setRoster(den.ref, 1, { ada: rosterBot("ada") });
  await beatWith(den, botBeat("ada"));
  expect(await phaseOf(den)).toEqual(["live", null]);
  return den;
}

/** Runs `work` as if it were `ms` later. */
async function later<T>(ms: number, work: () => Promise<T>): Promise<T> {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + ms });
  try {
    return await work();
  } finally {
    vi.useRealTimers();
  }
}

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe("a machine's roster", () => {
  it("decides whose beats count; an older one is ignored, a repeat costs nothing, and it outlives sleep", async () => {
    const den = await newDen();
    await den.rpc.setRoster(den.ref, 2, { ada: rosterBot("ada", { redeemedAt: 5 }) });
    await beatWith(den, botBeat("ada", { messages_sent: 3 }), botBeat("bob"));
    await den.rpc.setRoster(den.ref, 1, { bob: rosterBot("bob") });
    const before = await spent(den.stub);
    await den.rpc.setRoster(den.ref, 2, { ada: rosterBot("ada", { redeemedAt: 5 }) });
    expect(await spent(den.stub)).toMatchObject({ rowsWritten: before.rowsWritten, feedCalls: before.feedCalls });
    await evictDurableObject(den.stub);
    await den.rpc.setRoster(den.ref, 1, {});
    expect(await den.rpc.getSummary(den.ref)).toMatchObject({ botCount: 1, bots: [{ botId: "ada", botName: "ada", botUsername: "ada_bot", pairingPhase: "live", healthScore: 100, messagesSent: 3 }] });
    expect([await den.rpc.getBot(den.ref, "bob"), await den.rpc.getBot(den.ref, "constructor")]).toEqual([null, null]);
    await den.rpc.setRoster(den.ref, 3, {});
    expect(await den.rpc.getSummary(den.ref)).toMatchObject({ botCount: 0, bots: [] });
  });

  it("is shown on dashboards, with every change of a phase", async () => {
    const den = await newDen();
    const dashboard = await StreamClient.open("/api/v1/dashboard/events", den.user.accessToken);
    await dashboard.until("heartbeat.update");
    const next = async () => (await dashboard.until("bot.pairing.change")).data;
    await den.rpc.setRoster(den.ref, 1, { ada: rosterBot("ada") });
    expect(await next()).toMatchObject({ instanceId: den.id, botId: "ada", pairingPhase: "redeemed", failureReason: null });
    await beatWith(den, botBeat("ada"));
    expect(await next()).toMatchObject({ pairingPhase: "live" });
    await beatWith(den, botBeat("ada", { status: "error" }));
    expect(await next()).toMatchObject({ pairingPhase: "degraded", failureReason: "bot_error" });
    await den.rpc.setRoster(den.ref, 2, {});
    expect(await next()).toMatchObject({ pairingPhase: "closed", failureReason: null });
    await dashboard.close();
  });

  it("of a state stored before pairings is empty, and takes a new one", async () => {
    const den = await newDen();
    await beatWith(den);
    await runInDurableObject(den.stub, (_, { storage }) => {
      const { state } = storage.sql.exec<{ state: string }>("SELECT state FROM machines").one();
      const { rosterSeq: _1, pairings: _2, ...old } = JSON.parse(state) as Record<string, unknown>;
      storage.sql.exec("UPDATE machines SET state = ?", JSON.stringify({ ...old, roster: { bob: { botName: null, botUsername: null, botUserId: null } }, bots: { bob: { status: "running", skills: [7] } } }));
    });
    await evictDurableObject(den.stub);
    expect(await den.rpc.getSummary(den.ref)).toMatchObject({ reachable: true, hostname: "den.local", bots: [] });
    expect(await den.rpc.listSkills(den.ref)).toEqual([]);
    await den.rpc.setRoster(den.ref, 0, { ada: rosterBot("ada") });
    await beatWith(den, botBeat("ada"));
    expect(await phaseOf(den)).toEqual(["live", null]);
  });
});

describe("phases", () => {
  it("move by alarms alone, across sleep, and then leave the object alone", async () => {
    const den = await newDen();
    const report = () => later(0, async () => (await expectStatus<{ machines: { bots: { pairingPhase: string }[] }[] }>(200, "GET", "/api/v1/dashboard/machines", { token: den.user.accessToken })).machines[0]?.bots[0]?.pairingPhase);
    const start = Date.now();
    await den.rpc.setRoster(den.ref, 1, { ada: rosterBot("ada", { redeemedAt: start }) });
    expect(await physicalAlarm(den.stub)).toBe(start + 2 * MIN);
    await later(2 * MIN, () => runDurableObjectAlarm(den.stub));
    expect(await report()).toBe("connecting");
    expect(await physicalAlarm(den.stub)).toBe(start + 7 * MIN);
    await evictDurableObject(den.stub);
    await later(7 * MIN, () => runDurableObjectAlarm(den.stub));
    expect(await report()).toBe("degraded");
    expect(await phaseOf(den)).toEqual(["degraded", "no_heartbeat"]);
    expect(await physicalAlarm(den.stub)).toBeNull();
  });

  it("are never late for who reads, nor moved by an alarm that comes early", async () => {
    const den = await newDen();
    await den.rpc.setRoster(den.ref, 1, { ada: rosterBot("ada"), bob: rosterBot("bob", { claimedAt: Date.now() }) });
    await later(MIN, () => runDurableObjectAlarm(den.stub));
    expect([await phaseOf(den), await phaseOf(den, "bob")]).toEqual([["redeemed", null], ["connecting", null]]);
    expect(await physicalAlarm(den.stub)).not.toBeNull();
    expect(await later(5 * MIN, () => phaseOf(den, "bob"))).toEqual(["degraded", "no_heartbeat"]);
    expect(await later(8 * MIN, async () => (await den.rpc.getDetail(den.ref))?.bots.map((bot) => bot.pairingPhase))).toEqual(["degraded", "degraded"]);
  });

  it("follow the machine: away it is degraded, back it is live, whatever slept in between", async () => {
    const den = await liveDen();
    await later(76_000, () => runDurableObjectAlarm(den.stub));
    await evictDurableObject(den.stub);
    expect(await den.rpc.getBot(den.ref, "ada")).toMatchObject({ pairingPhase: "degraded", failureReason: "machine_offline", healthScore: 40, status: "stopped" });
    await beatWith(den, botBeat("ada"));
    expect(await den.rpc.getBot(den.ref, "ada")).toMatchObject({ pairingPhase: "live", failureReason: null, healthScore: 100 });
    await beatWith(den, botBeat("ada", { errors: 2 }));
    expect(await den.rpc.getBot(den.ref, "ada")).toMatchObject({ pairingPhase: "live", healthScore: 80, errors: 2 });
  });
});

describe("a repair", () => {
  it("goes over the socket and ends with its command's result", async () => {
    const den = await newDen();
    const socket = await SocketClient.open(den.id, den.user.accessToken);
    const { instance_id: _, ...fields } = beatOf(den.id);
    await den.rpc.setRoster(den.ref, 1, { ada: rosterBot("ada") });
    socket.send({ t: "beat", ...fields, bots: [botBeat("ada", { last_error: "M_UNKNOWN_TOKEN" })] });
    await socket.until("beat.ok");
    expect(await den.rpc.repairBot(den.ref, "ada", "pair-ada")).toEqual({ kind: "notBroken", phase: "redeemed" });
    socket.send({ t: "beat", ...fields, bots: [botBeat("ada")] });
    await socket.until("beat.ok");
    socket.send({ t: "beat", ...fields, bots: [botBeat("ada", { last_error: "M_UNKNOWN_TOKEN" })] });
    await socket.until("beat.ok");
    expect(await phaseOf(den)).toEqual(["degraded", "token_dead"]);
    for (const [bot, pairing] of [["ada", "another"], ["bob", "pair-ada"], ["constructor", "x"]] as const) expect(await den.rpc.repairBot(den.ref, bot, pairing)).toEqual({ kind: "gone" });
    const answer = await den.rpc.repairBot(den.ref, "ada", "pair-ada");
    const commandId = answer.kind === "ok" ? answer.commandId : "none";
    expect(await socket.until("event")).toMatchObject({ data: { type: "command", id: commandId, command_type: "bot_refresh", payload: { bot_id: "ada", reason: "repair" } } });
    expect(await den.rpc.repairBot(den.ref, "ada", "pair-ada")).toEqual({ kind: "notBroken", phase: "repairing" });
    socket.send({ t: "result", id: commandId, status: "success", result: "refreshed" });
    await socket.until("ok");
    expect(await phaseOf(den)).toEqual(["live", null]);
    socket.close();
  });

  it("waits for a machine that is away, may fail, and may be tried again", async () => {
    const den = await liveDen();
    const { accessToken: token } = den.user;
    await expectStatus(200, "POST", "/api/v1/dashboard/disconnect", { token, body: { instance_id: den.id } });
    const first = await den.rpc.repairBot(den.ref, "ada", "pair-ada");
    expect(await phaseOf(den)).toEqual(["repairing", null]);
    await evictDurableObject(den.stub);
    const { pending_commands } = await beatWith(den);
    expect(pending_commands).toMatchObject([{ id: first.kind === "ok" && first.commandId, command_type: "bot_refresh" }]);
    const failed = { token, body: { status: "failed", result: "no such bot here" } };
    await expectStatus(200, "POST", `/api/v1/dashboard/commands/${pending_commands[0]?.id}/result`, failed);
    expect(await den.rpc.getBot(den.ref, "ada")).toMatchObject({ pairingPhase: "failed", failureReason: "repair_failed", healthScore: 0 });
    expect(await den.rpc.repairBot(den.ref, "ada", "pair-ada")).toMatchObject({ kind: "ok" });
    // The first command's result again is harmless, and not the second one's.
    await expectStatus(200, "POST", `/api/v1/dashboard/commands/${pending_commands[0]?.id}/result`, failed);
    expect(await phaseOf(den)).toEqual(["repairing", null]);
    expect(await later(5 * MIN, () => phaseOf(den))).toEqual(["degraded", "repair_timeout"]);
  });

  it("is not begun when its command cannot be queued", async () => {
    const den = await liveDen();
    await beatWith(den, botBeat("ada", { quarantined: true }));
    for (let i = 0; i < COMMANDS_OPEN_MAX; i++) await den.rpc.enqueueCommand(den.ref, { type: "leave_room", payload: null, idempotencyKey: null });
    expect(await den.rpc.repairBot(den.ref, "ada", "pair-ada")).toEqual({ kind: "queueFull" });
    expect(await phaseOf(den)).toEqual(["degraded", "bot_quarantined"]);
    expect(await den.rpc.repairBot({ ...den.ref, instanceId: "nobody" }, "ada", "pair-ada")).toEqual({ kind: "gone" });
  });
});

describe("an event pushed to a machine", () => {
  it("reaches its links, and the account's streams when it is the only machine", async () => {
    const den = await newDen();
    await beatWith(den);
    const socket = await SocketClient.open(den.id, den.user.accessToken);
    await socket.until("hello");
    const own = await StreamClient.open(`/api/v1/openclaw/events?instance_id=${den.id}`, den.user.accessToken);
    const account = await StreamClient.open("/api/v1/openclaw/events", den.user.accessToken);
    await den.rpc.pushEvent(den.ref, { type: "pair", pair_code: "BCK-AAAA-BBBB" }, false);
    await den.rpc.pushEvent(den.ref, { type: "bot.room.mode", mode: "auto" }, true);
    expect(await socket.until("event")).toMatchObject({ id: 0, data: { type: "pair", pair_code: "BCK-AAAA-BBBB" } });
    expect(await socket.until("event")).toMatchObject({ id: 1, data: { type: "bot.room.mode" } });
    for (const stream of [own, account]) {
      expect(await stream.until("pair")).toMatchObject({ id: 0 });
      expect(await stream.until("bot.room.mode")).toMatchObject({ id: 1 });
    }
    const other = await registerMachine(den.user);
    await beat(den.user.accessToken, other);
    await den.rpc.pushEvent(den.ref, { type: "claude.toggle", enabled: true }, true);
    await (feedOf(den.user) as unknown as AccountFeedRpc).publish(den.user.userId, { type: "provision" }, null, true);
    // Nothing came in between: with two machines the account's stream hears only what is meant for nobody in particular.
    expect(await account.next()).toMatchObject({ data: { type: "provision" } });
    socket.close();
    await Promise.all([own.close(), account.close()]);
  });

  it("is replayed when it was kept; a secret is stored nowhere", async () => {
    const den = await newDen();
    await beatWith(den);
    await den.rpc.pushEvent(den.ref, { type: "pair", pair_code: "BCK-AAAA-BBBB" }, false);
    await den.rpc.pushEvent(den.ref, { type: "share.created", share_id: 1 }, true);
    for (const path of [`/api/v1/openclaw/events?instance_id=${den.id}`, "/api/v1/openclaw/events"]) {
      const stream = await StreamClient.open(path, den.user.accessToken, { "last-event-id": "0" });
      expect(await stream.next()).toMatchObject({ id: 1, data: { type: "share.created" } });
      await stream.close();
    }
    for (const stub of [den.stub, feedOf(den.user)]) {
      const stored = await runInDurableObject(stub, (_, { storage }) =>
        storage.sql.exec<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\'").toArray().map(({ name }) => JSON.stringify(storage.sql.exec(`SELECT * FROM ${name}`).toArray())).join(),
      );
      expect(stored).toContain("share.created");
      expect(stored).not.toContain("BCK-");
    }
    await den.rpc.pushEvent({ ...den.ref, instanceId: "nobody" }, { type: "share.created" }, true);
  });
});

describe("skills", () => {
  it("of a machine are listed with their texts, and outlive sleep", async () => {
    const den = await newDen();
    await den.rpc.setRoster(den.ref, 1, { ada: rosterBot("ada"), bob: rosterBot("bob") });
    await beatWith(den, botBeat("ada", { skills: ["dig", { name: "hop", use_count: 1, content: "# hop", digest: "ab12" }] }), botBeat("bob", { skills: [{ name: "hop", useCount: 2 }] }), botBeat("foreign", { skills: ["spy"] }));
    await evictDurableObject(den.stub);
    expect(await den.rpc.listSkills(den.ref)).toMatchObject([
      { name: "dig", botIds: ["ada"], hasContent: false, digest: null },
      { name: "hop", botIds: ["ada", "bob"], useCount: 3, hasContent: true, digest: "ab12", sizeBytes: 5 },
    ]);
    expect([await den.rpc.getSkillContent(den.ref, "hop"), await den.rpc.getSkillContent(den.ref, "dig")]).toEqual(["# hop", null]);
    expect(await den.rpc.getBot(den.ref, "ada")).toMatchObject({ skillCount: 2, skills: [{ name: "dig" }, { name: "hop" }] });
    expect(await den.rpc.listSkills({ ...den.ref, instanceId: "nobody" })).toEqual([]);
  });
});

describe("bots on no machine", () => {
  it("are counted in the overview, by one row when their number changes", async () => {
    const den = await liveDen();
    const feed = feedOf(den.user) as unknown as AccountFeedRpc;
    const overview = () => feed.getOverview(den.user.userId);
    expect(await overview()).toMatchObject({ totalBots: 1, onlineBots: 1, undeployedBots: 0 });
    const dashboard = await StreamClient.open("/api/v1/dashboard/events", den.user.accessToken);
    await dashboard.until("heartbeat.update");
    await feed.setUnpairedBots(den.user.userId, 2);
    await feed.setUnpairedBots(den.user.userId, 2);
    await dashboard.until("heartbeat.update", (data) => (data["overview"] as { undeployedBots: number }).undeployedBots === 2);
    await dashboard.close();
    await evictDurableObject(feedOf(den.user));
    expect(await overview()).toMatchObject({ totalBots: 3, onlineBots: 1, undeployedBots: 2 });
    await feed.setUnpairedBots(den.user.userId, 0);
    expect(await overview()).toMatchObject({ totalBots: 1, undeployedBots: 0 });
  });
});
