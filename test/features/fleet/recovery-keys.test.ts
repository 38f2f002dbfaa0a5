import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { Env } from "../../../src/env";
import { api, expectStatus, mintToken, signUpUser, type TestUser } from "../../support/client";

const { DB } = env as unknown as Env;

const pathOf = (user: TestUser, rest = "") => `/api/v1/user/${user.userId}/recovery-key${rest}`;
const SECRET = "EsTb 1234 wXyZ 5678 recovery";
const key = (recovery_key = SECRET, device_id = "PHONE1") => ({ recovery_key, device_id });

describe("a recovery key", () => {
  it("is stored, read, replaced and deleted by its owner", async () => {
    const user = await signUpUser();
    const { accessToken: token } = user;
    const exists = () => expectStatus(200, "GET", pathOf(user, "/exists"), { token });
    expect(await exists()).toEqual({ exists: false });
    expect(await api("GET", pathOf(user), { token })).toMatchObject({ status: 404, body: { code: "not_found" } });
    expect(await api("PUT", pathOf(user), { token, body: key() })).toMatchObject({ status: 404, body: { code: "not_found" } });
    expect(await api("DELETE", pathOf(user), { token })).toMatchObject({ status: 404, body: { code: "not_found" } });

    expect(await expectStatus(201, "POST", pathOf(user), { token, body: key() })).toMatchObject({ success: true });
    expect(await exists()).toEqual({ exists: true });
    const stored = await expectStatus(200, "GET", pathOf(user), { token });
    expect(stored).toMatchObject({ recovery_key: SECRET, created_by_device: "PHONE1" });
    expect(Date.parse(String(stored["created_at"]))).toBeGreaterThan(Date.now() - 60_000);
    expect(await api("POST", pathOf(user), { token, body: key("another") })).toMatchObject({ status: 409, body: { code: "recovery_key_exists" } });

    await expectStatus(200, "PUT", pathOf(user), { token, body: { ...key("second", "PHONE2"), reason: "lost the phone" } });
    expect(await expectStatus(200, "GET", pathOf(user), { token })).toMatchObject({ recovery_key: "second", created_by_device: "PHONE2" });
    await expectStatus(200, "DELETE", pathOf(user), { token });
    expect(await exists()).toEqual({ exists: false });

    const { results } = await DB.prepare("SELECT action, detail FROM audit_log WHERE tenant_id = ? AND action LIKE 'recovery_key.%' ORDER BY id").bind(user.userId).all<{ action: string; detail: string }>();
    expect(results.map((row) => row.action)).toEqual(["recovery_key.store", "recovery_key.update", "recovery_key.delete"]);
    expect(JSON.stringify(results)).not.toContain("second");
  });

  it("stays with the first of two who store at once", async () => {
    const user = await signUpUser();
    const answers = await Promise.all(["one", "two", "three"].map((text) => api("POST", pathOf(user), { token: user.accessToken, body: key(text) })));
    expect(answers.map((answer) => answer.status).sort()).toEqual([201, 409, 409]);
  });

  it("is sealed for its owner: not in the clear, and worthless in another row", async () => {
    const [user, thief] = await Promise.all([signUpUser(), signUpUser()]);
    await expectStatus(201, "POST", pathOf(user), { token: user.accessToken, body: key() });
    const row = await DB.prepare("SELECT sealed_key FROM recovery_keys WHERE tenant_id = ?").bind(user.userId).first<{ sealed_key: string }>();
    expect(row?.sealed_key).toMatch(/^v1\.s1\./);
    expect(row?.sealed_key).not.toContain(SECRET);
    await expectStatus(201, "POST", pathOf(thief), { token: thief.accessToken, body: key("mine") });
    await DB.prepare("UPDATE recovery_keys SET sealed_key = ? WHERE tenant_id = ?").bind(row?.sealed_key, thief.userId).run();
    expect(await api("GET", pathOf(thief), { token: thief.accessToken })).toMatchObject({ status: 500, body: { code: "internal" } });
    // What cannot be opened stops nobody from signing in.
    expect(await expectStatus(200, "POST", "/api/v1/user/login", { body: { username: thief.email, password: thief.password } })).toMatchObject({ matrix_recovery_key: null });
  });

  it("comes with the next sign-in", async () => {
    const user = await signUpUser();
    await expectStatus(201, "POST", pathOf(user), { token: user.accessToken, body: key() });
    expect(await expectStatus(200, "POST", "/api/v1/user/login", { body: { username: user.email, password: user.password } })).toMatchObject({ matrix_recovery_key: SECRET });
  });

  it("is its owner's alone: for others, administrators too, there is none", async () => {
    const [user, admin] = await Promise.all([signUpUser(), signUpUser()]);
    await expectStatus(201, "POST", pathOf(user), { token: user.accessToken, body: key() });
    await DB.prepare("UPDATE users SET role = 'superadmin' WHERE id = ?").bind(admin.userId).run();
    const { access_token: token } = await expectStatus<{ access_token: string }>(200, "POST", "/api/v1/user/login", { body: { username: admin.email, password: admin.password } });
    for (const [method, rest, body] of [["GET", "", undefined], ["GET", "/exists", undefined], ["POST", "", key()], ["PUT", "", key()], ["DELETE", "", undefined]] as const) {
      expect(await api(method, pathOf(user, rest), { token, body })).toMatchObject({ status: 404, body: { code: "not_found" } });
    }
    const cliToken = (await mintToken(user)).token;
    expect(await api("GET", pathOf(user), { token: cliToken })).toMatchObject({ status: 403, body: { code: "forbidden" } });
    expect(await expectStatus(200, "GET", pathOf(user), { token: user.accessToken })).toMatchObject({ recovery_key: SECRET });
  });
});
