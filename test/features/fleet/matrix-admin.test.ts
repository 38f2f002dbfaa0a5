import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { api, signUpUser, type TestUser } from "../../support/client";

/** What needs no homeserver; the rest is in test/homeserver/matrix-admin.test.ts. */

const { DB } = env as unknown as { DB: D1Database };
const BASE = "/api/v1/admin/matrix";
const USER = `${BASE}/users/${encodeURIComponent("@ada:sett.localhost")}`;
const ROOM = `${BASE}/rooms/${encodeURIComponent("!room")}`;

const CALLS: readonly [method: string, path: string, body: Record<string, unknown> | undefined][] = [
  ["GET", `${BASE}/users`, undefined],
  ["GET", USER, undefined],
  ["POST", `${USER}/deactivate`, undefined],
  ["POST", `${USER}/deactivate`, { erase: true }],
  ["POST", `${USER}/reset-password`, { new_password: "long enough" }],
  ["GET", `${BASE}/rooms`, undefined],
  ["POST", `${BASE}/rooms/meta`, { room_ids: ["!a"] }],
  ["GET", ROOM, undefined],
  ["DELETE", ROOM, undefined],
  ["GET", `${ROOM}/members`, undefined],
  ["GET", `${BASE}/server/version`, undefined],
  ["GET", `${BASE}/server/stats`, undefined],
  ["POST", `${BASE}/test-endpoint`, { endpoint: "/_matrix/client/versions" }],
];

let superadmin: TestUser;
let admin: TestUser;
let user: TestUser;
beforeAll(async () => {
  [superadmin, admin, user] = await Promise.all([signUpUser(), signUpUser(), signUpUser()]);
  await DB.batch([DB.prepare("UPDATE users SET role = 'superadmin' WHERE id = ?").bind(superadmin.userId), DB.prepare("UPDATE users SET role = 'admin' WHERE id = ?").bind(admin.userId)]);
});

describe("the homeserver's administration", () => {
  it.each(CALLS)("%s %s is for superadministrators", async (method, path, body) => {
    expect((await api(method, path, { body })).status).toBe(401);
    for (const { accessToken: token } of [user, admin]) expect(await api(method, path, { token, body })).toMatchObject({ status: 403, body: { code: "forbidden" } });
  });

  it.each(CALLS)("%s %s is 503 without a homeserver, and leaves no trace", async (method, path, body) => {
    expect(await api(method, path, { token: superadmin.accessToken, body })).toMatchObject({ status: 503, body: { code: "matrix_unavailable" } });
    const { n } = (await DB.prepare("SELECT count(*) AS n FROM audit_log WHERE action LIKE 'matrix_%' AND tenant_id = ?").bind(superadmin.userId).first<{ n: number }>()) ?? {};
    expect(n).toBe(0);
  });

  it.each([
    ["GET", `${BASE}/users?limit=0`, undefined, "limit"],
    ["GET", `${BASE}/users?limit=1001`, undefined, "limit"],
    ["GET", `${BASE}/users?from_user=-1`, undefined, "from_user"],
    ["GET", `${BASE}/users?guests=perhaps`, undefined, "guests"],
    ["GET", `${BASE}/rooms?dir=sideways`, undefined, "dir"],
    ["GET", `${BASE}/rooms?order_by=colour`, undefined, "order_by"],
    ["POST", `${BASE}/rooms/meta`, { room_ids: "!a" }, "room_ids"],
    ["POST", `${BASE}/rooms/meta`, { room_ids: Array(201).fill("!a") }, "room_ids"],
    ["POST", `${USER}/deactivate`, { erase: "yes" }, "erase"],
    ["POST", `${USER}/reset-password`, { new_password: "short" }, "new_password"],
    ["POST", `${USER}/reset-password`, {}, "new_password"],
    ["POST", `${BASE}/test-endpoint`, { endpoint: "/health" }, "endpoint"],
    ["POST", `${BASE}/test-endpoint`, { endpoint: "http://else/_matrix/x" }, "endpoint"],
    ["POST", `${BASE}/test-endpoint`, { endpoint: "/_matrix/x", method: "TRACE" }, "method"],
    ["POST", `${BASE}/test-endpoint`, { endpoint: "/_matrix/x", body: [] }, "body"],
  ] as const)("%s %s with %j is refused for its %s", async (method, path, body, field) => {
    const answer = await api<{ detail: { loc: unknown[] }[] }>(method, path, { token: superadmin.accessToken, body });
    expect(answer.status).toBe(422);
    expect(answer.body.detail[0]?.loc).toContain(field);
  });

  it.each(["f", "b", "asc", "DESC", "ascending", "descending"])("sorts by %s", async (dir) => {
    expect((await api("GET", `${BASE}/rooms?dir=${dir}&order_by=joined_members`, { token: superadmin.accessToken })).status).toBe(503);
  });
});
