import { createScheduledController } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { handleScheduled } from "../../../src/crons";
import type { Env } from "../../../src/env";
import { insertBot, type TestBot } from "../../support/bots";
import { api, expectStatus, mintToken, send, signUpUser, uniqueIp, uniqueName, type TestUser } from "../../support/client";
import { registerMachine, StreamClient } from "../../support/machines";

/** Without a homeserver: what a bot's rooms can do by our tables alone. The rest is in test/homeserver/bot-rooms.test.ts. */

const bindings = env as unknown as Env;

async function insertRow(user: TestUser, bot: TestBot, roomId: string, columns: { readonly mode?: string; readonly state?: string; readonly settleAt?: number } = {}): Promise<void> {
  await bindings.DB.prepare("INSERT INTO bot_rooms (tenant_id, bot_id, room_id, mode, state, settle_at, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, 0)")
    .bind(user.userId, bot.id, roomId, columns.mode ?? "auto", columns.state ?? "joined", columns.settleAt ?? null, Date.UTC(2026, 0, 2))
    .run();
}
const newRoomId = () => `!${uniqueName("room")}:sett.localhost`;
const pathOf = (bot: TestBot, roomId: string) => `/api/v1/bots/${bot.id}/rooms/${encodeURIComponent(roomId)}`;

describe("rooms of a bot without a homeserver", () => {
  it("are listed and change their mode", async () => {
    const user = await signUpUser();
    const { token } = await mintToken(user);
    const bot = await insertBot(user);
    const roomId = newRoomId();
    await insertRow(user, bot, roomId);
    for (const state of ["joining", "leaving"]) await insertRow(user, bot, newRoomId(), { state });
    const expected = { bot_id: bot.id, room_id: roomId, added_at: "2026-01-02T00:00:00.000Z" };
    expect(await expectStatus(200, "GET", `/api/v1/bots/${bot.id}/rooms`, { token })).toEqual([{ ...expected, mode: "auto" }]);
    expect(await expectStatus(200, "PATCH", `${pathOf(bot, roomId)}/mode`, { token, body: { mode: "mention" } })).toEqual({ ...expected, mode: "mention" });
    expect(await expectStatus(201, "POST", pathOf(bot, roomId), { token })).toEqual({ ...expected, mode: "auto" });
    const audit = await bindings.DB.prepare("SELECT action, detail FROM audit_log WHERE subject_id = ? ORDER BY id").bind(bot.id).all<{ action: string; detail: string }>();
    expect(audit.results.map(({ action, detail }) => [action, JSON.parse(detail)])).toEqual([
      ["bot_room.set_mode", { room_id: roomId, mode: "mention" }],
      ["bot_room.add", { room_id: roomId, mode: "auto" }],
    ]);
  });

  it("answer MATRIX_UNAVAILABLE before they write anything", async () => {
    const user = await signUpUser();
    const bot = await insertBot(user);
    const roomId = newRoomId();
    await insertRow(user, bot, roomId);
    const unavailable = { status: 503, body: { code: "matrix_unavailable" } };
    expect(await api("POST", pathOf(bot, newRoomId()), { token: user.accessToken })).toMatchObject(unavailable);
    expect(await api("DELETE", pathOf(bot, roomId), { token: user.accessToken })).toMatchObject(unavailable);
    for (const what of ["info", "messages"]) expect(await api("GET", `/api/v1/bots/rooms/${encodeURIComponent(roomId)}/${what}`, { token: user.accessToken })).toMatchObject(unavailable);
    expect(await api("DELETE", `/api/v1/bots/rooms/${encodeURIComponent(roomId)}/cleanup`)).toMatchObject(unavailable);
    expect(await api("DELETE", `/api/v1/bots/rooms/${encodeURIComponent(newRoomId())}/cleanup`)).toMatchObject({ status: 200, body: { success: true, deleted: false, reason: "not_managed" } });
    const rows = await bindings.DB.prepare("SELECT room_id, state, settle_at FROM bot_rooms WHERE bot_id = ?").bind(bot.id).all();
    expect(rows.results).toEqual([{ room_id: roomId, state: "joined", settle_at: null }]);
    expect(await bindings.DB.prepare("SELECT count(*) AS n FROM room_cleanups").first("n")).toBe(0);
  });

  it("are nobody else's", async () => {
    const [user, stranger] = [await signUpUser(), await signUpUser()];
    const bot = await insertBot(user);
    const roomId = newRoomId();
    await insertRow(user, bot, roomId);
    const { token } = await mintToken(stranger);
    for (const caller of [stranger.accessToken, token]) {
      for (const [method, path, body] of [
        ["GET", `/api/v1/bots/${bot.id}/rooms`, undefined],
        ["POST", pathOf(bot, roomId), {}],
        ["DELETE", pathOf(bot, roomId), undefined],
        ["PATCH", `${pathOf(bot, roomId)}/mode`, { mode: "mention" }],
      ] as const) {
        expect(await api(method, path, { token: caller, body }), `${method} ${path}`).toMatchObject({ status: 404, body: { code: "not_found" } });
      }
    }
    for (const absent of [newRoomId(), "rooms"]) expect(await api("PATCH", `${pathOf(bot, absent)}/mode`, { token: user.accessToken, body: { mode: "auto" } })).toMatchObject({ status: 404 });
    for (const wrong of [{}, { mode: "loud" }, { mode: null }]) expect(await api("PATCH", `${pathOf(bot, roomId)}/mode`, { token: user.accessToken, body: wrong })).toMatchObject({ status: 422 });
    await bindings.DB.prepare("UPDATE bots SET plan_disabled_at = 1 WHERE id = ?").bind(bot.id).run();
    expect(await api("POST", pathOf(bot, roomId), { token: user.accessToken })).toMatchObject({ status: 409, body: { code: "bot_disabled_by_plan" } });
  });

  it("have their id decoded exactly once", async () => {
    const user = await signUpUser();
    const bot = await insertBot(user);
    for (const roomId of [`!${uniqueName("no-server")}`, `!${uniqueName("r")}%2F:sett.localhost:8448`, `!${uniqueName("r")}/+ é:[::1]`]) {
      await insertRow(user, bot, roomId);
      expect(await expectStatus(200, "PATCH", `${pathOf(bot, roomId)}/mode`, { token: user.accessToken, body: { mode: "mention" } })).toMatchObject({ room_id: roomId });
    }
    expect(await api("PATCH", `${pathOf(bot, `!${"x".repeat(255)}`)}/mode`, { token: user.accessToken, body: { mode: "auto" } })).toMatchObject({ status: 422 });
  });

  it("tell their machine the newest mode", async () => {
    const user = await signUpUser();
    const machine = await registerMachine(user);
    const bot = await insertBot(user, { instance_id: machine });
    const roomId = newRoomId();
    await insertRow(user, bot, roomId);
    const stream = await StreamClient.open(`/api/v1/openclaw/events?instance_id=${machine}`, user.accessToken);
    await expectStatus(200, "PATCH", `${pathOf(bot, roomId)}/mode`, { token: user.accessToken, body: { mode: "mention" } });
    expect((await stream.until("bot.room.mode")).data).toEqual({ type: "bot.room.mode", bot_id: bot.id, room_id: roomId, mode: "mention" });
    await stream.close();
  });

  it("are asked for by nobody too often: the open clean-up counts addresses", async () => {
    const headers = { "cf-connecting-ip": uniqueIp() };
    let last = 200;
    // Twice the limit, since the window may turn over meanwhile.
    for (let i = 0; i < 620 && last === 200; i++) last = (await send("DELETE", `/api/v1/bots/rooms/${encodeURIComponent(newRoomId())}/cleanup`, { headers })).status;
    expect(last).toBe(429);
  });

  it("wait for a homeserver: the tick enqueues nothing without one", async () => {
    const user = await signUpUser();
    const bot = await insertBot(user);
    await insertRow(user, bot, newRoomId(), { state: "joining", settleAt: 1 });
    const sent: unknown[] = [];
    await handleScheduled(createScheduledController({ cron: "* * * * *", scheduledTime: new Date() }), { ...bindings, JOBS: { send: async (job: unknown) => void sent.push(job) } as unknown as Queue }, { waitUntil: () => undefined });
    expect(sent.filter((job) => String((job as { type: string }).type).startsWith("bot_room"))).toEqual([]);
    expect(await bindings.DB.prepare("SELECT state FROM bot_rooms WHERE bot_id = ?").bind(bot.id).first("state")).toBe("joining");
  });
});
