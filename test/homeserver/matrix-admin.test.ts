import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { api, signUpUser, uniqueName, type TestUser } from "../support/client";
import { matrixClient, newBot, newPerson, newRoom, SERVER_NAME } from "../support/matrix-client";

const { DB, MATRIX_ADMIN_TOKEN } = env as unknown as { DB: D1Database; MATRIX_ADMIN_TOKEN: string };
const BASE = "/api/v1/admin/matrix";
const { matrix, admin, bots } = matrixClient();
const userAt = (userId: string) => `${BASE}/users/${encodeURIComponent(userId)}`;
const roomAt = (roomId: string) => `${BASE}/rooms/${encodeURIComponent(roomId)}`;
const UNKNOWN_USER = `@${uniqueName("nobody")}:${SERVER_NAME}`;
const UNKNOWN_ROOM = `!${"z".repeat(18)}:${SERVER_NAME}`;

let superadmin: TestUser;
beforeAll(async () => {
  superadmin = await signUpUser();
  await DB.prepare("UPDATE users SET role = 'superadmin' WHERE id = ?").bind(superadmin.userId).run();
});
const call = <T = Record<string, unknown>>(method: string, path: string, body?: unknown) => api<T>(method, path, { token: superadmin.accessToken, body });
const test = (body: Record<string, unknown>) => call<{ status: number; data: unknown; success: boolean; errcode: string | null; error: string | null }>("POST", `${BASE}/test-endpoint`, body);
const audited = async (subject: string) => (await DB.prepare("SELECT action, detail FROM audit_log WHERE subject_id = ? ORDER BY id").bind(subject).all<{ action: string; detail: string }>()).results.map(({ action, detail }) => [action, JSON.parse(detail)]);

describe("accounts of the homeserver", () => {
  it("are listed and shown", async () => {
    const person = await newPerson("Ada");
    const shown = await call("GET", userAt(person.userId));
    expect(shown).toMatchObject({ status: 200, body: { user_id: person.userId, displayname: "Ada", avatar_url: null, admin: false, deactivated: false, is_guest: false, erased: false } });
    const first = await call<{ users: { user_id: string }[]; total: number; next_token: string | null }>("GET", `${BASE}/users?limit=1&guests=false`);
    expect(first.body).toMatchObject({ users: [expect.anything()], next_token: "1" });
    const all = await call<{ users: Record<string, unknown>[]; total: number }>("GET", `${BASE}/users?limit=1000&deactivated=false`);
    const { user_id, displayname, deactivated } = shown.body;
    expect(all.body.users).toContainEqual(expect.objectContaining({ user_id, displayname, deactivated }));
    expect(all.body.total).toBe(all.body.users.length);
    for (const unknown of [UNKNOWN_USER, "@a:elsewhere", "nonsense"]) expect(await call("GET", userAt(unknown))).toMatchObject({ status: 404, body: { code: "not_found" } });
  });

  it("are deactivated, and erased when asked", async () => {
    const [kept, erased] = [await newPerson(), await newPerson()];
    expect(await call("POST", `${userAt(kept.userId)}/deactivate`)).toMatchObject({ status: 200, body: { success: true, user_id: kept.userId, erased: false } });
    expect(await call("POST", `${userAt(erased.userId)}/deactivate`, { erase: true })).toMatchObject({ status: 200, body: { erased: true } });
    expect((await call("GET", userAt(kept.userId))).body).toMatchObject({ deactivated: true, erased: false });
    expect((await call("GET", userAt(erased.userId))).body).toMatchObject({ deactivated: true, erased: true });
    expect(await audited(erased.userId)).toEqual([["matrix_user.deactivate", { erase: true }]]);
    for (const body of [undefined, "null", {}]) expect((await call("POST", `${userAt(kept.userId)}/deactivate`, body)).status).toBe(200);
    expect((await call("POST", `${userAt(UNKNOWN_USER)}/deactivate`)).status).toBe(404);
    expect(await audited(UNKNOWN_USER)).toEqual([]);
  });

  it("get passwords, and keep their devices when asked", async () => {
    const person = await newPerson();
    const reset = (userId: string, body: unknown) => call("POST", `${userAt(userId)}/reset-password`, body);
    expect(await reset(person.userId, { new_password: "second password", logout_devices: false })).toMatchObject({ status: 200, body: { success: true, logged_out_devices: false } });
    expect(await matrix.whoami(person.token)).not.toBeNull();
    expect((await matrix.login(person.localpart, "second password")).kind).toBe("ok");
    expect((await reset(person.userId, { new_password: "third password" })).status).toBe(200);
    expect(await matrix.whoami(person.token)).toBeNull();
    expect((await reset(UNKNOWN_USER, { new_password: "long enough" })).status).toBe(404);
    expect(await audited(person.userId)).toEqual([["matrix_user.reset_password", { logout_devices: false }], ["matrix_user.reset_password", { logout_devices: true }]]);
  });
});

describe("rooms of the homeserver", () => {
  it("are listed, shown, dated and deleted", async () => {
    const [person, bot] = [await newPerson(), await newBot()];
    const mark = uniqueName("zz");
    const roomId = await newRoom(person, { name: mark, topic: "What for", invite: [bot] });
    await bots.join(bot, roomId);
    const shown = await call<{ created_at: string }>("GET", roomAt(roomId));
    expect(shown).toMatchObject({ status: 200, body: { room_id: roomId, name: mark, topic: "What for", joined_members: 2, joined_local_members: 2, public: false, creator: person.userId, join_rules: "invite" } });
    expect(Math.abs(Date.parse(shown.body.created_at) - Date.now())).toBeLessThan(60_000);

    for (const dir of ["b", "desc", "Descending"]) {
      const { body } = await call<{ rooms: { name: string | null }[] }>("GET", `${BASE}/rooms?limit=1000&order_by=name&dir=${dir}`);
      const names = body.rooms.flatMap((room) => room.name ?? []);
      expect(names).toEqual([...names].sort().reverse());
      expect(names).toContain(mark);
    }
    expect((await call("GET", `${BASE}/rooms?limit=1&from_room=0&dir=asc`)).body).toMatchObject({ rooms: [{ created_at: null }], total_rooms: expect.any(Number) as unknown });

    expect((await call("POST", `${BASE}/rooms/meta`, { room_ids: [roomId, roomId, UNKNOWN_ROOM, "nonsense", ".."] })).body).toEqual({ rooms: { [roomId]: { created_at: shown.body.created_at }, [UNKNOWN_ROOM]: { created_at: null }, nonsense: { created_at: null }, "..": { created_at: null } } });
    expect((await call("POST", `${BASE}/rooms/meta`, { room_ids: [] })).body).toEqual({ rooms: {} });
    const members = await call<{ members: string[]; total: number }>("GET", `${roomAt(roomId)}/members`);
    expect([members.body.members.sort(), members.body.total]).toEqual([[bot, person.userId].sort(), 2]);

    for (const path of [roomAt(UNKNOWN_ROOM), `${roomAt(UNKNOWN_ROOM)}/members`, roomAt("!nocolon"), roomAt("..%2Fx")]) expect((await call("GET", path)).status).toBe(404);
    expect((await call("DELETE", roomAt(UNKNOWN_ROOM))).status).toBe(404);
    const deleted = await call<{ delete_id: string }>("DELETE", roomAt(roomId), { block: false });
    expect(deleted).toMatchObject({ status: 200, body: { success: true, room_id: roomId } });
    expect(deleted.body.delete_id).not.toBe("");
    expect(await audited(roomId)).toEqual([["matrix_room.delete", { block: false, purge: true }]]);
    for (let tries = 0; (await admin.findRoom(roomId)) !== null && tries < 100; tries++) await new Promise((resolve) => setTimeout(resolve, 50));
    expect((await call("GET", roomAt(roomId))).status).toBe(404);
  });
});

describe("the homeserver itself", () => {
  it("tells its version and its numbers", async () => {
    expect((await call("GET", `${BASE}/server/version`)).body).toEqual({ server_version: await admin.version(), python_version: null });
    const before = await call<{ users: { total: number; active: number; deactivated: number }; rooms: { total: number }; media: { complete: boolean } }>("GET", `${BASE}/server/stats`);
    const [person, gone] = [await newPerson(), await newPerson()];
    await newRoom(person);
    await admin.deactivate(gone.userId, false);
    const { users, rooms, media } = (await call<typeof before.body>("GET", `${BASE}/server/stats`)).body;
    expect(users).toEqual({ total: before.body.users.total + 2, active: before.body.users.active + 1, deactivated: before.body.users.deactivated + 1 });
    expect(rooms.total).toBe(before.body.rooms.total + 1);
    expect(media).toMatchObject({ complete: true, bytes: expect.any(Number) as unknown, files: expect.any(Number) as unknown });
  });

  it("may be asked anything below its two roots, and never tells a credential", async () => {
    const person = await newPerson();
    expect(await test({ endpoint: "/_matrix/client/versions" })).toMatchObject({ status: 200, body: { status: 200, success: true, data: { versions: expect.any(Array) as unknown }, error: null, errcode: null, headers: { "content-type": "application/json" } } });
    expect((await test({ endpoint: `/_synapse/admin/v2/users/${encodeURIComponent(person.userId)}`, method: "get" })).body).toMatchObject({ status: 200, data: { name: person.userId } });
    expect((await test({ endpoint: `/_synapse/admin/v2/users/${encodeURIComponent(UNKNOWN_USER)}` })).body).toMatchObject({ status: 404, success: false, errcode: "M_NOT_FOUND" });
    expect((await test({ endpoint: "/_synapse/admin/v9/nothing" })).body).toMatchObject({ status: 404, success: false });
    expect((await test({ endpoint: `/_synapse/admin/v2/users/${encodeURIComponent(person.userId)}?x=1`, method: "PUT", body: { displayname: "Renamed" } })).body).toMatchObject({ status: 200, data: { displayname: "Renamed" } });
    const token = await test({ endpoint: `/_synapse/admin/v1/users/${encodeURIComponent(person.userId)}/login`, method: "POST", body: {} });
    expect(token.body).toMatchObject({ status: 200, data: { access_token: "[redacted]" } });
    const whoami = await test({ endpoint: "/_matrix/client/v3/account/whoami" });
    expect(whoami.body.status).toBe(200);
    expect(JSON.stringify([token.body, whoami.body])).not.toMatch(/syt_/);
    expect(JSON.stringify([token.body, whoami.body])).not.toContain(MATRIX_ADMIN_TOKEN);
    expect(await audited(`/_synapse/admin/v2/users/${encodeURIComponent(person.userId)}`)).toEqual([["matrix_endpoint.test", { method: "GET" }], ["matrix_endpoint.test", { method: "PUT" }]]);
  });
});
