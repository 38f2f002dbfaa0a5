import { env } from "cloudflare:workers";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { api, signUpUser, type TestUser } from "../support/client";
import { asPerson, matrixClient, newPerson, newRoom, SERVER_NAME, type MatrixPerson } from "../support/matrix-client";

const { DB } = env as unknown as { DB: D1Database };
const ADMIN = "/api/v1/admin/featured-rooms";
const at = (roomId: string) => `${ADMIN}/${encodeURIComponent(roomId)}`;
const featureOf = (roomId: string) => `/api/v1/admin/matrix/rooms/${encodeURIComponent(roomId)}/feature`;
const UNKNOWN_ROOM = `!${"y".repeat(18)}:${SERVER_NAME}`;

let admin: TestUser;
let person: MatrixPerson;
beforeAll(async () => {
  [admin, person] = [await signUpUser(), await newPerson()];
  await DB.prepare("UPDATE users SET role = 'admin' WHERE id = ?").bind(admin.userId).run();
});
beforeEach(async () => {
  await DB.prepare("DELETE FROM featured_rooms").run();
});

const asAdmin = <T = Record<string, unknown>>(method: string, path: string, body?: unknown) => api<T>(method, path, { token: admin.accessToken, body });
const actions = async (roomId: string) =>
  (await DB.prepare("SELECT action FROM audit_log WHERE subject_type = 'matrix_room' AND subject_id = ? ORDER BY id").bind(roomId).all<{ action: string }>()).results.map(({ action }) => action);

describe("featured rooms beside a homeserver", () => {
  it("take over what the homeserver says, and again when asked to", async () => {
    const roomId = await newRoom(person, { name: "Lounge", topic: "Chat", preset: "public_chat" });
    const created = await asAdmin("POST", ADMIN, { room_id: roomId, description: "For everybody", display_order: 7 });
    expect(created).toMatchObject({
      status: 201,
      body: { room_id: roomId, display_name: null, description: "For everybody", matrix_name: "Lounge", matrix_topic: "Chat", matrix_avatar_url: null, matrix_canonical_alias: null, matrix_joined_member_count: 1, display_order: 7, added_by: admin.userId },
    });
    expect((await asAdmin("GET", ADMIN)).body).toEqual({ items: [created.body] });
    await asPerson(person, "PUT", `/rooms/${encodeURIComponent(roomId)}/state/m.room.name`, { name: "Salon" });
    expect((await asAdmin("PATCH", at(roomId), { display_name: "Curated" })).body).toMatchObject({ matrix_name: "Lounge", display_name: "Curated" });
    expect((await asAdmin("PATCH", at(roomId), { refresh_metadata: true })).body).toMatchObject({ matrix_name: "Salon", display_name: "Curated", display_order: 7 });
    await asPerson(person, "PUT", `/rooms/${encodeURIComponent(roomId)}/state/m.room.topic`, { topic: "Talk" });
    expect(await asAdmin("POST", ADMIN, { room_id: roomId, display_order: 3, create_if_missing: false })).toMatchObject({ status: 201, body: { matrix_topic: "Talk", display_name: "Curated", display_order: 3 } });
    expect(await actions(roomId)).toEqual(["featured_room.create", "featured_room.update", "featured_room.update", "featured_room.update"]);
  });

  it("come last unless told, and only once, by whichever door", async () => {
    const rooms = [await newRoom(person), await newRoom(person), await newRoom(person)] as const;
    expect((await asAdmin("POST", ADMIN, { room_id: rooms[0] })).body).toMatchObject({ display_order: 0 });
    expect(await asAdmin("POST", featureOf(rooms[1]))).toMatchObject({ status: 201, body: { display_order: 1, added_by: admin.userId } });
    expect((await asAdmin("POST", ADMIN, { room_id: rooms[2], display_order: null })).body).toMatchObject({ display_order: 2 });
    for (const again of [await asAdmin("POST", ADMIN, { room_id: rooms[1] }), await asAdmin("POST", featureOf(rooms[1]))]) expect(again).toMatchObject({ status: 409, body: { code: "room_already_featured" } });
    expect((await asAdmin("DELETE", featureOf(rooms[1]))).status).toBe(204);
    expect((await asAdmin("DELETE", at(rooms[1]))).status).toBe(204);
    expect(await actions(rooms[1])).toEqual(["featured_room.create", "featured_room.delete"]);
    const race = await Promise.all([asAdmin("POST", ADMIN, { room_id: rooms[1] }), asAdmin("POST", featureOf(rooms[1]))]);
    expect(race.map(({ status }) => status).sort()).toEqual([201, 409]);
  });

  it("are 404 when the homeserver does not have them, or nothing is to change", async () => {
    for (const roomId of [UNKNOWN_ROOM, "!nocolon", "..", "#alias:x"]) {
      expect(await asAdmin("POST", ADMIN, { room_id: roomId }), roomId).toMatchObject({ status: 404, body: { code: "not_found" } });
    }
    expect((await asAdmin("POST", featureOf(UNKNOWN_ROOM))).status).toBe(404);
    const roomId = await newRoom(person);
    expect((await asAdmin("POST", ADMIN, { room_id: roomId, create_if_missing: false })).status).toBe(404);
    expect((await asAdmin("PATCH", at(roomId), { refresh_metadata: true })).status).toBe(404);
    expect(await actions(roomId)).toEqual([]);

    // Gone on the homeserver: what we know stays, until an administrator takes it away.
    await asAdmin("POST", ADMIN, { room_id: roomId });
    await matrixClient().admin.deleteRoom(roomId, { block: false, purge: true });
    for (let tries = 0; (await matrixClient().admin.findRoom(roomId)) !== null && tries < 100; tries++) await new Promise((resolve) => setTimeout(resolve, 50));
    expect((await asAdmin("PATCH", at(roomId), { refresh_metadata: true })).status).toBe(404);
    expect((await asAdmin<{ items: unknown[] }>("GET", ADMIN)).body.items).toHaveLength(1);
    expect((await asAdmin("DELETE", at(roomId))).status).toBe(204);
  });
});
