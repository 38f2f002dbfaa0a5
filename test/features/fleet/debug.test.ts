import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { createSystemContext } from "../../../src/context";
import type { Env } from "../../../src/env";
import { getSecretStorage } from "../../../src/fleet/debug/debug.queries";
import type { OwnerCtx } from "../../../src/kernel/context";
import { api, signUpUser, uniqueName, type TestUser } from "../../support/client";

const bindings = env as unknown as Env;
const { DB } = bindings;

let admin: TestUser;
let user: TestUser;
beforeAll(async () => {
  [admin, user] = await Promise.all([signUpUser(), signUpUser()]);
  await DB.prepare("UPDATE users SET role = 'admin' WHERE id = ?").bind(admin.userId).run();
});
const get = (path: string, token: string | undefined = admin.accessToken) => api("GET", path, { token });

describe("debug routes", () => {
  it("are for administrators, save the apps' own", async () => {
    for (const path of ["/debug/apns-config", `/debug/matrix-secret-storage/${user.userId}`, `/test/recovery-key/${user.userId}`]) {
      expect((await api("GET", path)).status, path).toBe(401);
      expect(await get(path, user.accessToken), path).toMatchObject({ status: 403, body: { code: "forbidden" } });
    }
    expect(await api("GET", "/test-ios")).toMatchObject({ status: 200, body: { success: true, message: "iOS test endpoint is working" } });
    for (const path of ["/test", "/debug", "/test-android", "/test/recovery-key", "/debug/other"]) expect(await get(path), path).toMatchObject({ status: 404 });
  });

  it("tell how phones are notified", async () => {
    expect((await get("/debug/apns-config")).body).toEqual({ status: "not_configured", push_gateway_configured: false, push_gateway_url: null, push_gateway_accessible: false, device_check_configured: false, message: expect.any(String) });
  });

  it("try a recovery key without showing or storing one", async () => {
    const path = `/test/recovery-key/${user.userId}`;
    expect((await get(path)).body).toEqual({ user_id: user.userId, matrix_id: user.matrixId, recovery_key_stored: false, recovery_key_readable: null, can_store: true, stored_at: null });
    expect(await DB.prepare("SELECT count(*) AS n FROM recovery_keys WHERE tenant_id = ?").bind(user.userId).first("n")).toBe(0);
    await api("POST", `/api/v1/user/${user.userId}/recovery-key`, { token: user.accessToken, body: { recovery_key: "EsTb kEy", device_id: "PHONE" } });
    const stored = await get(path);
    expect(stored.body).toMatchObject({ recovery_key_stored: true, recovery_key_readable: true, can_store: true });
    expect(JSON.stringify(stored.body)).not.toContain("EsTb");
    await DB.prepare("UPDATE recovery_keys SET sealed_key = 's1.AAAA.BBBB' WHERE tenant_id = ?").bind(user.userId).run();
    expect((await get(path)).body).toMatchObject({ recovery_key_stored: true, recovery_key_readable: false });
    expect(await get("/test/recovery-key/999999999")).toMatchObject({ status: 404, body: { code: "not_found" } });
    expect((await get("/test/recovery-key/me")).status).toBe(422);
  });

  it("look at secret storage only where there is a homeserver, and name no secret", async () => {
    expect(await get(`/debug/matrix-secret-storage/${user.userId}`)).toMatchObject({ status: 503, body: { code: "matrix_unavailable" } });
    const context = createSystemContext(bindings, { waitUntil: () => undefined }, "test", uniqueName("req"));
    const look = (userId: number, data: Record<string, unknown> | null) => {
      const admin = { accountData: async (matrixId: string) => (matrixId === user.matrixId ? data : null) };
      return getSecretStorage({ ...context, db: context.db, services: { ...context.services, matrix: { admin } } } as unknown as OwnerCtx, { user_id: userId });
    };
    const told = await look(user.userId, { global: { "m.secret_storage.default_key": { key: "k" }, "m.secret_storage.key.k": { iv: "SECRET" } } });
    expect(told).toMatchObject({ user_id: user.userId, matrix_id: user.matrixId, matrix_account_exists: true, has_default_key: true, default_key_described: true, has_backup_key: false, complete: false });
    expect(JSON.stringify(told)).not.toContain("SECRET");
    expect(await look(user.userId, null)).toMatchObject({ matrix_account_exists: false, has_default_key: false });
    // Of somebody without a user name there is nothing to ask for.
    await DB.prepare("UPDATE users SET username = '-' || sub WHERE id = ?").bind(user.userId).run();
    expect(await look(user.userId, { global: {} })).toMatchObject({ matrix_id: null, matrix_account_exists: false });
    expect((await get(`/test/recovery-key/${user.userId}`)).body).toMatchObject({ matrix_id: null });
    await expect(look(999_999_999, null)).rejects.toMatchObject({ code: "NOT_FOUND" });
  });
});
