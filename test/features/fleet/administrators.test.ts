import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { api, expectStatus, signUpUnverified, signUpUser, uniqueName, type TestUser } from "../../support/client";

const { DB } = env as unknown as { DB: D1Database };
const ADMINS = "/api/v1/admin/ops/admins";

interface ListView {
  readonly administrators: readonly { readonly id: number; readonly email: string; readonly role: string }[];
}

let first: TestUser;
beforeAll(async () => {
  first = await signUpUser();
  // This file's database has no other.
  await DB.batch([DB.prepare("UPDATE users SET role = 'user'"), DB.prepare("UPDATE users SET role = 'superadmin' WHERE id = ?").bind(first.userId)]);
});
const call = <T = Record<string, unknown>>(method: string, path: string, body?: unknown, by = first) => api<T>(method, path, { token: by.accessToken, body });
const appoint = (email: string, role: string, by = first) => call("POST", ADMINS, { email, role }, by);
const audited = async (userId: number) =>
  (await DB.prepare("SELECT action, detail FROM audit_log WHERE tenant_id = ? AND action LIKE 'administrator.%' ORDER BY id").bind(userId).all<{ action: string; detail: string }>()).results.map(({ action, detail }) => [action, JSON.parse(detail) as unknown]);

describe("administrators", () => {
  it("are appointed, listed and dismissed", async () => {
    const person = await signUpUser();
    const { email, userId } = person;
    expect(await appoint(email.toUpperCase(), "admin")).toMatchObject({ status: 200, body: { id: userId, email, role: "admin", is_active: true } });
    expect((await appoint(email, "admin")).status).toBe(200);
    expect((await expectStatus<ListView>(200, "GET", ADMINS, { token: first.accessToken })).administrators).toMatchObject([
      { id: first.userId, role: "superadmin" },
      { id: userId, role: "admin" },
    ]);
    expect((await api("GET", "/api/v1/admin/profile", { token: person.accessToken })).status).toBe(200);
    expect((await appoint(email, "superadmin")).status).toBe(200);
    expect(await call("DELETE", `${ADMINS}/${userId}`)).toMatchObject({ status: 200, body: { ok: true, user_id: userId, email, role: "user" } });
    expect(await api("GET", "/api/v1/admin/profile", { token: person.accessToken })).toMatchObject({ status: 401, body: { code: "session_revoked" } });
    expect(await audited(userId)).toEqual([
      ["administrator.appoint", { email, before: { role: "user" }, after: { role: "admin" } }],
      ["administrator.appoint", { email, before: { role: "admin" }, after: { role: "superadmin" } }],
      ["administrator.dismiss", { email, before: { role: "superadmin" }, after: { role: "user" } }],
    ]);
    expect(await call("DELETE", `${ADMINS}/${userId}`)).toMatchObject({ status: 404, body: { code: "not_found" } });
  });

  it("are never without a superadministrator", async () => {
    const last = { status: 409, body: { code: "last_superadmin" } };
    expect(await call("DELETE", `${ADMINS}/${first.userId}`)).toMatchObject(last);
    expect(await appoint(first.email, "admin")).toMatchObject(last);
    expect(await call("POST", `/api/v1/admin/users/${first.userId}/deactivate`)).toMatchObject(last);
    // Somebody who cannot sign in is no other one.
    const second = await signUpUser();
    await appoint(second.email, "superadmin");
    await DB.prepare("UPDATE users SET status = 'deactivated' WHERE id = ?").bind(second.userId).run();
    expect(await appoint(first.email, "admin")).toMatchObject(last);
    await DB.prepare("UPDATE users SET status = 'active' WHERE id = ?").bind(second.userId).run();
    // Two who dismiss each other at once: one of them stays.
    const answers = await Promise.all([call("DELETE", `${ADMINS}/${second.userId}`), call("DELETE", `${ADMINS}/${first.userId}`, undefined, second)]);
    const left = await DB.prepare("SELECT count(*) AS n FROM users WHERE role = 'superadmin'").first("n");
    expect(left, JSON.stringify(answers.map(({ status }) => status))).toBe(1);
    await DB.prepare("UPDATE users SET role = 'superadmin', status = 'active' WHERE id = ?").bind(first.userId).run();
    first = { ...first, accessToken: (await expectStatus<{ access_token: string }>(200, "POST", "/api/v1/user/login", { body: { username: first.email, password: first.password } })).access_token };
  });

  it("are made of people who can sign in only", async () => {
    expect(await appoint(`${uniqueName()}@example.org`, "admin")).toMatchObject({ status: 404, body: { code: "not_found" } });
    const unverified = await signUpUnverified();
    expect(await appoint(unverified.email, "admin")).toMatchObject({ status: 409, body: { code: "user_inactive" } });
    const ended = await signUpUser();
    await call("POST", `/api/v1/admin/users/${ended.userId}/deactivate`);
    expect(await appoint(ended.email, "admin")).toMatchObject({ status: 409, body: { code: "user_inactive" } });
    expect((await appoint(ended.email, "user")).status).toBe(422);
  });

  it("of the lesser kind appoint nobody", async () => {
    const admin = await signUpUser();
    await appoint(admin.email, "admin");
    for (const answer of [await call("GET", ADMINS, undefined, admin), await appoint(admin.email, "superadmin", admin), await call("DELETE", `${ADMINS}/${first.userId}`, undefined, admin)]) expect(answer).toMatchObject({ status: 403, body: { code: "forbidden" } });
  });
});
