import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import type { Env } from "../../../src/env";
import { api, BASE_URL, expectStatus, signUpUser, uniqueIp, uniqueName, type TestUser } from "../../support/client";
import { fetchUnder } from "../../support/promises";

const bindings = env as unknown as Env;
const { DB } = bindings;

interface History {
  readonly success: boolean;
  readonly count: number;
  readonly notifications: readonly Readonly<Record<string, unknown>>[];
}

let admin: TestUser;

beforeAll(async () => {
  admin = await signUpUser();
  await DB.prepare("UPDATE users SET role = 'admin' WHERE id = ?").bind(admin.userId).run();
});

const history = (user: TestUser, query = "") => expectStatus<History>(200, "GET", `/api/v1/notifications/history${query}`, { token: user.accessToken });
const test = (userId: number) => expectStatus(200, "POST", `/api/v1/admin/notifications/test/${userId}`, { token: admin.accessToken });
const register = (user: TestUser, platform: string) => expectStatus<{ device_token_id: number }>(200, "POST", "/api/v1/push/register", { token: user.accessToken, body: { device_token: uniqueName("token"), platform } });

describe("trial notifications", () => {
  it("say that nobody can be reached, and keep every attempt", async () => {
    const user = await signUpUser();
    expect(await history(user)).toEqual({ success: true, notifications: [], count: 0 });
    expect(await test(user.userId)).toMatchObject({ success: false, message: expect.stringContaining("no active device"), result: { sent: 0, not_sent: 1 } });

    const { device_token_id: device_id } = await register(user, "android");
    expect(await test(user.userId)).toMatchObject({ success: false, message: expect.stringContaining("No push gateway"), result: { sent: 0, rejected: 0, not_sent: 1 } });

    const { notifications, count } = await history(user);
    expect(count).toBe(2);
    expect(notifications).toEqual([
      { id: expect.stringMatching(/^ntf_/), event_id: "$test", status: "not_sent", reason: "gateway_not_configured", device_id, platform: "android", app_id: "io.signout.android", created_at: expect.stringMatching(/Z$/) },
      { id: expect.stringMatching(/^ntf_/), event_id: "$test", status: "not_sent", reason: "no_active_device", device_id: null, platform: null, app_id: null, created_at: expect.stringMatching(/Z$/) },
    ]);
    const { results } = await DB.prepare("SELECT actor_id FROM audit_log WHERE tenant_id = ? AND action = 'notification.test'").bind(user.userId).all();
    expect(results).toEqual([{ actor_id: String(admin.userId) }, { actor_id: String(admin.userId) }]);
  });

  it("record what a failing gateway did to each device, and leave the devices alone", async () => {
    const user = await signUpUser();
    for (const platform of ["ios", "android"]) await register(user, platform);
    const headers = { authorization: `Bearer ${admin.accessToken}`, "cf-connecting-ip": uniqueIp() };
    // Requests that leave the tests get 599.
    const response = await fetchUnder(new Request(`${BASE_URL}/api/v1/admin/notifications/test/${user.userId}`, { method: "POST", headers }), { ...bindings, PUSH_GATEWAY_URL: "https://push.example" }, { waitUntil: () => undefined });
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ success: false, result: { sent: 0, rejected: 0, not_sent: 2 } });
    expect((await history(user)).notifications).toMatchObject([{ status: "not_sent", reason: "gateway_refused" }, { status: "not_sent", reason: "gateway_refused" }]);
    expect(await expectStatus(200, "GET", "/api/v1/push/environment", { token: user.accessToken })).toMatchObject({ active_devices: 2 });
  });

  it("are an administrator's, for people who exist", async () => {
    const user = await signUpUser();
    expect((await api("POST", `/api/v1/admin/notifications/test/${user.userId}`, { token: user.accessToken })).status).toBe(403);
    expect((await api("POST", "/api/v1/admin/notifications/test/999999999", { token: admin.accessToken })).status).toBe(404);
    expect((await api("POST", "/api/v1/admin/notifications/test/ada", { token: admin.accessToken })).status).toBe(422);
  });
});

describe("the history", () => {
  it("is bounded, newest first, and one's own", async () => {
    const [user, other] = [await signUpUser(), await signUpUser()];
    for (let n = 0; n < 12; n++) await test(user.userId);
    const all = await history(user, "?limit=50");
    expect(all.count).toBe(12);
    const ids = all.notifications.map((row) => String(row["id"]));
    expect(ids).toEqual([...ids].sort().toReversed());
    expect((await history(user)).notifications).toEqual(all.notifications.slice(0, 10));
    expect((await history(user, "?limit=1")).count).toBe(1);
    expect((await history(other, "?limit=50")).count).toBe(0);
    for (const limit of ["0", "51", "x"]) expect((await api("GET", `/api/v1/notifications/history?limit=${limit}`, { token: user.accessToken })).status).toBe(422);
  });

  it("forgets what is older than the newest two hundred", async () => {
    const user = await signUpUser();
    const old = DB.prepare("INSERT INTO notifications (id, tenant_id, event_id, status, created_at, updated_at) VALUES (?, ?, '$old', 'sent', ?, 0)");
    await DB.batch(Array.from({ length: 205 }, (_, n) => old.bind(`ntf_${user.userId}_${n}`, user.userId, n)));
    await test(user.userId);
    const [row] = (await DB.prepare("SELECT COUNT(*) AS n, MIN(created_at) AS oldest FROM notifications WHERE tenant_id = ?").bind(user.userId).all()).results;
    expect(row).toEqual({ n: 200, oldest: 6 });
  });
});
