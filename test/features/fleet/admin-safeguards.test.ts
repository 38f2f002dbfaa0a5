import { beforeAll, describe, expect, it } from "vitest";
import { deleteBotsOf } from "../../../src/fleet/bots";
import { destroyCloudVmsOf } from "../../../src/fleet/cloud-vms";
import { endSubscriptionsOf } from "../../../src/fleet/subscriptions";
import type { Ctx } from "../../../src/kernel/context";
import { insertBot } from "../../support/bots";
import { api, expectStatus, logIn, newCredentials, signUpUser, type TestUser } from "../../support/client";
import { insertCloudVm } from "../../support/cloud-machines";
import { bindings, contextAt } from "../../support/homeserver/view";

/** What administrators, and those whom they look after, cannot break. */

const { DB } = bindings;
const USERS = "/api/v1/admin/users";

let superadmin: TestUser;
beforeAll(async () => {
  superadmin = await signUpUser();
  // This file's database has no other.
  await DB.batch([DB.prepare("UPDATE users SET role = 'user'"), DB.prepare("UPDATE users SET role = 'superadmin' WHERE id = ?").bind(superadmin.userId)]);
});
const call = <T = Record<string, unknown>>(method: string, path: string, body?: unknown) => api<T>(method, path, { token: superadmin.accessToken, body });
const rowOf = (user: Pick<TestUser, "userId">) => DB.prepare("SELECT sub, username, password_hash, status, version FROM users WHERE id = ?").bind(user.userId).first();

describe("an account whose verification was taken back", () => {
  const unverify = (user: TestUser) => call("PATCH", `${USERS}/${user.userId}`, { account_verified: false });

  it("is nobody else's to sign up over", async () => {
    const user = await signUpUser();
    expect((await unverify(user)).status).toBe(200);
    const before = await rowOf(user);
    expect(await api("POST", "/api/v1/user/signup", { body: { ...newCredentials(), email: user.email } })).toMatchObject({ status: 409, body: { code: "email_taken" } });
    expect(await call("POST", USERS, { email: user.email })).toMatchObject({ status: 409, body: { code: "email_taken" } });
    expect(await rowOf(user)).toEqual(before);
  });

  it.each([
    ["a Matrix account", "UPDATE users SET matrix_account_created = 1 WHERE id = ?"],
    ["one that is being made", "UPDATE users SET matrix_claimed_at = 1 WHERE id = ?"],
    ["an outside identity", "INSERT INTO external_identities (issuer, subject, tenant_id, created_at) SELECT 'issuer', sub, id, 0 FROM users WHERE id = ?"],
  ])("is in use for having %s, though nobody ever signed in", async (_what, statement) => {
    const user = await signUpUser();
    await unverify(user);
    await DB.batch([DB.prepare("UPDATE users SET last_signed_in_at = NULL WHERE id = ?").bind(user.userId), DB.prepare(statement).bind(user.userId)]);
    expect(await api("POST", "/api/v1/user/signup", { body: { ...newCredentials(), email: user.email } })).toMatchObject({ status: 409, body: { code: "email_taken" } });
  });
});

describe("the last superadministrator", () => {
  it("cannot end their own account", async () => {
    for (const path of ["/api/v1/user/delete-account", "/api/v1/user/self-deactivate"]) {
      expect(await api("POST", path, { token: superadmin.accessToken, body: { password: superadmin.password } }), path).toMatchObject({ status: 409, body: { code: "last_superadmin" } });
    }
    expect((await api("GET", "/api/v1/user/profile", { token: superadmin.accessToken })).status).toBe(200);
  });

  it("is one of two who end theirs at once", async () => {
    const other = await signUpUser();
    await DB.prepare("UPDATE users SET role = 'superadmin' WHERE id = ?").bind(other.userId).run();
    const end = ({ accessToken: token, password }: TestUser) => api("POST", "/api/v1/user/delete-account", { token, body: { password } });
    const answers = await Promise.all([end(superadmin), end(other)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
    superadmin = answers[0]?.status === 409 ? superadmin : other;
    expect((await call("GET", USERS)).status).toBe(200);
  });
});

describe("letting somebody in again", () => {
  it("does not undo a removal under way", async () => {
    const user = await signUpUser();
    await DB.prepare("UPDATE users SET status = 'deleted', deletion_status = 'removing', deleted_at = 1 WHERE id = ?").bind(user.userId).run();
    expect(await call("POST", `${USERS}/${user.userId}/activate`)).toMatchObject({ status: 409, body: { code: "user_being_removed" } });
    expect(await rowOf(user)).toMatchObject({ status: "deleted" });
  });

  it("disarms what the end of the account still had to do", async () => {
    const user = await signUpUser();
    const bot = await insertBot(user);
    const { vmId } = await insertCloudVm(user, null, { computer_id: null });
    await DB.prepare("INSERT INTO billing_customers (tenant_id, sandbox, customer_id, created_at) VALUES (?, 0, ?, 0)").bind(user.userId, `cus_${user.username}`).run();
    const canceled: string[] = [];
    const base = contextAt(0);
    const payments = { listSubscriptions: async () => [{ id: "sub_1", status: "active" }], cancelNow: async (id: string) => void canceled.push(id) };
    const ctx = { ...base, services: { ...base.services, payments } } as unknown as Ctx;
    const work = async () => {
      await deleteBotsOf(ctx, { userId: user.userId });
      await endSubscriptionsOf(ctx, { userId: user.userId }, "eff_test");
      await destroyCloudVmsOf(ctx, { userId: user.userId });
    };
    const states = async () => [await DB.prepare("SELECT status FROM bots WHERE id = ?").bind(bot.id).first("status"), await DB.prepare("SELECT status FROM cloud_vms WHERE id = ?").bind(vmId).first("status"), [...canceled]];
    await work();
    expect(await states()).toEqual(["active", "online", []]);
    // The same work does it all while the account is ended.
    await DB.prepare("UPDATE users SET status = 'deleted' WHERE id = ?").bind(user.userId).run();
    await work();
    expect(await states()).toMatchObject(["deleted", expect.stringMatching(/^destroy/), ["sub_1"]]);
  });
});

describe("a sign-in under way", () => {
  it("opens no session that signing out everywhere has missed", async () => {
    const user = await signUpUser();
    const trySignIn = () => api<{ refresh_token: string; access_token: string }>("POST", "/api/v1/user/login", { body: { username: user.email, password: user.password } });
    for (let round = 0; round < 3; round++) {
      // Comparing passwords takes longer than signing out.
      const [signedIn] = await Promise.all([trySignIn(), call("POST", `${USERS}/${user.userId}/sign-out-all`)]);
      expect(signedIn.status).toBe(200);
      const { live } = (await DB.prepare("SELECT count(*) AS live FROM sessions WHERE tenant_id = ? AND revoked_at IS NULL").bind(user.userId).first<{ live: number }>()) ?? { live: -1 };
      const { status } = await api("GET", "/api/v1/user/profile", { token: signedIn.body.access_token });
      expect([live, status], `round ${round}`).toEqual(status === 200 ? [1, 200] : [0, 401]);
    }
  });

  it("with the old password fails when another one was set meanwhile", async () => {
    const user = await signUpUser();
    const signIn = api("POST", "/api/v1/user/login", { body: { username: user.email, password: user.password } });
    const reset = expectStatus(200, "POST", `${USERS}/${user.userId}/reset-password`, { token: superadmin.accessToken, body: { new_password: "a brand new secret" } });
    const [{ status }] = await Promise.all([signIn, reset]);
    const live = await DB.prepare("SELECT count(*) AS n FROM sessions WHERE tenant_id = ? AND revoked_at IS NULL").bind(user.userId).first("n");
    expect([200, 401]).toContain(status);
    expect(live).toBe(0);
    await logIn({ ...user, password: "a brand new secret" });
  });
});
