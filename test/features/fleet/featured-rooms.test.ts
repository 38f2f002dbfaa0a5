import { env } from "cloudflare:workers";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { api, expectStatus, mintToken, signUpUser, type TestUser } from "../../support/client";

/** What needs no homeserver; the rest is in test/homeserver/featured-rooms.test.ts. */

const { DB } = env as unknown as { DB: D1Database };
const ADMIN = "/api/v1/admin/featured-rooms";
const at = (roomId: string) => `${ADMIN}/${encodeURIComponent(roomId)}`;

interface AdminItem {
  readonly room_id: string;
  readonly display_order: number;
}
interface UserList {
  readonly items: readonly { readonly room_id: string; readonly name: string | null }[];
  readonly viewer_onboarded_at: string | null;
}

let admin: TestUser;
let user: TestUser;
beforeAll(async () => {
  [admin, user] = await Promise.all([signUpUser(), signUpUser()]);
  await DB.prepare("UPDATE users SET role = 'admin' WHERE id = ?").bind(admin.userId).run();
});
beforeEach(async () => {
  await DB.prepare("DELETE FROM featured_rooms").run();
});

const asAdmin = <T = Record<string, unknown>>(method: string, path: string, body?: unknown) => api<T>(method, path, { token: admin.accessToken, body });
const insert = (roomId: string, order: number, more: { displayName?: string; addedAt?: number } = {}) =>
  DB.prepare("INSERT INTO featured_rooms (room_id, display_name, matrix_name, matrix_topic, display_order, created_at, updated_at, version) VALUES (?, ?, 'Matrix name', 'Topic', ?, ?, ?, 1)")
    .bind(roomId, more.displayName ?? null, order, more.addedAt ?? 1_000, more.addedAt ?? 1_000)
    .run();
const actions = async (roomId: string) =>
  (await DB.prepare("SELECT action FROM audit_log WHERE subject_type = 'matrix_room' AND subject_id = ? ORDER BY id").bind(roomId).all<{ action: string }>()).results.map(({ action }) => action);

describe("featured rooms", () => {
  it("are shown in their order, then by age, with the curated name first", async () => {
    await insert("!late", 1, { addedAt: 3_000 });
    await insert("!first", 0, { displayName: "Curated" });
    await insert("!early", 1, { addedAt: 2_000 });
    const list = await expectStatus<UserList>(200, "GET", "/api/v1/featured-rooms", { token: user.accessToken });
    expect(list.items.map((item) => [item.room_id, item.name])).toEqual([["!first", "Curated"], ["!early", "Matrix name"], ["!late", "Matrix name"]]);
    expect(list.items[0]).toEqual({ room_id: "!first", name: "Curated", description: null, topic: "Topic", avatar_url: null, canonical_alias: null, joined_member_count: null });
    const all = await expectStatus<{ items: AdminItem[] }>(200, "GET", ADMIN, { token: admin.accessToken });
    expect(all.items.map((item) => item.room_id)).toEqual(["!first", "!early", "!late"]);
  });

  it("are acknowledged once: the first time stays, whoever else asks at the same time", async () => {
    const person = await signUpUser();
    const acknowledge = () => expectStatus<{ onboarded_at: string }>(200, "POST", "/api/v1/featured-rooms/acknowledge", { token: person.accessToken });
    const onboardedAt = async () => (await expectStatus<UserList>(200, "GET", "/api/v1/featured-rooms", { token: person.accessToken })).viewer_onboarded_at;
    expect(await onboardedAt()).toBeNull();
    const times = (await Promise.all([acknowledge(), acknowledge(), acknowledge()])).map((answer) => answer.onboarded_at);
    expect(new Set(times).size).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect((await acknowledge()).onboarded_at).toBe(times[0]);
    expect(await onboardedAt()).toBe(times[0]);
    const { results } = await DB.prepare("SELECT id FROM audit_log WHERE action = 'featured_rooms.acknowledge' AND tenant_id = ?").bind(person.userId).all();
    expect(results).toHaveLength(1);
  });

  it("are changed and taken away by administrators, without a homeserver", async () => {
    const room = "!with/odd:chars?#%2F";
    await insert(room, 4);
    expect(await asAdmin("PATCH", at(room), { display_name: " Name ", description: "What for", display_order: 2 })).toMatchObject({
      status: 200,
      body: { room_id: room, display_name: "Name", description: "What for", display_order: 2, matrix_name: "Matrix name", added_at: "1970-01-01T00:00:01.000Z" },
    });
    expect((await asAdmin("PATCH", at(room), { display_name: null, description: "" })).body).toMatchObject({ display_name: "Name", description: null, display_order: 2 });
    expect(await asAdmin("PATCH", at("!none"), {})).toMatchObject({ status: 404, body: { code: "not_found" } });
    for (let i = 0; i < 2; i++) expect((await asAdmin("DELETE", at(room))).status).toBe(204);
    expect(await actions(room)).toEqual(["featured_room.update", "featured_room.update", "featured_room.delete"]);

    await insert("!alias", 0);
    const alias = `/api/v1/admin/matrix/rooms/${encodeURIComponent("!alias")}/feature`;
    for (let i = 0; i < 2; i++) expect((await asAdmin("DELETE", alias)).status).toBe(204);
    expect((await expectStatus<UserList>(200, "GET", "/api/v1/featured-rooms", { token: user.accessToken })).items).toEqual([]);
  });

  it("lose no change when two administrators write at once", async () => {
    await insert("!race", 0);
    const answers = await Promise.all([asAdmin("PATCH", at("!race"), { display_name: "A" }), asAdmin("PATCH", at("!race"), { description: "B" })]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    const all = await expectStatus<{ items: AdminItem[] }>(200, "GET", ADMIN, { token: admin.accessToken });
    expect(all.items).toMatchObject([{ display_name: "A", description: "B" }]);
  });

  it("are 503 without a homeserver where it is asked, before anything is changed", async () => {
    await insert("!kept", 0);
    const calls = [
      ["POST", ADMIN, { room_id: "!kept" }],
      ["POST", ADMIN, { room_id: "!kept", display_name: "x", create_if_missing: false }],
      ["PATCH", at("!kept"), { display_name: "x", refresh_metadata: true }],
      ["POST", "/api/v1/admin/matrix/rooms/!kept/feature", undefined],
    ] as const;
    for (const [method, path, body] of calls) expect(await asAdmin(method, path, body)).toMatchObject({ status: 503, body: { code: "matrix_unavailable" } });
    expect(await DB.prepare("SELECT display_name, version FROM featured_rooms").all()).toMatchObject({ results: [{ display_name: null, version: 1 }] });
    expect(await actions("!kept")).toEqual([]);
  });

  it("refuse malformed input and who may not", async () => {
    for (const body of [{}, { room_id: "" }, { room_id: " " }, { room_id: "!a", display_order: -1 }, { room_id: "!a", display_order: 1.5 }, { room_id: "!a", display_name: "x".repeat(256) }]) expect((await asAdmin("POST", ADMIN, body)).status).toBe(422);
    expect((await asAdmin("PATCH", at("!a"), { display_order: -1 })).status).toBe(422);
    const { token: cliToken } = await mintToken(user);
    for (const [method, path] of [["GET", ADMIN], ["POST", ADMIN], ["PATCH", at("!a")], ["DELETE", at("!a")], ["POST", "/api/v1/admin/matrix/rooms/!a/feature"], ["DELETE", "/api/v1/admin/matrix/rooms/!a/feature"]] as const) {
      const body = method === "POST" || method === "PATCH" ? { room_id: "!a" } : undefined;
      for (const token of [user.accessToken, cliToken]) expect(await api(method, path, { token, body })).toMatchObject({ status: 403, body: { code: "forbidden" } });
      expect((await api(method, path, { body })).status).toBe(401);
    }
    for (const [method, path] of [["GET", "/api/v1/featured-rooms"], ["POST", "/api/v1/featured-rooms/acknowledge"]] as const) {
      expect((await api(method, path)).status).toBe(401);
      expect((await api(method, path, { token: cliToken })).status).toBe(403);
    }
  });
});
