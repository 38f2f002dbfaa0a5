import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { api, expectStatus, signUpUnverified, signUpUser, uniqueName, type TestUser } from "../../support/client";

const { DB } = env as unknown as { DB: D1Database };
const LOGIN = "/api/v1/admin/login";

interface LoginView {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly admin_profile: Record<string, unknown>;
}

const setRole = (user: TestUser, role: string) => DB.prepare("UPDATE users SET role = ? WHERE id = ?").bind(role, user.userId).run();
const logIn = (user: Pick<TestUser, "email" | "password">) => expectStatus<LoginView>(200, "POST", LOGIN, { body: { email: user.email, password: user.password } });
const profile = (token: string) => api("GET", "/api/v1/admin/profile", { token });

let admin: TestUser;
beforeAll(async () => {
  admin = await signUpUser();
  await setRole(admin, "admin");
});

describe("administrators", () => {
  it("sign in, see themselves, refresh and sign out everywhere at once", async () => {
    const first = await logIn({ ...admin, email: admin.email.toUpperCase() });
    expect(first).toMatchObject({ success: true, token_type: "Bearer", expires_in: 3_600, id_token: expect.any(String) as unknown });
    expect(first.admin_profile).toMatchObject({ id: admin.userId, email: admin.email, role: "admin", is_active: true });
    expect(await profile(first.access_token)).toMatchObject({ status: 200, body: { id: admin.userId, email: admin.email, name: "Test Badger", role: "admin", is_active: true } });

    const refreshed = await expectStatus<LoginView>(200, "POST", "/api/v1/admin/refresh", { body: { refresh_token: first.refresh_token, email: admin.email } });
    expect((await profile(refreshed.access_token)).status).toBe(200);

    expect(await api("POST", "/api/v1/admin/logout", { token: refreshed.access_token })).toMatchObject({ status: 200, body: { success: true } });
    for (const token of [first.access_token, refreshed.access_token, admin.accessToken]) expect(await profile(token)).toMatchObject({ status: 401, body: { code: "session_revoked" } });
    expect(await api("POST", "/api/v1/admin/refresh", { body: { refresh_token: first.refresh_token, email: admin.email } })).toMatchObject({ status: 401, body: { code: "session_revoked" } });
    const actions = (await DB.prepare("SELECT DISTINCT action FROM audit_log WHERE tenant_id = ? AND action LIKE 'admin_session.%' ORDER BY action").bind(admin.userId).all<{ action: string }>()).results;
    expect(actions.map(({ action }) => action)).toEqual(["admin_session.create", "admin_session.refresh", "admin_session.revoke_all"]);
    const detail = await DB.prepare("SELECT detail FROM audit_log WHERE tenant_id = ? AND action = 'admin_session.revoke_all'").bind(admin.userId).first<string>("detail");
    expect(JSON.parse(detail ?? "")).toEqual({ before: { token_epoch: 0 }, after: { token_epoch: 1 } });
  });

  it("are told apart from others by the right password only", async () => {
    const user = await signUpUser();
    const nobody = { email: `${uniqueName()}@example.org`, password: user.password };
    for (const body of [nobody, { email: user.email, password: "wrong wrong" }, { email: admin.email, password: "wrong wrong" }]) expect(await api("POST", LOGIN, { body })).toMatchObject({ status: 401, body: { code: "invalid_credentials" } });
    expect(await api("POST", LOGIN, { body: { email: user.email, password: user.password } })).toMatchObject({ status: 403, body: { code: "forbidden" } });
    const unverified = await signUpUnverified();
    expect(await api("POST", LOGIN, { body: { email: unverified.email, password: unverified.password } })).toMatchObject({ status: 403, body: { code: "email_not_verified" } });
    expect(await api("POST", LOGIN, { body: { email: "no address", password: "x" } })).toMatchObject({ status: 422 });
    // No session of a person whom the door refused.
    const { n } = (await DB.prepare("SELECT count(*) AS n FROM sessions WHERE tenant_id = ?").bind(user.userId).first<{ n: number }>()) ?? {};
    expect(n).toBe(1);
  });

  it("share the count of wrong passwords with the other sign-in", async () => {
    const other = await signUpUser();
    await setRole(other, "admin");
    // Half at each door, then both are shut.
    for (let i = 0; i < 10; i++) await api("POST", i % 2 ? LOGIN : "/api/v1/user/login", { body: { email: other.email, username: other.email, password: "wrong wrong" } });
    for (const path of [LOGIN, "/api/v1/user/login"]) expect(await api("POST", path, { body: { email: other.email, username: other.email, password: other.password } })).toMatchObject({ status: 429, body: { code: "rate_limited" } });
  });

  it("lose their session with their role", async () => {
    const former = await signUpUser();
    await setRole(former, "superadmin");
    const session = await logIn(former);
    await setRole(former, "user");
    expect(await profile(session.access_token)).toMatchObject({ status: 403, body: { code: "forbidden" } });
    expect(await api("POST", "/api/v1/admin/refresh", { body: { refresh_token: session.refresh_token, email: former.email } })).toMatchObject({ status: 403, body: { code: "forbidden" } });
    // The ordinary door is open still.
    expect((await api("POST", "/api/v1/user/token/refresh", { body: { refresh_token: session.refresh_token, email: former.email } })).status).toBe(200);
    expect(await api("POST", "/api/v1/admin/refresh", { body: { refresh_token: "sett_rt_forged", email: former.email } })).toMatchObject({ status: 401, body: { code: "invalid_credentials" } });
  });
});
