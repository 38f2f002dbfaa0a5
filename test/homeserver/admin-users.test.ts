import { env } from "cloudflare:workers";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { createSystemContext } from "../../src/context";
import { effectHandlers } from "../../src/effects";
import type { Env } from "../../src/env";
import { deliverEffect } from "../../src/kernel/outbox/drain";
import { api, expectStatus, logIn, signUpUser, uniqueName, type TestUser } from "../support/client";
import { faults } from "../support/homeserver/client";
import { matrixClient, SERVER_NAME } from "../support/matrix-client";

const bindings = env as unknown as Env;
const { DB } = bindings;
const USERS = "/api/v1/admin/users";
const { matrix, admin: homeserver } = matrixClient();

let superadmin: TestUser;
beforeAll(async () => {
  superadmin = await signUpUser();
  await DB.prepare("UPDATE users SET role = 'superadmin' WHERE id = ?").bind(superadmin.userId).run();
});
afterEach(() => faults.clear());
const call = <T = Record<string, unknown>>(method: string, path: string, body?: unknown) => api<T>(method, path, { token: superadmin.accessToken, body });
const act = (user: Pick<TestUser, "userId">, what: string, body?: unknown) => call("POST", `${USERS}/${user.userId}/${what}`, body);
const stateOf = async (userId: string) => {
  const account = await homeserver.findAccount(userId);
  return account === null ? "missing" : account.erased ? "erased" : account.deactivated ? "deactivated" : "active";
};
const shown = async (user: Pick<TestUser, "userId">) => (await call<{ matrix_status: string; needs_matrix_password_sync: boolean }>("GET", `${USERS}/${user.userId}`)).body;
const signInThere = async ({ username, password }: Pick<TestUser, "username" | "password">) => (await matrix.login(username, password)).kind;
const audited = async (userId: number, action: string) => (await DB.prepare("SELECT detail FROM audit_log WHERE tenant_id = ? AND action = ? ORDER BY id").bind(userId, action).all<{ detail: string }>()).results.map(({ detail }) => JSON.parse(detail) as unknown);

/** What the sweep does once the wait after a failure is over. */
async function sweep(): Promise<void> {
  await DB.prepare("UPDATE outbox SET due_at = 0").run();
  const { results } = await DB.prepare("SELECT id FROM outbox WHERE parked_at IS NULL").all<{ id: string }>();
  for (const { id } of results) await deliverEffect(createSystemContext(bindings, { waitUntil: () => undefined }, "test", uniqueName("req")), effectHandlers, id);
}

describe("somebody made by an administrator", () => {
  it("has a Matrix account at once, whose password their first sign-in brings", async () => {
    const username = uniqueName();
    const made = await call<{ user: { id: number } }>("POST", USERS, { email: `${username}@example.org`, username, display_name: "Ivy" });
    expect(made).toMatchObject({ status: 201, body: { matrix_account_created: true, matrix_error: null, user: { matrix_status: "active", needs_matrix_password_sync: true } } });
    expect(await homeserver.findAccount(`@${username}:${SERVER_NAME}`)).toMatchObject({ deactivated: false, displayName: "Ivy" });
    const user = { userId: made.body.user.id, email: `${username}@example.org`, username, password: "quite a long secret" };
    expect(await act(user, "reset-password", { new_password: user.password })).toMatchObject({ status: 200, body: { matrix_password_updated: true, matrix_sync_reason: null } });
    expect(await signInThere(user)).toBe("ok");
    expect(await shown(user)).toMatchObject({ needs_matrix_password_sync: false });
  });

  it("without a user name gets a Matrix account when one is chosen", async () => {
    const email = `${uniqueName()}@example.org`;
    const made = await call<{ user: { id: number } }>("POST", USERS, { email });
    expect(made.body).toMatchObject({ matrix_account_created: false, matrix_error: null, user: { username: null, matrix_id: null } });
    const user = { userId: made.body.user.id };
    expect(await act(user, "create-matrix-account", {})).toMatchObject({ status: 422 });
    expect(await act(user, "create-matrix-account", { username: superadmin.username })).toMatchObject({ status: 409, body: { code: "username_taken" } });
    const username = uniqueName();
    expect(await act(user, "create-matrix-account", { username })).toMatchObject({ status: 200, body: { matrix_id: `@${username}:${SERVER_NAME}`, matrix_account_created: true, matrix_error: null } });
    expect(await stateOf(`@${username}:${SERVER_NAME}`)).toBe("active");
    expect(await act(user, "create-matrix-account", { username })).toMatchObject({ status: 409, body: { code: "matrix_account_exists" } });
    expect(await call("PATCH", `${USERS}/${user.userId}`, { username: uniqueName() })).toMatchObject({ status: 409, body: { code: "matrix_account_exists" } });
    expect(await audited(user.userId, "user.create_matrix_account")).toEqual([{ before: { username: null, matrix_status: "not_created" }, after: { username, matrix_id: `@${username}:${SERVER_NAME}` } }]);
  });
});

describe("somebody's Matrix account", () => {
  it("is ended and brought back, and no sign-in brings it back meanwhile", async () => {
    const user = await signUpUser();
    expect(await stateOf(user.matrixId)).toBe("active");
    expect(await act(user, "matrix-deactivate")).toMatchObject({ status: 200, body: { ok: true, success: true, user_id: user.userId, status: "deactivated" } });
    expect(await stateOf(user.matrixId)).toBe("deactivated");
    expect(await shown(user)).toMatchObject({ status: "active", matrix_status: "deactivated" });
    await logIn(user);
    expect(await act(user, "reset-password", { new_password: "a brand new secret" })).toMatchObject({ body: { matrix_password_updated: false, matrix_sync_reason: "matrix_account_deactivated" } });
    expect(await stateOf(user.matrixId)).toBe("deactivated");
    expect(await act(user, "matrix-deactivate")).toMatchObject({ status: 200, body: { status: "deactivated" } });
    expect(await act(user, "matrix-recreate")).toMatchObject({ status: 409, body: { code: "matrix_account_not_erased" } });

    expect(await act(user, "matrix-activate")).toMatchObject({ status: 200, body: { ok: true, status: "active", matrix_id: user.matrixId, needs_matrix_password_sync: true } });
    expect(await stateOf(user.matrixId)).toBe("active");
    const renewed = { ...user, password: "a brand new secret" };
    expect(await signInThere(renewed)).not.toBe("ok");
    await logIn(renewed);
    expect(await signInThere(renewed)).toBe("ok");
    expect(await act(user, "matrix-activate")).toMatchObject({ status: 200, body: { status: "active", needs_matrix_password_sync: false } });
    expect(await audited(user.userId, "user.matrix_activate")).toEqual([{ matrix_id: user.matrixId, before: { matrix_status: "deactivated" }, after: { matrix_status: "active" } }]);
  });

  it("that was erased is recreated, not activated", async () => {
    const user = await signUpUser();
    await homeserver.deactivate(user.matrixId, true);
    expect(await act(user, "matrix-activate")).toMatchObject({ status: 409, body: { code: "matrix_account_erased" } });
    expect(await act(user, "matrix-deactivate")).toMatchObject({ status: 200, body: { status: "erased" } });
    expect(await act(user, "matrix-recreate")).toMatchObject({ status: 200, body: { status: "active", needs_matrix_password_sync: true } });
    expect(await homeserver.findAccount(user.matrixId)).toMatchObject({ deactivated: false, erased: false, displayName: "Test Badger" });
    await logIn(user);
    expect(await signInThere(user)).toBe("ok");
  });

  it("is needed, and is looked for at the homeserver", async () => {
    const user = await signUpUser();
    await DB.prepare("UPDATE users SET matrix_account_created = 0 WHERE id = ?").bind(user.userId).run();
    for (const what of ["matrix-deactivate", "matrix-activate", "matrix-recreate"]) expect(await act(user, what)).toMatchObject({ status: 409, body: { code: "matrix_account_missing" } });
    await DB.prepare("UPDATE users SET matrix_account_created = 1, matrix_id = ? WHERE id = ?").bind(`@${uniqueName("gone")}:${SERVER_NAME}`, user.userId).run();
    expect(await act(user, "matrix-activate")).toMatchObject({ status: 409, body: { code: "matrix_account_missing" } });
    expect(await shown(user)).toMatchObject({ matrix_status: "missing" });
    expect(await act({ userId: 999_999_999 }, "matrix-activate")).toMatchObject({ status: 404 });
  });
});

describe("a Matrix account that the homeserver lost", () => {
  it("is made anew, and one that is there after all is not", async () => {
    const user = await signUpUser();
    await DB.prepare("UPDATE users SET matrix_status = 'missing' WHERE id = ?").bind(user.userId).run();
    expect(await act(user, "create-matrix-account", {})).toMatchObject({ status: 409, body: { code: "matrix_account_exists" } });
    expect(await signInThere(user)).toBe("ok");

    const username = uniqueName("lost");
    const matrixId = `@${username}:${SERVER_NAME}`;
    await DB.prepare("UPDATE users SET username = ?, matrix_id = ? WHERE id = ?").bind(username, matrixId, user.userId).run();
    expect(await act(user, "matrix-activate")).toMatchObject({ status: 409, body: { code: "matrix_account_missing" } });
    expect(await act(user, "create-matrix-account", {})).toMatchObject({ status: 200, body: { matrix_id: matrixId, matrix_account_created: true, matrix_error: null } });
    expect(await stateOf(matrixId)).toBe("active");
    expect(await shown(user)).toMatchObject({ matrix_status: "active", needs_matrix_password_sync: true });
    expect(await audited(user.userId, "user.create_matrix_account")).toEqual([{ before: { username, matrix_status: "missing" }, after: { username, matrix_id: matrixId } }]);
    await logIn(user);
    expect(await signInThere({ ...user, username })).toBe("ok");
  });
});

describe("somebody's Matrix devices", () => {
  it("are listed, and deleted with every other way in", async () => {
    const user = await signUpUser();
    const there = await matrix.login(user.username, user.password);
    if (there.kind !== "ok") throw new Error(there.kind);
    const devices = await expectStatus<{ device_id: string }[]>(200, "GET", `${USERS}/${user.userId}/matrix-devices`, { token: superadmin.accessToken });
    expect(devices.map(({ device_id }) => device_id)).toContain(there.deviceId);
    expect((await call("GET", `${USERS}/${user.userId}/security`)).body).toMatchObject({ matrix_devices: devices, matrix_devices_error: null });
    expect(await act(user, "sign-out-all")).toMatchObject({ status: 200, body: { ok: true, matrix_devices_total: devices.length, matrix_devices_deleted: devices.length, matrix_devices_failed: 0, matrix_error: null } });
    expect(await matrix.whoami(there.accessToken)).toBeNull();
    expect(await api("GET", "/api/v1/user/profile", { token: user.accessToken })).toMatchObject({ status: 401, body: { code: "session_revoked" } });
    expect((await call("GET", `${USERS}/${user.userId}/matrix-devices`)).body).toEqual([]);
    // The account is as it was: the password opens both doors.
    await logIn(user);
    expect(await signInThere(user)).toBe("ok");
  });
});

describe("a hard delete", () => {
  it("erases the account and its bots' and leaves the name to whoever signs up with it", async () => {
    const user = await signUpUser();
    const bot = await expectStatus<{ bot_user_id: string }>(201, "POST", "/api/v1/bots", { token: user.accessToken, body: { bot_username: uniqueName("b").slice(0, 12), bot_name: "Rocco" } });
    const answer = await call<{ ok: boolean; steps: { name: string; ok: boolean; detail: string }[] }>("DELETE", `${USERS}/${user.userId}?confirm_email=${user.email}`);
    expect(answer.body.steps.filter(({ ok }) => !ok)).toEqual([]);
    expect(answer).toMatchObject({ status: 200, body: { ok: true, reclaimable: true } });
    expect([await stateOf(user.matrixId), await stateOf(bot.bot_user_id)]).toEqual(["erased", "erased"]);
    const again = await signUpUser({ username: user.username });
    expect(again.matrixId).toBe(user.matrixId);
    expect(await stateOf(user.matrixId)).toBe("active");
    expect(await signInThere(again)).toBe("ok");
  });
});

describe("a hard delete of somebody whose Matrix account was being made", () => {
  it("erases it though nobody heard that it was made", async () => {
    const user = await signUpUser();
    await DB.prepare("UPDATE users SET matrix_account_created = 0, matrix_claimed_at = 1, matrix_status = NULL WHERE id = ?").bind(user.userId).run();
    const { body } = await call<{ steps: { name: string; ok: boolean; detail: string }[] }>("DELETE", `${USERS}/${user.userId}?confirm_email=${user.email}`);
    expect(body.steps.find(({ name }) => name === "matrix")).toMatchObject({ ok: true, detail: expect.stringContaining(user.matrixId) as unknown });
    expect(await stateOf(user.matrixId)).toBe("erased");
  });
});

describe("while the homeserver is down", () => {
  it("what is ours is done, and what is its is told of", async () => {
    const user = await signUpUser();
    await faults.arm({ kind: "refuse", times: 1_000 });
    const username = uniqueName();
    expect(await call("POST", USERS, { email: `${username}@example.org`, username })).toMatchObject({ status: 201, body: { matrix_account_created: false, matrix_error: "matrix_unreachable", user: { username, matrix_status: "not_created" } } });
    expect((await call("GET", `${USERS}/${user.userId}/security`)).body).toMatchObject({ matrix_devices: [], matrix_devices_error: "matrix_unreachable", flags: [{ code: "matrix_unreachable", severity: "warning" }] });
    expect((await call("GET", `${USERS}/${user.userId}/matrix-devices`)).status).toBe(503);
    expect(await act(user, "sign-out-all")).toMatchObject({ status: 200, body: { ok: false, sessions_revoked: 1, matrix_error: "matrix_unreachable" } });
    expect(await act(user, "reset-password", { new_password: "a brand new secret" })).toMatchObject({ status: 200, body: { matrix_password_updated: false, matrix_sync_reason: "matrix_unreachable" } });
    expect(await shown(user)).toMatchObject({ needs_matrix_password_sync: true });
    expect(await act(user, "matrix-deactivate")).toMatchObject({ status: 503, body: { code: "matrix_unavailable" } });
    expect(await audited(user.userId, "user.matrix_deactivate")).toEqual([]);
    // The password that the homeserver missed is handed over at the next sign-in.
    await faults.clear();
    const renewed = { ...user, password: "a brand new secret" };
    await logIn(renewed);
    expect(await signInThere(renewed)).toBe("ok");
  });

  it("a hard delete leaves an erase that comes too late for a bot of somebody else", async () => {
    const [user, next] = [await signUpUser(), await signUpUser()];
    const bot = { bot_username: uniqueName("b").slice(0, 12), bot_name: "Rocco" };
    const { bot_user_id: matrixId } = await expectStatus<{ bot_user_id: string }>(201, "POST", "/api/v1/bots", { token: user.accessToken, body: bot });
    await homeserver.deactivate(matrixId, false);
    await faults.arm({ kind: "refuse", times: 1_000 });
    await call("DELETE", `${USERS}/${user.userId}?confirm_email=${user.email}`);
    await faults.clear();
    expect(await expectStatus<{ bot_user_id: string }>(201, "POST", "/api/v1/bots", { token: next.accessToken, body: bot })).toMatchObject({ bot_user_id: matrixId });
    await sweep();
    expect([await stateOf(user.matrixId), await stateOf(matrixId)]).toEqual(["erased", "active"]);
  });

  it("a hard delete goes on, and the outbox ends the accounts later", async () => {
    const user = await signUpUser();
    const bot = await expectStatus<{ bot_user_id: string }>(201, "POST", "/api/v1/bots", { token: user.accessToken, body: { bot_username: uniqueName("b").slice(0, 12), bot_name: "Rocco" } });
    await faults.arm({ kind: "refuse", times: 1_000 });
    const answer = await call<{ ok: boolean; steps: { name: string; ok: boolean }[] }>("DELETE", `${USERS}/${user.userId}?confirm_email=${user.email}`);
    expect(answer).toMatchObject({ status: 200, body: { ok: false } });
    expect(answer.body.steps.filter(({ ok }) => !ok).map(({ name }) => name)).toEqual(["bots", "matrix"]);
    expect((await call("GET", `${USERS}/${user.userId}`)).status).toBe(404);
    await faults.clear();
    expect([await stateOf(user.matrixId), await stateOf(bot.bot_user_id)]).toEqual(["active", "active"]);
    await sweep();
    expect([await stateOf(user.matrixId), await stateOf(bot.bot_user_id)]).toEqual(["erased", "erased"]);
  });
});
