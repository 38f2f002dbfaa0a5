import { env } from "cloudflare:workers";
import { drizzle } from "drizzle-orm/d1";
import { beforeAll, describe, expect, it } from "vitest";
import { readSearch } from "../../../src/fleet/admin-users/admin-users.core";
import { userCountStatement, userPageStatement, type UserFilter } from "../../../src/fleet/admin-users/admin-users.store";
import { api, codeMailedTo, expectStatus, logIn, mailsTo, mintToken, signUpUnverified, signUpUser, uniqueName, type TestUser } from "../../support/client";
import { registerMachine } from "../../support/machines";

const { DB } = env as unknown as { DB: D1Database };
const USERS = "/api/v1/admin/users";

interface UserView {
  readonly id: number;
  readonly email: string;
  readonly username: string | null;
  readonly matrix_id: string | null;
  readonly [field: string]: unknown;
}
interface ListView {
  readonly users: readonly UserView[];
  readonly total: number;
  readonly total_is_exact: boolean;
}

let admin: TestUser;
let superadmin: TestUser;
beforeAll(async () => {
  [admin, superadmin] = await Promise.all([signUpUser(), signUpUser()]);
  await DB.batch([DB.prepare("UPDATE users SET role = 'admin' WHERE id = ?").bind(admin.userId), DB.prepare("UPDATE users SET role = 'superadmin' WHERE id = ?").bind(superadmin.userId)]);
});
const call = <T = Record<string, unknown>>(method: string, path: string, body?: unknown, by = admin) => api<T>(method, path, { token: by.accessToken, body });
const list = (query: string) => expectStatus<ListView>(200, "GET", `${USERS}?${query}`, { token: admin.accessToken });
const idsOf = ({ users }: ListView): number[] => users.map(({ id }) => id);
const audited = async (userId: number, action: string) =>
  (await DB.prepare("SELECT actor_id, detail FROM audit_log WHERE tenant_id = ? AND action = ? ORDER BY id").bind(userId, action).all<{ actor_id: string; detail: string }>()).results.map((row) => ({ by: Number(row.actor_id), ...(JSON.parse(row.detail) as Record<string, unknown>) }));
const dead = (user: TestUser) => api("GET", "/api/v1/user/profile", { token: user.accessToken });

describe("the list of users", () => {
  it("is paged, newest first, and searched by how names begin", async () => {
    const mark = uniqueName("zed");
    const people = [await signUpUser({ username: `${mark}a`, name: `Zoë ${mark}` }), await signUpUser({ username: `${mark}b`, name: "Somebody" }), await signUpUser({ username: `${mark}c`, name: "Somebody" })];
    const newestFirst = people.map(({ userId }) => userId).reverse();
    expect(idsOf(await list(`search=${mark.toUpperCase()}`))).toEqual(newestFirst);
    expect(await list(`search=${mark}&per_page=2&page=1`)).toMatchObject({ total: 3, total_is_exact: true, page: 1, per_page: 2 });
    expect(idsOf(await list(`search=${mark}&per_page=2&page=1`))).toEqual(newestFirst.slice(0, 2));
    expect(idsOf(await list(`search=${mark}&per_page=2&page=2`))).toEqual(newestFirst.slice(2));
    expect(await list(`search=${mark}&page=9`)).toMatchObject({ users: [], total: 3 });
    const [first] = people as [TestUser];
    for (const search of [first.email, first.username, `zoë ${mark}`, `@${first.username}:sett.localhost`, String(first.userId)]) expect(idsOf(await list(`search=${encodeURIComponent(search)}`)), search).toContain(first.userId);
    expect(idsOf(await list(`search=${encodeURIComponent("@example.org")}&per_page=1000`))).toEqual(expect.arrayContaining(newestFirst));
    expect((await list(`search=${mark.slice(1)}`)).users).toEqual([]);
    expect((await list(`search=${encodeURIComponent("%")}`)).users).toEqual([]);
  });

  it("is filtered by state, role and verification", async () => {
    const mark = uniqueName("fil");
    const [active, ended, unverified] = [await signUpUser({ username: `${mark}a` }), await signUpUser({ username: `${mark}b` }), await signUpUnverified({ username: `${mark}c` })];
    await call("POST", `${USERS}/${ended.userId}/deactivate`);
    expect(idsOf(await list(`search=${mark}&include_deleted=false`))).not.toContain(ended.userId);
    expect(idsOf(await list(`search=${mark}&status=deactivated`))).toEqual([ended.userId]);
    expect(idsOf(await list(`search=${mark}&verified=true&status=active`))).toEqual([active.userId]);
    expect((await list(`search=${mark}&verified=false`)).users).toMatchObject([{ email: unverified.email, account_verified: false }]);
    expect(idsOf(await list("role=superadmin&per_page=1000"))).toContain(superadmin.userId);
    for (const bad of ["per_page=0", "per_page=1001", "page=0", "status=odd", "include_deleted=perhaps"]) expect((await call("GET", `${USERS}?${bad}`)).status, bad).toBe(422);
  });

  it.each<[string, Partial<UserFilter>]>([
    ["a prefix", { search: readSearch("bad") }],
    ["a number", { search: readSearch("42") }],
    ["a domain", { search: readSearch("@example.org") }],
    ["a Matrix id", { search: readSearch("@a:b") }],
    ["a state", { status: "deactivated" }],
    ["a role", { role: "superadmin" }],
    ["verification", { verified: false }],
    ["a prefix among the living", { search: readSearch("bad"), includeDeleted: false }],
  ])("finds %s by an index, and never by reading everybody", async (_, filter) => {
    const whole: UserFilter = { search: null, includeDeleted: true, status: null, role: null, verified: null, ...filter };
    const ctx = { db: drizzle(DB) };
    for (const statement of [userPageStatement(ctx, whole, { limit: 100, offset: 0 }), userCountStatement(ctx, whole)]) {
      const { sql, params } = statement.toSQL();
      const plan = (await DB.prepare(`EXPLAIN QUERY PLAN ${sql}`).bind(...params.map((value) => (typeof value === "boolean" ? Number(value) : value))).all<{ detail: string }>()).results.map(({ detail }) => detail);
      expect(plan.filter((detail) => detail.startsWith("SCAN users")), plan.join("; ")).toEqual([]);
      expect(plan.some((detail) => detail.startsWith("SEARCH users USING"))).toBe(true);
    }
  });
});

it("the list reads at most two hundred rows for each that it shows, of ten thousand people and on every page", async () => {
  const mark = uniqueName("crowd");
  await DB.prepare(
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
     INSERT INTO users (sub, email, email_key, username, name, matrix_id, password_hash, trial_ends_at, created_at, updated_at)
     SELECT ?1 || i, ?1 || i || '@' || ?1 || '.org', ?1 || i || '@' || ?1 || '.org', ?1 || i, ?1, '@' || ?1 || i || ':x', 'none', 0, 0, 0 FROM n`,
  ).bind(mark).run();
  const everybody: UserFilter = { search: null, includeDeleted: true, status: null, role: null, verified: null };
  const read = async (statement: { toSQL(): { sql: string; params: unknown[] } }) => {
    const { sql, params } = statement.toSQL();
    const { results, meta } = await DB.prepare(sql).bind(...params).all();
    return { shown: results.length, rows: meta.rows_read };
  };
  const ctx = { db: drizzle(DB) };
  for (const [filter, offset, counts] of [
    [everybody, 0, true],
    // Further pages do not count again.
    [everybody, 9_900, false],
    [{ ...everybody, search: readSearch(`@${mark}.org`) }, 0, true],
    [{ ...everybody, search: readSearch(`${mark}12`) }, 0, true],
  ] as const) {
    const page = await read(userPageStatement(ctx, filter, { limit: 100, offset }));
    const count = counts ? (await read(userCountStatement(ctx, filter))).rows : 0;
    expect(page.shown).toBe(100);
    expect((page.rows + count) / page.shown, JSON.stringify(filter)).toBeLessThan(200);
  }
  const first = await list("per_page=100&verified=false");
  expect([first.total, first.total_is_exact]).toEqual([10_000, false]);
  const second = await list("per_page=100&verified=false&page=2");
  expect([second.total, second.users.length]).toEqual([10_000, 100]);
  await DB.prepare("DELETE FROM users WHERE name = ?").bind(mark).run();
});

describe("one user", () => {
  it("is shown with how the subscription stands", async () => {
    const user = await signUpUser();
    const { body } = await call<UserView>("GET", `${USERS}/${user.userId}`);
    expect(body).toMatchObject({ id: user.userId, email: user.email, username: user.username, matrix_id: user.matrixId, name: "Test Badger", status: "active", role: "user", account_verified: true, subscription_status: "trialing", subscription_plan: "free_trial", matrix_status: "not_created", needs_matrix_password_sync: false, deletion_status: null });
    expect(JSON.stringify(body)).not.toMatch(/password_hash|argon2/);
    for (const id of ["999999999", "0"]) expect(await call("GET", `${USERS}/${id}`)).toMatchObject({ status: 404, body: { code: "not_found" } });
    expect((await call("GET", `${USERS}/nobody`)).status).toBe(422);
  });

  it("is changed, with before and after in the audit log", async () => {
    const user = await signUpUser();
    const at = `${USERS}/${user.userId}`;
    const change = { name: "Ada", display_name: "Ada L.", phone_number: "+44 20 7946 0000", auto_destruct_time: "30d", subscription_status: "comped", username: `${user.username}x` };
    expect(await call<{ user: UserView }>("PATCH", at, change)).toMatchObject({ status: 200, body: { ok: true, user: { ...change, matrix_id: `@${user.username}x:sett.localhost`, email: user.email } } });
    expect(await audited(user.userId, "user.update")).toEqual([
      { by: admin.userId, before: { username: user.username, name: "Test Badger", display_name: null, phone_number: null, auto_destruct_time: null, subscription_status: null }, after: change },
    ]);
    // Null empties what may be empty, leaves what may not, and a word about the subscription grants nothing.
    expect((await call<{ user: UserView }>("PATCH", at, { name: null, display_name: null, username: null, subscription_status: null })).body.user).toMatchObject({ name: "Ada", display_name: null, username: `${user.username}x`, subscription_status: "trialing", subscription_plan: "free_trial" });
    expect((await audited(user.userId, "user.update")).length).toBe(2);
    await call("PATCH", at, {});
    expect((await audited(user.userId, "user.update")).length).toBe(2);
    // Who signed in by the old name does so by the new one.
    expect((await api("POST", "/api/v1/user/login", { body: { username: `${user.username}x`, password: user.password } })).status).toBe(200);

    const other = await signUpUser();
    expect(await call("PATCH", at, { username: other.username })).toMatchObject({ status: 409, body: { code: "username_taken" } });
    expect(await call("PATCH", at, { username: "postmaster" })).toMatchObject({ status: 409, body: { code: "username_taken" } });
    for (const username of ["abc", "with space", "-dash-dash"]) expect((await call("PATCH", at, { username })).status, username).toBe(422);
    await DB.prepare("UPDATE users SET matrix_account_created = 1 WHERE id = ?").bind(user.userId).run();
    expect(await call("PATCH", at, { username: uniqueName() })).toMatchObject({ status: 409, body: { code: "matrix_account_exists" } });
    expect(await call("PATCH", `${USERS}/999999999`, { name: "x" })).toMatchObject({ status: 404 });
  });

  it("is made and invited, and chooses a password with the mailed code", async () => {
    const [username, email] = [uniqueName(), `${uniqueName("Invited")}@example.org`];
    const made = await call<{ user: UserView }>("POST", USERS, { email, username, name: "Ivy" });
    expect(made).toMatchObject({ status: 201, body: { ok: true, matrix_account_created: false, matrix_error: "matrix_not_configured", invite_sent: true, user: { email, username, name: "Ivy", account_verified: true, matrix_id: `@${username}:sett.localhost` } } });
    expect((await mailsTo(email))[0]?.text).toContain("/reset?email=");
    const password = "quite a long secret";
    await expectStatus(200, "POST", "/api/v1/user/reset-password", { body: { email, code: await codeMailedTo(email), new_password: password } });
    await logIn({ email, username, password });
    const row = await DB.prepare("SELECT tenant_id, detail, actor_id FROM audit_log WHERE action = 'user.create' AND subject_id = (SELECT sub FROM users WHERE id = ?)").bind(made.body.user.id).first<{ tenant_id: number; detail: string; actor_id: string }>();
    expect(JSON.parse(row?.detail ?? "{}")).toEqual({ before: null, after: { email, username, name: "Ivy", display_name: null, invited: true } });
    expect(row).toMatchObject({ tenant_id: made.body.user.id, actor_id: String(admin.userId) });

    expect(await call("POST", USERS, { email: email.toLowerCase() })).toMatchObject({ status: 409, body: { code: "email_taken" } });
    expect(await call("POST", USERS, { email: `${uniqueName()}@example.org`, username })).toMatchObject({ status: 409, body: { code: "username_taken" } });
    expect(await call("POST", USERS, { email: `${uniqueName()}@example.org`, username: "no" })).toMatchObject({ status: 422 });
    expect(await call("POST", USERS, { email: "nothing" })).toMatchObject({ status: 422 });
  });

  it("has neither user name nor Matrix id when made without, and gets them later", async () => {
    const email = `${uniqueName()}@example.org`;
    const made = await call<{ user: UserView }>("POST", USERS, { email, send_invite: false });
    expect(made.body).toMatchObject({ matrix_account_created: false, matrix_error: null, invite_sent: false, user: { username: null, matrix_id: null, name: email.split("@")[0] } });
    const { id } = made.body.user;
    await expectStatus(200, "POST", `${USERS}/${id}/reset-password`, { token: admin.accessToken, body: { new_password: "quite a long secret" } });
    const login = await expectStatus<{ access_token: string; user_profile: unknown }>(200, "POST", "/api/v1/user/login", { body: { username: email, password: "quite a long secret" } });
    expect(login.user_profile).toMatchObject({ username: "", matrix_id: "" });
    expect(await api("GET", "/api/v1/user/profile", { token: login.access_token })).toMatchObject({ body: { username: null, matrix_id: null } });
    const username = uniqueName();
    expect((await call<{ user: UserView }>("PATCH", `${USERS}/${id}`, { username })).body.user).toMatchObject({ username, matrix_id: `@${username}:sett.localhost` });
  });
});

describe("locking somebody out", () => {
  it("ends every way in at once, and can be undone", async () => {
    const user = await signUpUser();
    const machine = await registerMachine(user);
    const { id: tokenId } = await mintToken(user);
    const at = `${USERS}/${user.userId}`;
    expect(await call("POST", `${at}/deactivate`)).toMatchObject({ status: 200, body: { ok: true, success: true, user_id: user.userId, status: "deactivated" } });
    expect(await dead(user)).toMatchObject({ status: 403, body: { code: "account_deactivated" } });
    expect(await api("POST", "/api/v1/user/login", { body: { username: user.email, password: user.password } })).toMatchObject({ status: 403, body: { code: "account_deactivated" } });
    expect(await DB.prepare("SELECT revoked_at IS NOT NULL AS revoked FROM cli_tokens WHERE id = ?").bind(tokenId).first("revoked")).toBe(1);
    expect((await call<UserView>("GET", at)).body).toMatchObject({ status: "deactivated", deletion_status: "deactivated_by_admin", deleted_at: expect.any(String) as unknown });
    expect(await call("POST", `${at}/reset-password`, { new_password: "quite a long secret" })).toMatchObject({ status: 409, body: { code: "user_inactive" } });
    expect(await call("POST", `${at}/deactivate`)).toMatchObject({ status: 200, body: { status: "deactivated" } });

    expect(await call("POST", `${at}/activate`)).toMatchObject({ status: 200, body: { status: "active" } });
    expect((await call<UserView>("GET", at)).body).toMatchObject({ status: "active", deletion_status: null, deleted_at: null });
    const again = await logIn(user);
    expect((await dead(user)).body).toMatchObject({ code: "session_revoked" });
    const instances = await expectStatus<{ instance_id: string }[]>(200, "GET", "/api/v1/openclaw/status", { token: again.accessToken });
    expect(instances.map(({ instance_id }) => instance_id)).toEqual([machine]);
    expect(await audited(user.userId, "user.deactivate")).toEqual([{ by: admin.userId, before: { status: "active", deletion_status: null }, after: { status: "deactivated", deletion_status: "deactivated_by_admin" } }]);
    expect(await audited(user.userId, "user.activate")).toEqual([{ by: admin.userId, before: { status: "deactivated", deletion_status: "deactivated_by_admin" }, after: { status: "active", deletion_status: null } }]);
  });

  it("by another password signs out everywhere and tells the person", async () => {
    const user = await signUpUser();
    const at = `${USERS}/${user.userId}/reset-password`;
    for (const new_password of ["short", "password123", user.email]) expect((await call("POST", at, { new_password })).status, new_password).toBe(422);
    const new_password = "a brand new secret";
    expect(await call("POST", at, { new_password })).toMatchObject({ status: 200, body: { password_reset_at: expect.any(String) as unknown, matrix_password_updated: false, matrix_sync_reason: "matrix_not_configured" } });
    expect(await dead(user)).toMatchObject({ status: 401, body: { code: "session_revoked" } });
    expect((await api("POST", "/api/v1/user/login", { body: { username: user.email, password: user.password } })).status).toBe(401);
    await logIn({ ...user, password: new_password });
    expect((await mailsTo(user.email, 2)).map(({ subject }) => subject)).toContain("Your Sett password was changed");
    const detail = JSON.stringify(await audited(user.userId, "user.set_password"));
    expect(detail).toContain("[redacted]");
    expect(detail).not.toContain(new_password);
  });

  it("by signing out everywhere kills access tokens now and leaves the account", async () => {
    const user = await signUpUser();
    await logIn(user);
    const answer = await call("POST", `${USERS}/${user.userId}/sign-out-all`);
    expect(answer).toMatchObject({ status: 200, body: { ok: true, user_id: user.userId, sessions_revoked: 2, matrix_devices_total: 0, matrix_devices_deleted: 0, matrix_devices_failed: 0, cognito_global_sign_out: true, cognito_error: null, matrix_error: null } });
    expect(await dead(user)).toMatchObject({ status: 401, body: { code: "session_revoked" } });
    expect(await api("POST", "/api/v1/user/token/refresh", { body: { refresh_token: user.refreshToken, email: user.email } })).toMatchObject({ status: 401, body: { code: "session_revoked" } });
    await logIn(user);
    expect((await audited(user.userId, "user.sign_out_all"))[0]).toMatchObject({ by: admin.userId, before: { token_epoch: 0 }, after: { token_epoch: 1 } });
  });
});

describe("administrators as users", () => {
  it("are changed by superadministrators only", async () => {
    const peer = await signUpUser();
    await DB.prepare("UPDATE users SET role = 'admin' WHERE id = ?").bind(peer.userId).run();
    const acts = [
      ["PATCH", "", { name: "x" }],
      ["POST", "/deactivate", undefined],
      ["POST", "/activate", undefined],
      ["POST", "/reset-password", { new_password: "a brand new secret" }],
      ["POST", "/sign-out-all", undefined],
    ] as const;
    for (const target of [peer, superadmin]) for (const [method, path, body] of acts) expect(await call(method, `${USERS}/${target.userId}${path}`, body), `${method} ${path}`).toMatchObject({ status: 403, body: { code: "forbidden" } });
    expect((await call("GET", `${USERS}/${superadmin.userId}`)).status).toBe(200);
    expect((await call("PATCH", `${USERS}/${peer.userId}`, { name: "Peer" }, superadmin)).status).toBe(200);
    expect(await call("PATCH", `${USERS}/${peer.userId}`, { account_verified: false }, superadmin)).toMatchObject({ status: 409, body: { code: "user_is_admin" } });
    // Oneself, what harms nobody else.
    expect((await call("POST", `${USERS}/${peer.userId}/sign-out-all`, undefined, peer)).status).toBe(200);
    expect((await call("POST", `${USERS}/${peer.userId}/deactivate`, undefined, superadmin)).status).toBe(200);
  });

  it("as users may do none of this", async () => {
    const user = await signUpUser();
    for (const path of [USERS, `${USERS}/${admin.userId}`, `${USERS}/${user.userId}/security`]) expect(await call("GET", path, undefined, user)).toMatchObject({ status: 403, body: { code: "forbidden" } });
  });
});

describe("without a homeserver", () => {
  it.each(["matrix-deactivate", "matrix-activate", "matrix-recreate", "create-matrix-account"])("%s is 503 and leaves no trace", async (act) => {
    const user = await signUpUser();
    expect(await call("POST", `${USERS}/${user.userId}/${act}`, act === "create-matrix-account" ? {} : undefined)).toMatchObject({ status: 503, body: { code: "matrix_unavailable" } });
    expect(await DB.prepare("SELECT count(*) AS n FROM audit_log WHERE tenant_id = ? AND action LIKE 'user.%'").bind(user.userId).first("n")).toBe(0);
  });

  it("Matrix devices cannot be listed", async () => {
    expect(await call("GET", `${USERS}/${admin.userId}/matrix-devices`)).toMatchObject({ status: 503, body: { code: "matrix_unavailable" } });
  });
});
