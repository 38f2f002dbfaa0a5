import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { Env } from "../../../src/env";
import { api, BASE_URL, expectStatus, logIn, signUpUser, uniqueIp, uniqueName, type TestUser } from "../../support/client";
import { fetchUnder } from "../../support/promises";

const bindings = env as unknown as Env;
const { DB } = bindings;
/** Nothing answers there: requests that leave the tests get 599. */
const withGateway: Env = { ...bindings, PUSH_GATEWAY_URL: "https://push.example/ignored/path" };

interface Device {
  readonly id: number;
  readonly device_token: string;
  readonly is_active: boolean;
}

const register = (user: TestUser, body: Record<string, unknown>) => expectStatus<{ device_token_id: number; app_id: string; environment: string }>(200, "POST", "/api/v1/push/register", { token: user.accessToken, body });
const devices = (user: TestUser) => expectStatus<Device[]>(200, "GET", "/api/v1/push/devices", { token: user.accessToken });
const environment = (user: TestUser) => expectStatus(200, "GET", "/api/v1/push/environment", { token: user.accessToken });
const auditOf = async (tenantId: number) => (await DB.prepare("SELECT action FROM audit_log WHERE tenant_id = ? AND action LIKE 'push_device.%' ORDER BY id").bind(tenantId).all<{ action: string }>()).results.map(({ action }) => action);

async function through(gateway: Env, method: string, path: string, body?: BodyInit): Promise<{ status: number; text: string; type: string | null }> {
  const response = await fetchUnder(new Request(`${BASE_URL}${path}`, { method, headers: { "cf-connecting-ip": uniqueIp(), "content-type": "application/json" }, body: body ?? null }), gateway, { waitUntil: () => undefined });
  return { status: response.status, text: await response.text(), type: response.headers.get("content-type") };
}

describe("push devices", () => {
  it("go from registration over deactivation to removal", async () => {
    const user = await signUpUser();
    expect(await environment(user)).toEqual({ user_id: user.userId, matrix_id: user.matrixId, environment: "production", app_id: "com.signout.appios", active_devices: 0 });

    const token = uniqueName("token");
    const first = await register(user, { device_token: ` ${token} `, platform: "ios", environment: "sandbox", device_name: "Ada's phone", app_version: "1.2.3" });
    expect(first).toMatchObject({ success: true, environment: "sandbox", app_id: "com.signout.appios.dev" });
    expect(await environment(user)).toMatchObject({ environment: "sandbox", app_id: "com.signout.appios.dev", active_devices: 1 });
    const [device] = await devices(user);
    expect(device).toEqual({
      id: first.device_token_id,
      device_token: token,
      environment: "sandbox",
      app_id: "com.signout.appios.dev",
      platform: "ios",
      device_name: "Ada's phone",
      app_version: "1.2.3",
      is_active: true,
      created_at: expect.stringMatching(/Z$/),
      last_used_at: expect.stringMatching(/Z$/),
    });

    const again = await register(user, { device_token: token, platform: "ios" });
    expect(again).toMatchObject({ device_token_id: first.device_token_id, environment: "production", app_id: "com.signout.appios" });
    const android = await register(user, { device_token: uniqueName("token"), platform: "android", environment: "sandbox" });
    expect(android.app_id).toBe("io.signout.android");
    expect((await devices(user)).map(({ id }) => id)).toEqual([android.device_token_id, first.device_token_id]);

    for (let n = 0; n < 2; n++) expect(await expectStatus(200, "PUT", `/api/v1/push/device/${android.device_token_id}/deactivate`, { token: user.accessToken })).toMatchObject({ success: true });
    expect(await environment(user)).toMatchObject({ environment: "production", app_id: "com.signout.appios", active_devices: 1 });
    expect(await devices(user)).toMatchObject([{ id: android.device_token_id, is_active: false }, { is_active: true }]);

    await expectStatus(200, "DELETE", `/api/v1/push/device/${android.device_token_id}`, { token: user.accessToken });
    expect(await api("DELETE", `/api/v1/push/device/${android.device_token_id}`, { token: user.accessToken })).toMatchObject({ status: 404, body: { code: "not_found" } });
    expect(await devices(user)).toHaveLength(1);
    expect(await auditOf(user.userId)).toEqual(["push_device.register", "push_device.register", "push_device.register", "push_device.deactivate", "push_device.delete"]);
  });

  it("move to whoever registers them, and nobody touches another's", async () => {
    const [ada, bob] = [await signUpUser(), await signUpUser()];
    const device_token = uniqueName("token");
    const { device_token_id: id } = await register(ada, { device_token, platform: "ios" });
    expect((await api("DELETE", `/api/v1/push/device/${id}`, { token: bob.accessToken })).status).toBe(404);
    expect((await api("PUT", `/api/v1/push/device/${id}/deactivate`, { token: bob.accessToken })).status).toBe(404);
    await expectStatus(200, "PUT", `/api/v1/push/device/${id}/deactivate`, { token: ada.accessToken });

    expect((await register(bob, { device_token, platform: "android", device_name: "" })).device_token_id).toBe(id);
    expect(await devices(ada)).toEqual([]);
    expect(await devices(bob)).toMatchObject([{ id, is_active: true, platform: "android", device_name: null }]);
    expect((await api("PUT", `/api/v1/push/device/${id}/deactivate`, { token: ada.accessToken })).status).toBe(404);
    expect(await auditOf(ada.userId)).toEqual(["push_device.register", "push_device.deactivate", "push_device.move"]);
  });

  it("are one row a token, however many register it at once, and at most twenty an account", async () => {
    const user = await signUpUser();
    const device_token = uniqueName("token");
    const ids = await Promise.all(Array.from({ length: 5 }, () => register(user, { device_token, platform: "ios" })));
    expect(new Set(ids.map(({ device_token_id: id }) => id)).size).toBe(1);
    for (let n = 0; n < 20; n++) await register(user, { device_token: uniqueName("token"), platform: "ios" });
    const kept = await devices(user);
    expect(kept).toHaveLength(20);
    expect(kept.map((device) => device.device_token)).not.toContain(device_token);
  });

  it("are checked", async () => {
    const user = await signUpUser();
    for (const body of [{ platform: "ios" }, { device_token: "  ", platform: "ios" }, { device_token: "x", platform: "windows" }, { device_token: "x", platform: "ios", environment: "staging" }, { device_token: "x".repeat(1_025), platform: "ios" }]) {
      expect((await api("POST", "/api/v1/push/register", { token: user.accessToken, body })).status).toBe(422);
    }
    for (const id of ["x", "1.5"]) expect((await api("DELETE", `/api/v1/push/device/${id}`, { token: user.accessToken })).status).toBe(422);
  });

  it("stop with the logout that names them, if they are the caller's", async () => {
    const [ada, bob] = [await signUpUser(), await signUpUser()];
    const device_token = uniqueName("token");
    await register(ada, { device_token, platform: "ios" });
    expect(await expectStatus(200, "POST", "/api/v1/user/logout", { token: bob.accessToken, body: { device_token } })).toMatchObject({ device_token_deactivated: false });
    expect(await devices(ada)).toMatchObject([{ is_active: true }]);
    expect(await expectStatus(200, "POST", "/api/v1/user/logout", { token: ada.accessToken, body: { device_token: "unknown" } })).toMatchObject({ device_token_deactivated: false });
    expect(await expectStatus(200, "POST", "/api/v1/user/logout", { token: ada.accessToken, body: { device_token } })).toMatchObject({ success: true, device_token_deactivated: true });
    expect(await devices(await logIn(ada))).toMatchObject([{ is_active: false }]);
  });
});

describe("the push gateway", () => {
  const NOTIFY = "/_matrix/push/v1/notify";

  it("is a 503, which homeservers retry, while none is configured", async () => {
    expect(await api("POST", NOTIFY, { body: { notification: {} } })).toMatchObject({ status: 503, body: { code: "dependency_unavailable" } });
    expect(await api("GET", "/_matrix/push/v1/health")).toMatchObject({ status: 503, body: { status: "not_configured" } });
    expect(await expectStatus(200, "GET", "/health/push")).toMatchObject({ status: "not_configured", sygnal_accessible: false, sygnal_url: "" });
  });

  it("passes on what the gateway answers, whatever it is", async () => {
    expect(await through(withGateway, "POST", NOTIFY, "no JSON at all")).toMatchObject({ status: 599, text: "tests reach no outside host: push.example" });
    expect(JSON.parse((await through(withGateway, "GET", "/health/push")).text)).toMatchObject({ status: "unhealthy", sygnal_accessible: false, sygnal_url: "https://push.example" });
    expect((await through(withGateway, "GET", "/_matrix/push/v1/health")).status).toBe(503);
  });

  it("takes no more than a gateway does", async () => {
    expect((await through(withGateway, "POST", NOTIFY, "x".repeat(512 * 1024))).status).toBe(599);
    expect((await through(withGateway, "POST", NOTIFY, "x".repeat(512 * 1024 + 1))).status).toBe(413);
  });
});
