import { createHmac } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { createMatrix } from "../../../src/integrations/matrix/matrix";
import type { MatrixConfig } from "../../../src/kernel/config";
import { AppError } from "../../../src/kernel/errors/app-error";
import type { Matrix, MatrixAdmin, MatrixBots } from "../../../src/kernel/ports/matrix";

interface Seen {
  readonly line: string;
  readonly token: string | null;
  readonly body: unknown;
}
/** JSON, or text as it is; a status beside it when it is not 200. */
type Scripted = { readonly status?: number; readonly headers?: Record<string, string>; readonly json?: unknown; readonly text?: string; readonly hang?: true };

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()));
});

/** A homeserver that gives `answers` one after the other, and a client of it. */
async function script(answers: readonly Scripted[], overrides: Partial<MatrixConfig> = {}): Promise<{ matrix: Matrix; admin: MatrixAdmin; bots: MatrixBots; seen: Seen[]; lines: () => string[] }> {
  const seen: Seen[] = [];
  const left = [...answers];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk)).on("end", () => {
      const text = Buffer.concat(chunks).toString();
      seen.push({ line: `${request.method} ${request.url}`, token: request.headers.authorization?.replace("Bearer ", "") ?? null, body: text === "" ? null : JSON.parse(text) });
      const answer = left.shift() ?? { status: 500, json: { errcode: "UNSCRIPTED" } };
      if (!answer.hang) response.writeHead(answer.status ?? 200, answer.headers).end(answer.text ?? JSON.stringify(answer.json ?? {}));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => new Promise((resolve) => (server.closeAllConnections(), server.close(resolve))));
  return { ...client(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, overrides), seen, lines: () => seen.map(({ line }) => line) };
}

function client(baseUrl: string, overrides: Partial<MatrixConfig> = {}): { matrix: Matrix; admin: MatrixAdmin; bots: MatrixBots } {
  const matrix = createMatrix({ baseUrl, publicUrl: baseUrl, adminToken: "adm-secret", botToken: "as-secret", registrationSecret: "reg-secret", timeoutMs: 2_000, ...overrides });
  if (!matrix.admin || !matrix.bots) throw new Error("both were configured");
  return { matrix, admin: matrix.admin, bots: matrix.bots };
}

const no = (status: number, errcode: string, more: Record<string, unknown> = {}): Scripted => ({ status, json: { errcode, error: "no", ...more } });
const BOT = "@b_bot:hs";
/** With what encodeURIComponent must encode, and without a server part. */
const ROOM = "!r/oom?#";
const ROOM_PATH = "!r%2Foom%3F%23";
const AS = "user_id=%40b_bot%3Ahs";

async function failure(work: Promise<unknown>): Promise<AppError> {
  const error: unknown = await work.then(
    () => null,
    (caught: unknown) => caught,
  );
  if (!(error instanceof AppError)) throw new Error(`no AppError: ${String(error)}`);
  // What goes to answers and logs tells no secret.
  expect(`${error.message} ${String(error.cause)}`).not.toMatch(/secret|hunter2/);
  return error;
}

describe("people", () => {
  it("sign in with their own password, and every refusal is told apart", async () => {
    const ok = await script([{ json: { access_token: "t", user_id: "@a:hs", device_id: "D" } }]);
    expect(await ok.matrix.login("a", "hunter2")).toEqual({ kind: "ok", accessToken: "t", userId: "@a:hs", deviceId: "D" });
    expect(ok.seen).toEqual([{ line: "POST /_matrix/client/v3/login", token: null, body: { type: "m.login.password", identifier: { type: "m.id.user", user: "a" }, password: "hunter2" } }]);

    const answers: [Scripted, unknown][] = [
      [no(403, "M_FORBIDDEN"), { kind: "refused" }],
      [no(400, "M_INVALID_USERNAME"), { kind: "refused" }],
      [no(403, "M_USER_DEACTIVATED"), { kind: "deactivated" }],
      [no(429, "M_LIMIT_EXCEEDED", { retry_after_ms: 280_001 }), { kind: "limited", retryAfterSeconds: 281 }],
      [{ ...no(429, "M_LIMIT_EXCEEDED"), headers: { "retry-after": "7" } }, { kind: "limited", retryAfterSeconds: 7 }],
      [{ status: 429, text: "slow down" }, { kind: "limited", retryAfterSeconds: 60 }],
    ];
    const { matrix } = await script(answers.map(([answer]) => answer));
    for (const [, wanted] of answers) expect(await matrix.login("a", "hunter2")).toEqual(wanted);
    // A firewall's 403 says nothing about the password.
    const { matrix: walled } = await script([{ status: 403, text: "<html>" }, { json: { user_id: "@a:hs" } }]);
    for (let i = 0; i < 2; i++) expect((await failure(walled.login("a", "hunter2"))).code).toBe("MATRIX_UNAVAILABLE");
  });

  it("own tokens", async () => {
    const { matrix, seen } = await script([{ json: { user_id: "@a:hs", device_id: "D" } }, { json: { user_id: "@a:hs" } }, no(401, "M_UNKNOWN_TOKEN")]);
    expect([await matrix.whoami("t"), await matrix.whoami("t"), await matrix.whoami("t")]).toEqual([{ userId: "@a:hs", deviceId: "D" }, { userId: "@a:hs", deviceId: null }, null]);
    expect(seen[0]).toEqual({ line: "GET /_matrix/client/v3/account/whoami", token: "t", body: null });
  });

  it("have no accounts made or bots driven where we have no credential", () => {
    expect(createMatrix({ baseUrl: "http://hs", publicUrl: "http://hs", adminToken: null, botToken: null, registrationSecret: "x", timeoutMs: 1 })).toMatchObject({ admin: null, bots: null });
    expect(client("http://hs", { registrationSecret: null }).admin.register).toBeNull();
  });

  it("are registered by the shared secret, in lower case", async () => {
    const account = { localpart: "Ada", password: "hunter2", displayName: "Ada L." };
    const { admin, seen } = await script([{ json: { nonce: "n0" } }, { json: { user_id: "@ada:hs" } }, { json: { nonce: "n1" } }, no(400, "M_USER_IN_USE"), { json: { nonce: "n2" } }, no(400, "M_EXCLUSIVE")]);
    expect([await admin.register?.(account), await admin.register?.(account), await admin.register?.(account)]).toEqual(["created", "taken", "taken"]);
    const mac = createHmac("sha1", "reg-secret").update("n0\0ada\0hunter2\0notadmin").digest("hex");
    expect(seen.slice(0, 2)).toEqual([
      { line: "GET /_synapse/admin/v1/register", token: null, body: null },
      { line: "POST /_synapse/admin/v1/register", token: null, body: { nonce: "n0", username: "ada", password: "hunter2", admin: false, mac, displayname: "Ada L.", inhibit_login: true } },
    ]);
    for (const answers of [[no(400, "M_UNKNOWN")], [{ json: { nonce: "n" } }, no(403, "M_UNKNOWN")]]) {
      const error = await failure((await script(answers)).admin.register?.(account) ?? Promise.resolve());
      expect([error.code, String(error.cause)]).toEqual(["BAD_GATEWAY", expect.stringContaining("MATRIX_REGISTRATION_SECRET")]);
    }
  });
});

describe("bots", () => {
  it("are made, named and given tokens", async () => {
    const { bots, seen } = await script([{}, no(400, "M_USER_IN_USE"), no(400, "M_EXCLUSIVE"), {}, { json: { access_token: "bt" } }, no(403, "M_USER_DEACTIVATED"), no(404, "M_UNKNOWN")]);
    expect([await bots.register("B_bot"), await bots.register("b_bot"), await bots.register("b")]).toEqual(["created", "taken", "refused"]);
    await bots.setDisplayName(BOT, "Bee");
    expect([await bots.login(BOT, "BC1"), await bots.login(BOT, "BC1"), await bots.login(BOT, "BC1")]).toEqual([{ kind: "ok", accessToken: "bt" }, { kind: "deactivated" }, { kind: "unknown" }]);
    expect(seen[0]).toEqual({ line: "POST /_matrix/client/v3/register", token: "as-secret", body: { type: "m.login.application_service", username: "b_bot", inhibit_login: true } });
    expect(seen[3]).toEqual({ line: `PUT /_matrix/client/v3/profile/%40b_bot%3Ahs/displayname?${AS}`, token: "as-secret", body: { displayname: "Bee" } });
    expect(seen[4]).toEqual({
      line: "POST /_matrix/client/v3/login",
      token: "as-secret",
      body: { type: "m.login.application_service", identifier: { type: "m.id.user", user: BOT }, device_id: "BC1", initial_device_display_name: "Sett" },
    });
  });

  it("make rooms that can be found again", async () => {
    const { bots, seen } = await script([{ json: { room_id: "!new" } }, { json: { room_version: "12", "org.sett.marker": "g1" } }, { json: { "org.sett.marker": 7 } }, no(403, "M_FORBIDDEN"), { json: { joined_rooms: ["!new"] } }]);
    expect(await bots.createRoom(BOT, { name: "Group", invite: ["@a:hs"], marker: "g1" })).toBe("!new");
    expect(seen[0]).toEqual({
      line: `POST /_matrix/client/v3/createRoom?${AS}`,
      token: "as-secret",
      body: { preset: "trusted_private_chat", visibility: "private", name: "Group", invite: ["@a:hs"], creation_content: { "org.sett.marker": "g1" } },
    });
    expect([await bots.findMarker(BOT, ROOM), await bots.findMarker(BOT, ROOM), await bots.findMarker(BOT, ROOM)]).toEqual(["g1", null, null]);
    expect(seen[1]?.line).toBe(`GET /_matrix/client/v3/rooms/${ROOM_PATH}/state/m.room.create?${AS}`);
    expect(await bots.joinedRooms(BOT)).toEqual(["!new"]);
  });

  it("come and go", async () => {
    const { bots, lines } = await script([{}, no(403, "M_FORBIDDEN"), no(404, "M_UNKNOWN"), no(400, "M_INVALID_PARAM"), {}, no(403, "M_FORBIDDEN"), { json: { joined_rooms: [] } }, no(403, "M_FORBIDDEN"), { json: { joined_rooms: [ROOM] } }]);
    const joins = [await bots.join(BOT, ROOM), await bots.join(BOT, ROOM), await bots.join(BOT, ROOM), await bots.join(BOT, ROOM)];
    expect(joins).toEqual(["ok", "refused", "unknown", "unknown"]);
    expect([await bots.leave(BOT, ROOM), await bots.leave(BOT, ROOM), await bots.leave(BOT, ROOM)]).toEqual(["ok", "ok", "refused"]);
    expect([lines()[0], lines()[4], lines()[6]]).toEqual([`POST /_matrix/client/v3/join/${ROOM_PATH}?${AS}`, `POST /_matrix/client/v3/rooms/${ROOM_PATH}/leave?${AS}`, `GET /_matrix/client/v3/joined_rooms?${AS}`]);
  });

  it("invite, also who is in already", async () => {
    const forbidden = no(403, "M_FORBIDDEN");
    const { bots, seen } = await script([{}, forbidden, { json: { joined: { "@a:hs": { display_name: "A" }, [BOT]: {} } } }, forbidden, { json: { joined: { [BOT]: {} } } }, forbidden, forbidden, no(404, "M_NOT_FOUND")]);
    const acts = [];
    for (let i = 0; i < 5; i++) acts.push(await bots.invite(BOT, ROOM, "@a:hs"));
    expect(acts).toEqual(["ok", "ok", "refused", "refused", "unknown"]);
    expect(seen[0]).toEqual({ line: `POST /_matrix/client/v3/rooms/${ROOM_PATH}/invite?${AS}`, token: "as-secret", body: { user_id: "@a:hs" } });
  });

  it("send once, and read", async () => {
    const event = { event_id: "$1", sender: "@a:hs", type: "m.room.message", origin_server_ts: 5, content: { msgtype: "m.text", body: "hi" } };
    const { bots, seen } = await script([
      { json: { event_id: "$0" } },
      no(403, "M_FORBIDDEN"),
      no(413, "M_TOO_LARGE"),
      { json: { chunk: [event, { ...event, event_id: "$2", type: "m.room.encrypted", content: { ciphertext: "x", body: 7 } }, { ...event, event_id: "$3", content: null }] } },
      no(403, "M_FORBIDDEN"),
      { json: { joined: { "@a:hs": { display_name: "A" }, [BOT]: { display_name: null }, "@c:hs": null } } },
      { json: { joined: { "@a:hs": { display_name: "A" }, "@other_bot:hs": {} } } },
    ]);
    expect(await bots.send(BOT, ROOM, "t/1", { msgtype: "m.text", body: "hi" })).toEqual({ eventId: "$0" });
    expect(seen[0]).toEqual({ line: `PUT /_matrix/client/v3/rooms/${ROOM_PATH}/send/m.room.message/t%2F1.%40b_bot%3Ahs?${AS}`, token: "as-secret", body: { msgtype: "m.text", body: "hi" } });
    expect(await bots.send(BOT, ROOM, "t", {})).toBeNull();
    expect((await failure(bots.send(BOT, ROOM, "t", {}))).code).toBe("PAYLOAD_TOO_LARGE");
    expect(await bots.listMessages(BOT, ROOM, 3)).toEqual([
      { eventId: "$1", sender: "@a:hs", type: "m.room.message", sentAt: 5, body: "hi", content: event.content },
      { eventId: "$2", sender: "@a:hs", type: "m.room.encrypted", sentAt: 5, body: null, content: { ciphertext: "x", body: 7 } },
      { eventId: "$3", sender: "@a:hs", type: "m.room.message", sentAt: 5, body: null, content: {} },
    ]);
    const asked = new URL(`http://hs${(seen[3]?.line ?? "").slice("GET ".length)}`).searchParams;
    expect(Object.fromEntries(asked)).toEqual({ dir: "b", limit: "3", filter: '{"types":["m.room.message","m.room.encrypted"]}', user_id: BOT });
    expect(await bots.listMessages(BOT, ROOM, 3)).toBeNull();
    expect(await bots.listMembers(BOT, ROOM)).toEqual([{ userId: "@a:hs", displayName: "A" }, { userId: BOT, displayName: null }, { userId: "@c:hs", displayName: null }]);
    // It would tell this bot of a room that another one is in.
    expect(await bots.listMembers(BOT, ROOM)).toBeNull();
  });
});

const USER = { name: "@a:hs", displayname: "A", avatar_url: null, admin: 0, deactivated: 1, is_guest: 0, creation_ts: 1_700_000_000, erased: true, shadow_banned: 0, locked: false };
const ACCOUNT = { userId: "@a:hs", displayName: "A", avatarUrl: null, admin: false, deactivated: true, guest: false, createdAt: 1_700_000_000_000, shadowBanned: false, erased: true, locked: false };

describe("accounts, for an administrator", () => {
  it("are found, unless they are unknown, foreign or none", async () => {
    const { admin, seen } = await script([{ json: USER }, no(404, "M_NOT_FOUND"), no(400, "M_UNKNOWN")]);
    expect([await admin.findAccount("@a:hs"), await admin.findAccount("@a:hs"), await admin.findAccount("@a:else")]).toEqual([ACCOUNT, null, null]);
    expect(seen[0]).toEqual({ line: "GET /_synapse/admin/v2/users/%40a%3Ahs", token: "adm-secret", body: null });
  });

  it("are listed, with times in milliseconds there", async () => {
    const { admin, lines } = await script([{ json: { users: [{ ...USER, creation_ts: 1_700_000_000_000 }], total: 9, next_token: "3" } }, { json: { users: [], total: 0 } }]);
    expect(await admin.listAccounts({ from: 2, limit: 1, guests: false, deactivated: true, name: "a&b" })).toEqual({ items: [ACCOUNT], total: 9, next: "3" });
    expect(await admin.listAccounts({ from: 0, limit: 1 })).toEqual({ items: [], total: 0, next: null });
    expect(lines()).toEqual(["GET /_synapse/admin/v2/users?from=2&limit=1&guests=false&deactivated=true&name=a%26b", "GET /_synapse/admin/v2/users?from=0&limit=1"]);
  });

  it("are changed only when they exist, and come back in two steps", async () => {
    const unknown = await script([no(404, "M_NOT_FOUND")]);
    expect(await unknown.admin.updateAccount("@a:hs", { password: "hunter2" })).toBe(false);
    expect(unknown.lines()).toEqual(["GET /_synapse/admin/v2/users/%40a%3Ahs"]);

    const { admin, seen } = await script([{ json: USER }, {}, {}, { json: USER }, {}, { json: USER }, {}, { json: USER }]);
    expect(await admin.updateAccount("@a:hs", { password: "hunter2", deactivated: false, displayName: "B" })).toBe(true);
    expect(await admin.updateAccount("@a:hs", { password: "hunter2", logoutDevices: false, displayName: "B" })).toBe(true);
    expect(await admin.updateAccount("@a:hs", { deactivated: false })).toBe(true);
    expect(await admin.updateAccount("@a:hs", {})).toBe(true);
    expect(seen.filter(({ line }) => line.startsWith("PUT")).map(({ body }) => body)).toEqual([{ deactivated: false, password: "hunter2" }, { displayname: "B" }, { password: "hunter2", logout_devices: false, displayname: "B" }, { deactivated: false }]);
  });

  it("are ended and given passwords", async () => {
    const { admin, seen } = await script([{ json: { id_server_unbind_result: "success" } }, no(404, "M_NOT_FOUND"), {}, no(404, "M_NOT_FOUND")]);
    expect([await admin.deactivate("@a:hs", true), await admin.deactivate("@a:hs", false)]).toEqual([true, false]);
    expect([await admin.resetPassword("@a:hs", "hunter2", false), await admin.resetPassword("@a:hs", "hunter2", true)]).toEqual([true, false]);
    expect(seen.map(({ line, body }) => [line, body])).toEqual([
      ["POST /_synapse/admin/v1/deactivate/%40a%3Ahs", { erase: true }],
      ["POST /_synapse/admin/v1/deactivate/%40a%3Ahs", { erase: false }],
      ["POST /_synapse/admin/v1/reset_password/%40a%3Ahs", { new_password: "hunter2", logout_devices: false }],
      ["POST /_synapse/admin/v1/reset_password/%40a%3Ahs", { new_password: "hunter2", logout_devices: true }],
    ]);
  });

  it("have devices, rooms and data", async () => {
    const { admin, seen } = await script([
      { json: { devices: [{ device_id: "D", display_name: "Phone", last_seen_ip: "::1", last_seen_user_agent: null, last_seen_ts: 7 }, { device_id: "E" }], total: 2 } },
      no(404, "M_NOT_FOUND"),
      {},
      { json: { joined_rooms: ["!r"], total: 1 } },
      { json: { account_data: { global: { a: 1 }, rooms: {} } } },
      no(404, "M_NOT_FOUND"),
      { json: { server_version: "1.2" } },
      { json: { users: [{ user_id: "@a:hs", displayname: null, media_count: 2, media_length: 30 }], total: 1, next_token: 1 } },
    ]);
    expect(await admin.listDevices("@a:hs")).toEqual([
      { deviceId: "D", displayName: "Phone", lastSeenIp: "::1", lastSeenUserAgent: null, lastSeenAt: 7 },
      { deviceId: "E", displayName: null, lastSeenIp: null, lastSeenUserAgent: null, lastSeenAt: null },
    ]);
    expect(await admin.listDevices("@a:hs")).toBeNull();
    await admin.deleteDevices("@a:hs", []);
    await admin.deleteDevices("@a:hs", ["D", "E"]);
    expect(seen[2]).toMatchObject({ line: "POST /_synapse/admin/v2/users/%40a%3Ahs/delete_devices", body: { devices: ["D", "E"] } });
    expect(await admin.joinedRooms("@a:hs")).toEqual(["!r"]);
    expect([await admin.accountData("@a:hs"), await admin.accountData("@a:hs")]).toEqual([{ global: { a: 1 }, rooms: {} }, null]);
    expect(await admin.version()).toBe("1.2");
    expect(await admin.listMediaUse({ from: 0, limit: 5 })).toEqual({ items: [{ userId: "@a:hs", displayName: null, mediaCount: 2, mediaLength: 30 }], total: 1, next: "1" });
  });
});

describe("rooms, for an administrator", () => {
  const room = { room_id: "!r", name: "R", avatar: "mxc://a", topic: "T", canonical_alias: "#r:hs", joined_members: 3, joined_local_members: 2, joined_local_devices: 4, version: "12", creator: "@a:hs", encryption: null, federatable: 1, public: false, join_rules: "invite", guest_access: null, history_visibility: "shared", state_events: 9 };

  it("are listed, shown and deleted", async () => {
    const { admin, seen } = await script([
      { json: { rooms: [room], offset: 0, total_rooms: 5, next_batch: 1 } },
      { json: { rooms: [], offset: 0, total_rooms: 0 } },
      { json: room },
      no(404, "M_NOT_FOUND"),
      { json: { members: ["@a:hs"], total: 1 } },
      no(404, "M_NOT_FOUND"),
      { json: { state: [{ type: "m.room.name" }, { type: "m.room.create", origin_server_ts: 99 }] } },
      { json: { state: [] } },
      no(404, "M_NOT_FOUND"),
      { json: { delete_id: "d1" } },
    ]);
    const page = await admin.listRooms({ from: 0, limit: 1, orderBy: "name", dir: "b", search: "r" });
    expect(page).toMatchObject({ total: 5, next: "1", items: [{ roomId: "!r", avatarUrl: "mxc://a", federatable: true, public: false, joinedLocalDevices: 4 }] });
    expect(await admin.listRooms({ from: 0, limit: 1, dir: "f" })).toEqual({ items: [], total: 0, next: null });
    expect([await admin.findRoom("!r"), await admin.findRoom("!r")]).toEqual([page.items[0], null]);
    expect([await admin.listRoomMembers("!r"), await admin.listRoomMembers("!r")]).toEqual([["@a:hs"], null]);
    expect([await admin.findRoomCreation(ROOM), await admin.findRoomCreation(ROOM), await admin.findRoomCreation(ROOM)]).toEqual([99, null, null]);
    expect(await admin.deleteRoom(ROOM, { block: false, purge: true })).toBe("d1");
    expect([seen[0]?.line, seen[1]?.line]).toEqual(["GET /_synapse/admin/v1/rooms?from=0&limit=1&dir=b&order_by=name&search_term=r", "GET /_synapse/admin/v1/rooms?from=0&limit=1&dir=f"]);
    expect(seen[6]?.line).toBe(`GET /_synapse/admin/v1/rooms/${ROOM_PATH}/state?type=m.room.create`);
    expect(seen[9]).toEqual({ line: `DELETE /_synapse/admin/v2/rooms/${ROOM_PATH}`, token: "adm-secret", body: { block: false, purge: true } });
  });

  it("get guests in the name of a person, whose token is ended whatever happens", async () => {
    const token = { json: { access_token: "person-token" } };
    const forbidden = no(403, "M_FORBIDDEN");
    const before = Date.now();
    const { admin, seen } = await script([token, {}, {}, token, forbidden, { json: { members: [BOT] } }, no(500, "M_UNKNOWN"), token, forbidden, { json: { members: [] } }, {}, token, forbidden, no(404, "M_NOT_FOUND"), {}, no(404, "M_NOT_FOUND")]);
    const acts = [];
    for (let i = 0; i < 5; i++) acts.push(await admin.inviteAs("@a:hs", ROOM, BOT));
    expect(acts).toEqual(["ok", "ok", "refused", "unknown", "refused"]);
    expect(seen.slice(0, 3)).toEqual([
      { line: "POST /_synapse/admin/v1/users/%40a%3Ahs/login", token: "adm-secret", body: { valid_until_ms: expect.any(Number) } },
      { line: `POST /_matrix/client/v3/rooms/${ROOM_PATH}/invite`, token: "person-token", body: { user_id: BOT } },
      { line: "POST /_matrix/client/v3/logout", token: "person-token", body: {} },
    ]);
    const { valid_until_ms: until } = (seen[0] as { body: { valid_until_ms: number } }).body;
    expect(until - before).toBeGreaterThanOrEqual(60_000);
    expect(until - before).toBeLessThan(70_000);

    const failing = await script([token, no(500, "M_UNKNOWN"), {}]);
    expect((await failure(failing.admin.inviteAs("@a:hs", ROOM, BOT))).code).toBe("MATRIX_UNAVAILABLE");
    expect(failing.lines()[2]).toBe("POST /_matrix/client/v3/logout");
  });

  it("get guests in the name of the administrator itself, whose token stays", async () => {
    const { admin, seen } = await script([no(400, "M_UNKNOWN"), { json: { user_id: "@adm:hs" } }, {}, no(400, "M_UNKNOWN"), { json: { user_id: "@adm:hs" } }]);
    expect(await admin.inviteAs("@adm:hs", "!r", BOT)).toBe("ok");
    expect(seen.map(({ line, token }) => [line.split(" ")[1], token])).toEqual([["/_synapse/admin/v1/users/%40adm%3Ahs/login", "adm-secret"], ["/_matrix/client/v3/account/whoami", "adm-secret"], ["/_matrix/client/v3/rooms/!r/invite", "adm-secret"]]);
    expect(await admin.inviteAs("@else:hs", "!r", BOT)).toBe("refused");
  });

  it("and whatever else, as it comes", async () => {
    const { admin, seen } = await script([{ status: 404, headers: { "x-a": "b" }, text: "{}x" }, { status: 302, headers: { location: "http://else" } }]);
    expect(await admin.raw("POST", "/_synapse/x?y=1", { z: 1 })).toMatchObject({ status: 404, headers: { "x-a": "b" }, text: "{}x" });
    expect(seen[0]).toEqual({ line: "POST /_synapse/x?y=1", token: "adm-secret", body: { z: 1 } });
    expect((await admin.raw("GET", "/_synapse/x", undefined)).status).toBe(302);
  });
});

describe("failures", () => {
  it("are ours to name: the homeserver's trouble", async () => {
    const troubles: Scripted[] = [no(500, "M_UNKNOWN"), { status: 502, text: "<html>bad gateway</html>" }, no(429, "M_LIMIT_EXCEEDED", { retry_after_ms: 1_500 }), { status: 302, headers: { location: "http://127.0.0.1:1/" } }, { text: "not json" }, { text: "[]" }, { status: 404, text: "no such page" }, no(404, "M_UNRECOGNIZED"), { json: { name: 7 } }, no(503, "M_UNKNOWN", { retry_after_ms: 9_999_999_999 })];
    const { admin } = await script(troubles);
    const errors: AppError[] = [];
    for (const _ of troubles) errors.push(await failure(admin.findAccount("@a:hs")));
    expect(new Set(errors.map(({ code }) => code))).toEqual(new Set(["MATRIX_UNAVAILABLE"]));
    expect(errors.map(({ retryAfterSeconds }) => retryAfterSeconds)).toEqual([undefined, undefined, 2, undefined, undefined, undefined, undefined, undefined, undefined, 3_600]);
    expect(String(errors[0]?.cause)).toBe("Error: homeserver: GET /_synapse/admin/v2/users/%40a%3Ahs: it answered 500 M_UNKNOWN");
  });

  it("include silence, lost connections and answers without end", async () => {
    const slow = await script([{ hang: true }], { timeoutMs: 100 });
    const endless = await script([{ text: "x".repeat(16 * 1024 * 1024 + 1) }]);
    for (const { bots } of [slow, endless, client("http://127.0.0.1:1")]) expect((await failure(bots.joinedRooms(BOT))).code).toBe("MATRIX_UNAVAILABLE");
    expect((await failure(client("http://127.0.0.1:1", { adminToken: "adm\nsecret" }).admin.version())).code).toBe("MATRIX_UNAVAILABLE");
  });

  it("are ours to name: our own credentials", async () => {
    const { admin } = await script([no(401, "M_UNKNOWN_TOKEN"), no(403, "M_FORBIDDEN")]);
    const { bots } = await script([no(401, "M_UNKNOWN_TOKEN"), no(403, "M_FORBIDDEN"), no(401, "M_MISSING_TOKEN")]);
    const errors = [await failure(admin.findAccount("@a:hs")), await failure(admin.findAccount("@a:hs")), await failure(bots.join(BOT, ROOM)), await failure(bots.login(BOT, "D")), await failure(bots.register("b_bot"))];
    expect(errors.map(({ code }) => code)).toEqual(Array(5).fill("BAD_GATEWAY"));
    expect(errors.map(({ cause }) => /MATRIX_\w+_TOKEN/.exec(String(cause))?.[0])).toEqual(["MATRIX_ADMIN_TOKEN", "MATRIX_ADMIN_TOKEN", "MATRIX_AS_TOKEN", "MATRIX_AS_TOKEN", "MATRIX_AS_TOKEN"]);
  });

  it("are told without what others may have put into codes", async () => {
    const { admin } = await script([no(500, "M_X\n injected secret line")]);
    expect(String((await failure(admin.version())).cause)).toMatch(/it answered 500$/);
  });

  it("include names that no address can carry", async () => {
    const { admin, bots, seen } = await script([]);
    for (const id of ["", ".", "..", "\ud800"]) {
      expect((await failure(admin.findRoom(id))).code).toBe("NOT_FOUND");
      expect((await failure(bots.join(BOT, id))).code).toBe("NOT_FOUND");
    }
    expect(seen).toEqual([]);
  });

  it("include every success without what it must carry", async () => {
    const poor: [string, (m: { matrix: Matrix; admin: MatrixAdmin; bots: MatrixBots }) => Promise<unknown>, unknown][] = [
      ["whoami", ({ matrix }) => matrix.whoami("t"), { user_id: 1 }],
      ["bot login", ({ bots }) => bots.login(BOT, "D"), {}],
      ["create", ({ bots }) => bots.createRoom(BOT, { name: "", invite: [], marker: "m" }), { room_id: "" }],
      ["send", ({ bots }) => bots.send(BOT, ROOM, "t", {}), {}],
      ["messages", ({ bots }) => bots.listMessages(BOT, ROOM, 1), { chunk: ["x"] }],
      ["messages", ({ bots }) => bots.listMessages(BOT, ROOM, 1), { chunk: [{ event_id: "$1", sender: "@a:hs", type: "m", origin_server_ts: "1" }] }],
      ["members", ({ bots }) => bots.listMembers(BOT, ROOM), { joined: [] }],
      ["rooms", ({ bots }) => bots.joinedRooms(BOT), { joined_rooms: [1] }],
      ["accounts", ({ admin }) => admin.listAccounts({ from: 0, limit: 1 }), { users: [] }],
      ["devices", ({ admin }) => admin.listDevices("@a:hs"), { devices: {} }],
      ["delete", ({ admin }) => admin.deleteRoom(ROOM, { block: false, purge: true }), {}],
      ["creation", ({ admin }) => admin.findRoomCreation(ROOM), {}],
      ["invite", ({ admin }) => admin.inviteAs("@a:hs", ROOM, BOT), {}],
    ];
    for (const [name, ask, json] of poor) expect((await failure(ask(await script([{ json }])))).code, name).toBe("MATRIX_UNAVAILABLE");
  });
});
