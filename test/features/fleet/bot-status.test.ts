import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { Overview } from "../../../durable-objects/account-feed/account-feed.rpc";
import type { InstanceRpc } from "../../../durable-objects/instance/instance.rpc";
import type { BotDetail } from "../../../durable-objects/instance/machine.rpc";
import { createSystemContext } from "../../../src/context";
import type { Env } from "../../../src/env";
import { projectBots } from "../../../src/fleet/bots";
import { insertBot, type TestBot } from "../../support/bots";
import { api, expectStatus, mintToken, signUpUser, uniqueName, type TestUser } from "../../support/client";
import { beat, objectOf, registerMachine } from "../../support/machines";
import { setPlan } from "../../support/plans";

const bindings = env as unknown as Env;
const DASHBOARD = "/api/v1/me/bot-dashboard";

const project = (user: TestUser, ...instanceIds: string[]) =>
  projectBots(createSystemContext(bindings, { waitUntil: () => undefined }, "test", uniqueName("req")), { userId: user.userId, instanceIds });
const sql = (text: string, ...bindings_: (string | number | null)[]) => bindings.DB.prepare(text).bind(...bindings_).run();

async function insertPairing(user: TestUser, bot: TestBot, columns: Readonly<Record<string, string | number | null>>): Promise<string> {
  const now = Date.now();
  const row = { id: crypto.randomUUID(), tenant_id: user.userId, bot_id: bot.id, code_hash: crypto.randomUUID(), sealed_code: "x", expires_at: now + 600_000, created_at: now, updated_at: now, ...columns };
  const names = Object.keys(row);
  await sql(`INSERT INTO pairings (${names.join(", ")}) VALUES (${names.map(() => "?").join(", ")})`, ...Object.values(row));
  return row.id;
}

/** Puts a bot on a machine as redeeming does, where no homeserver lets us redeem. */
async function pair(user: TestUser, bot: TestBot, instanceId: string): Promise<string> {
  const pairingId = await insertPairing(user, bot, { status: "redeemed", instance_id: instanceId, redeemed_at: Date.now() });
  await sql("UPDATE bots SET instance_id = ?, pairing_id = ? WHERE id = ?", instanceId, pairingId, bot.id);
  await sql("UPDATE instances SET roster_seq = roster_seq + 1 WHERE tenant_id = ? AND instance_id = ?", user.userId, instanceId);
  await project(user, instanceId);
  return pairingId;
}

const status = (user: TestUser, bot: TestBot) => expectStatus<BotDetail>(200, "GET", `/api/v1/dashboard/bots/${bot.id}/status`, { token: user.accessToken });
const overview = (user: TestUser) => expectStatus<Overview>(200, "GET", "/api/v1/dashboard/overview", { token: user.accessToken });
const botBeat = (bot: TestBot, fields: Readonly<Record<string, unknown>> = {}) => ({ bot_id: bot.id, status: "running", activity_state: "idle", ...fields });

describe("a bot's status", () => {
  it("comes from its machine, for people and their CLIs", async () => {
    const user = await signUpUser();
    const [bot, machine, { token }] = await Promise.all([insertBot(user), registerMachine(user), mintToken(user)]);
    await pair(user, bot, machine);
    expect(await status(user, bot)).toMatchObject({ botId: bot.id, botName: "Rocky", botUsername: `${bot.username}_bot`, botUserId: bot.matrixId, status: "unknown", pairingPhase: "redeemed", healthScore: null });
    await beat(user.accessToken, machine, { bots: [botBeat(bot, { messages_sent: 4, total_chunks_sent: 2, last_error: "boom", room_details: [{ id: "!a" }], skills: ["dig", { name: "hop", use_count: 2 }] })] });
    for (const who of [user.accessToken, token]) {
      expect(await expectStatus(200, "GET", `/api/v1/dashboard/bots/${bot.id}/status`, { token: who })).toMatchObject({
        status: "running", pairingPhase: "live", failureReason: null, healthScore: 100, messagesSent: 4, totalChunksSent: 2, lastError: "boom", skillCount: 2, roomDetails: [{ id: "!a" }], skills: [{ name: "dig", source: "auto" }, { name: "hop", useCount: 2 }],
      });
      expect(await expectStatus(200, "GET", `/api/v1/dashboard/bots/${bot.id}/skills`, { token: who })).toEqual([
        { name: "dig", description: "", source: "auto", useCount: 0, confirmed: false, createdAt: null, installedOn: null },
        { name: "hop", description: "", source: "auto", useCount: 2, confirmed: false, createdAt: null, installedOn: null },
      ]);
    }
  });

  it("of one on no machine tells how its newest pairing stands", async () => {
    const user = await signUpUser();
    const bot = await insertBot(user);
    expect(await status(user, bot)).toMatchObject({ botId: bot.id, botName: "Rocky", status: "unknown", pairingPhase: null, healthScore: null, updatedAt: null, skills: null });
    expect(await expectStatus(200, "GET", `/api/v1/dashboard/bots/${bot.id}/skills`, { token: user.accessToken })).toEqual([]);
    const steps = [
      [{ status: "closed", close_reason: "superseded" }, "closed", null],
      [{ status: "pending", expires_at: 1 }, "expired", 0],
      [{ status: "pending" }, "pending", null],
    ] as const;
    for (const [index, [columns, pairingPhase, healthScore]] of steps.entries()) {
      await insertPairing(user, bot, { ...columns, created_at: index });
      expect(await status(user, bot)).toMatchObject({ pairingPhase, healthScore });
    }
  });

  it("is nobody else's to read, nor are its rooms to leave", async () => {
    const [owner, other] = await Promise.all([signUpUser(), signUpUser()]);
    const bot = await insertBot(owner);
    const deleted = await insertBot(other, { status: "deleted" });
    for (const id of [bot.id, deleted.id, "nothing"]) {
      const answers = await Promise.all([
        api("GET", `/api/v1/dashboard/bots/${id}/status`, { token: other.accessToken }),
        api("GET", `/api/v1/dashboard/bots/${id}/skills`, { token: other.accessToken }),
        api("POST", `/api/v1/dashboard/bots/${id}/leave-room`, { token: other.accessToken, body: { roomId: "!a:sett.localhost" } }),
        api("GET", `${DASHBOARD}/${id}`, { token: other.accessToken }),
      ]);
      for (const answer of answers) expect(answer).toMatchObject({ status: 404, body: { code: "not_found" } });
    }
  });
});

describe("leaving a room", () => {
  it("is a command of its own for the bot's machine", async () => {
    const user = await signUpUser();
    const [bot, machine] = await Promise.all([insertBot(user), registerMachine(user)]);
    const leave = (body: unknown, headers?: Record<string, string>) => api("POST", `/api/v1/dashboard/bots/${bot.id}/leave-room`, { token: user.accessToken, body, headers });
    const room = { roomId: "!newer-without-server" };
    expect(await leave(room)).toMatchObject({ status: 409, body: { code: "conflict" } });
    await pair(user, bot, machine);
    for (const roomId of ["", "!".repeat(256), 7]) expect(await leave({ roomId })).toMatchObject({ status: 422 });
    const key = { "idempotency-key": "once" };
    const { status: code, body } = await leave(room, key);
    expect([code, body]).toEqual([200, { id: expect.stringMatching(/^cmd_/), status: "pending", commandType: "leave_room" }]);
    expect((await leave(room, key)).body).toEqual(body);
    const { pending_commands } = await beat(user.accessToken, machine);
    expect(pending_commands).toEqual([{ id: body["id"], command_type: "leave_room", payload: { bot_id: bot.id, room_id: room.roomId } }]);
    for (const command_type of ["leave_room", "export_skill"]) {
      expect(await api("POST", "/api/v1/dashboard/commands", { token: user.accessToken, body: { instance_id: machine, command_type, payload: {} } })).toMatchObject({ status: 422 });
    }
  });
});

describe("the bot dashboard", () => {
  it("sums up all bots, paired or not", async () => {
    const user = await signUpUser();
    const [ada, bob, machine, { token }] = [await insertBot(user, { name: "Ada", created_at: 2 }), await insertBot(user, { name: "Bob", created_at: 1 }), await registerMachine(user), await mintToken(user)];
    await pair(user, ada, machine);
    await beat(user.accessToken, machine, { bots: [botBeat(ada, { messages_sent: 4, messages_received: 5, chunked_messages: 1, total_chunks_sent: 3, errors: 2, rooms_active: 6, uptime_seconds: 7, last_error: "boom", last_activity_at: "2026-11-22T00:00:00Z" })] });
    const summary = await expectStatus<{ bots: unknown[] }>(200, "GET", DASHBOARD, { token });
    expect(summary).toMatchObject({ total_bots: 2, online_bots: 1, total_messages_sent: 4, total_messages_received: 5, total_errors: 2, total_rooms_active: 6 });
    expect(summary.bots).toEqual([
      {
        bot_id: ada.id, bot_name: "Ada", bot_username: `${ada.username}_bot`, status: "running", activity_state: "idle", messages_received: 5, messages_sent: 4, chunked_messages: 1, total_chunks_sent: 3, errors: 2,
        last_error: "boom", last_error_at: null, uptime_seconds: 7, rooms_active: 6, last_activity_at: "2026-11-22T00:00:00Z", machine_hostname: "den.local", updated_at: expect.stringMatching(/Z$/),
      },
      expect.objectContaining({ bot_id: bob.id, bot_name: "Bob", status: "unknown", messages_sent: 0, machine_hostname: null, updated_at: null }),
    ]);
    expect(await expectStatus(200, "GET", `${DASHBOARD}/${ada.id}`, { token: user.accessToken })).toEqual(summary.bots[0]);
    expect(await expectStatus(200, "GET", `${DASHBOARD}/${bob.id}`, { token: user.accessToken })).toEqual(summary.bots[1]);
  });

  it("is part of some plans only", async () => {
    const user = await signUpUser();
    await setPlan(user, "free");
    for (const path of [DASHBOARD, `${DASHBOARD}/nothing`]) {
      expect(await api("GET", path, { token: user.accessToken })).toMatchObject({ status: 403, body: { code: "feature_not_available", feature: "bot_dashboard_access" } });
    }
  });
});

describe("counters", () => {
  it("tell bots on no machine from those on one, at once and without a beat", async () => {
    const user = await signUpUser();
    const [ada, machine] = await Promise.all([insertBot(user), registerMachine(user), insertBot(user), insertBot(user, { status: "creating" })]);
    expect(await overview(user)).toMatchObject({ totalBots: 2, undeployedBots: 2, onlineBots: 0 });
    await pair(user, ada, machine);
    expect(await overview(user)).toMatchObject({ totalBots: 2, undeployedBots: 1, onlineBots: 0, offlineBots: 1 });
    await beat(user.accessToken, machine, { bots: [botBeat(ada)] });
    expect(await overview(user)).toMatchObject({ totalBots: 2, undeployedBots: 1, onlineBots: 1, offlineBots: 0 });
  });
});

describe("a roster in the machine's object", () => {
  it("holds what D1 says: active bots that the plan carries, with their pairing", async () => {
    const user = await signUpUser();
    const [ada, parked, machine] = await Promise.all([insertBot(user), insertBot(user, { plan_disabled_at: 1 }), registerMachine(user)]);
    await pair(user, parked, machine);
    await pair(user, ada, machine);
    const object = objectOf(user, machine) as unknown as InstanceRpc;
    const ref = { userId: user.userId, instanceId: machine };
    expect((await object.getSummary(ref))?.bots.map((bot) => bot.botId)).toEqual([ada.id]);
    await sql("UPDATE bots SET name = 'Rose' WHERE id = ?", ada.id);
    await project(user, machine, "no-such-machine");
    expect(await object.getBot(ref, ada.id)).toMatchObject({ botName: "Rose", pairingPhase: "redeemed" });
  });

  it("ends with the machine: its bots are free again, its pairings closed", async () => {
    const user = await signUpUser();
    const [ada, bob, machine, { accessToken: token }] = [await insertBot(user), await insertBot(user), await registerMachine(user), user];
    const pairingId = await pair(user, ada, machine);
    const waiting = await insertPairing(user, bob, { status: "pending", target_instance_id: machine });
    await expectStatus(204, "DELETE", `/api/v1/openclaw/instances/${machine}`, { token });
    const { results } = await bindings.DB.prepare("SELECT id, status, close_reason FROM pairings WHERE tenant_id = ? ORDER BY id").bind(user.userId).all();
    expect(results).toEqual([pairingId, waiting].sort().map((id) => ({ id, status: "closed", close_reason: "machine_deleted" })));
    expect(await bindings.DB.prepare("SELECT instance_id, pairing_id FROM bots WHERE id = ?").bind(ada.id).first()).toEqual({ instance_id: null, pairing_id: null });
    expect(await status(user, ada)).toMatchObject({ pairingPhase: "closed", status: "unknown" });
    expect(await overview(user)).toMatchObject({ totalBots: 2, undeployedBots: 2, totalMachines: 0 });
    await registerMachine(user, { instance_id: machine });
    expect(await (objectOf(user, machine) as unknown as InstanceRpc).getSummary({ userId: user.userId, instanceId: machine })).toMatchObject({ bots: [] });
  });

  it("is sent anew when the machine registers, also to an object that an earlier machine of this id left behind", async () => {
    const user = await signUpUser();
    const [ada, machine] = await Promise.all([insertBot(user), registerMachine(user)]);
    await pair(user, ada, machine);
    const object = objectOf(user, machine) as unknown as InstanceRpc;
    const ref = { userId: user.userId, instanceId: machine };
    await sql("DELETE FROM instances WHERE tenant_id = ?", user.userId);
    await sql("UPDATE bots SET instance_id = NULL, pairing_id = NULL WHERE id = ?", ada.id);
    expect((await object.getSummary(ref))?.botCount).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 2));
    await registerMachine(user, { instance_id: machine });
    expect((await object.getSummary(ref))?.botCount).toBe(0);
    await pair(user, ada, machine);
    await object.purge(ref);
    await registerMachine(user, { instance_id: machine });
    expect(await object.getBot(ref, ada.id)).toMatchObject({ botId: ada.id, pairingPhase: "redeemed" });
  });
});
