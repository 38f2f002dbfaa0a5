import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { deleteCustomerOf } from "../../../src/fleet/payments";
import { purgeFeed } from "../../../src/fleet/user-removal";
import { removalSteps } from "../../../src/fleet/user-removal/removal-steps";
import { accountFeedObject } from "../../../durable-objects/stubs";
import { retireBotsOf } from "../../../src/fleet/bots";
import type { Ctx } from "../../../src/kernel/context";
import { insertBot } from "../../support/bots";
import { api, expectStatus, mintToken, signUpUser, type TestUser } from "../../support/client";
import { contextAt } from "../../support/homeserver/view";
import { beat, registerMachine } from "../../support/machines";
import { askWith } from "../../support/ops";

const { DB, FILES } = env as unknown as { DB: D1Database; FILES: R2Bucket };

interface Removed {
  readonly ok: boolean;
  readonly steps: readonly { readonly step: number; readonly name: string; readonly ok: boolean; readonly detail: string }[];
}

/** Tables that name a person and outlive them, with why. */
const KEPT: readonly string[] = [
  "audit_log", // who removed whom
  "cloud_vms", // until the provider has given the machine up; the reconciler drops them
];

let admin: TestUser;
beforeAll(async () => {
  admin = await signUpUser();
  await DB.prepare("UPDATE users SET role = 'admin' WHERE id = ?").bind(admin.userId).run();
});
const remove = (user: Pick<TestUser, "userId">, confirm: string, by = admin) => api<Removed>("DELETE", `/api/v1/admin/users/${user.userId}?confirm_email=${encodeURIComponent(confirm)}`, { token: by.accessToken });

async function tablesOfTenants(): Promise<string[]> {
  const { results } = await DB.prepare("SELECT name, sql FROM sqlite_master WHERE type = 'table'").all<{ name: string; sql: string }>();
  return results.filter(({ sql }) => /`tenant_id`/.test(sql)).map(({ name }) => name);
}

describe("a hard delete", () => {
  it("takes ten steps in order, leaves nothing, and frees the address and the name", async () => {
    const [user, friend] = [await signUpUser(), await signUpUser()];
    const [instanceId, theirs] = [await registerMachine(user, { machine_fingerprint: `fp-${user.username}` }), await registerMachine(friend)];
    const { token } = await mintToken(user);
    await beat(token, instanceId);
    const [bot, friendsBot] = [await insertBot(user), await insertBot(friend)];
    await DB.prepare("UPDATE bots SET instance_id = ? WHERE id = ?").bind(theirs, friendsBot.id).run();
    await expectStatus(201, "POST", `/api/v1/bots/${bot.id}/shares`, { token: user.accessToken, body: { shared_with_user_id: friend.matrixId } });
    await expectStatus(201, "POST", `/api/v1/bots/${friendsBot.id}/shares`, { token: friend.accessToken, body: { shared_with_user_id: user.matrixId } });
    await expectStatus(200, "POST", "/api/v1/pairing/create", { token: user.accessToken, body: { bot_id: bot.id } });
    await expectStatus(200, "POST", "/api/v1/push/register", { token: user.accessToken, body: { device_token: `push-${user.username}`, platform: "ios" } });
    await DB.prepare("INSERT INTO usage_summaries VALUES (?, '2026-11', 'media_mb', 1, 0)").bind(user.userId).run();
    await Promise.all([FILES.put(`verifications/${user.userId}/a.png`, "x"), FILES.put(`skills/${user.userId}/d`, "x"), FILES.put(`verifications/${friend.userId}/a.png`, "x")]);

    const answer = await remove(user, user.email.toUpperCase());
    expect(answer.status, JSON.stringify(answer.body)).toBe(200);
    expect(answer.body).toMatchObject({ user_id: user.userId, email: user.email, reclaimable: true, ok: false });
    expect(answer.body.steps.map(({ step, name }) => `${step} ${name}`)).toEqual(["1 bots", "2 instances", "3 fingerprints", "4 cli_tokens", "5 shares", "6 payments", "7 files", "8 matrix", "9 identity", "10 database"]);
    // No homeserver here: the bot's account cannot be ended, and that blocks nothing.
    expect(answer.body.steps.filter(({ ok }) => !ok).map(({ name }) => name)).toEqual(["bots"]);
    expect(answer.body.steps.map(({ detail }) => detail).slice(1, 8)).toEqual(["1 machine removed", "1 sighting forgotten", "1 token removed with their history", "2 shares removed", "no customer", "2 files deleted", "no Matrix account"]);

    expect((await tablesOfTenants()).length).toBeGreaterThan(20);
    for (const table of (await tablesOfTenants()).filter((name) => !KEPT.includes(name))) expect(await DB.prepare(`SELECT count(*) AS n FROM ${table} WHERE tenant_id = ?`).bind(user.userId).first("n"), table).toBe(0);
    expect(await DB.prepare("SELECT count(*) AS n FROM bot_shares WHERE recipient_id = ?").bind(user.userId).first("n")).toBe(0);
    expect((await FILES.list({ prefix: `verifications/${user.userId}/` })).objects).toEqual([]);
    expect((await FILES.list({ prefix: `verifications/${friend.userId}/` })).objects.length).toBe(1);
    // The machine of the friend's bot heard that one recipient is gone.
    const { pending_commands: told } = await beat(friend.accessToken, theirs);
    expect(told.map(({ command_type }) => command_type)).toContain("bot_share_revoked");

    expect(await api("GET", "/api/v1/user/profile", { token: user.accessToken })).toMatchObject({ status: 401 });
    expect((await api("POST", "/api/v1/dashboard/heartbeat", { token, body: { instance_id: instanceId, gateway_status: "running", bots: [] } })).status).toBeGreaterThanOrEqual(400);
    expect(await api("POST", "/api/v1/user/login", { body: { username: user.email, password: user.password } })).toMatchObject({ status: 401, body: { code: "invalid_credentials" } });
    expect((await remove(user, user.email)).status).toBe(404);
    const again = await signUpUser({ username: user.username });
    expect(again.userId).not.toBe(user.userId);

    const rows = (await DB.prepare("SELECT action, actor_id, detail FROM audit_log WHERE tenant_id = ? AND action LIKE 'user.hard%' ORDER BY id").bind(user.userId).all<{ action: string; actor_id: string; detail: string }>()).results;
    expect(rows.map(({ action, actor_id: by }) => [action, Number(by)])).toEqual([["user.hard_delete", admin.userId], ["user.hard_delete_done", admin.userId]]);
    expect(JSON.parse(rows[0]?.detail ?? "{}")).toMatchObject({ before: { email: user.email, username: user.username, status: "active" }, after: null });
    expect((JSON.parse(rows[1]?.detail ?? "{}") as Removed).steps.length).toBe(10);
  });

  it("goes on where one broke off, and leaves failed payments to the outbox", async () => {
    const user = await signUpUser();
    await DB.batch([
      DB.prepare("INSERT INTO billing_customers (tenant_id, sandbox, customer_id, created_at) VALUES (?, 0, ?, 0)").bind(user.userId, `cus_${user.username}`),
      DB.prepare("UPDATE users SET status = 'deleted', deletion_status = 'removing', deleted_at = 1 WHERE id = ?").bind(user.userId),
    ]);
    const { body } = await remove(user, user.email);
    expect(body.steps.filter(({ ok }) => !ok)).toMatchObject([{ name: "payments", detail: expect.stringContaining(`cus_${user.username}`) as unknown }]);
    expect(await DB.prepare("SELECT count(*) AS n FROM users WHERE id = ?").bind(user.userId).first("n")).toBe(0);
    // Who they are at the provider is kept until their subscriptions are ended there.
    const known = () => DB.prepare("SELECT count(*) AS n FROM billing_customers WHERE tenant_id = ?").bind(user.userId).first("n");
    expect(await known()).toBe(1);
    expect(await DB.prepare("SELECT count(*) AS n FROM outbox WHERE type = 'customer.delete'").first("n")).toBe(1);
    const deleted: string[] = [];
    const base = contextAt(0);
    const shop = (away: boolean) => ({ ...base, services: { ...base.services, payments: { deleteCustomer: async (id: string) => void (away ? (() => { throw new Error("away"); })() : deleted.push(id)) } } }) as unknown as Ctx;
    await expect(deleteCustomerOf(shop(true), { userId: user.userId })).rejects.toThrow("away");
    expect(await known()).toBe(1);
    await deleteCustomerOf(shop(false), { userId: user.userId });
    await deleteCustomerOf(shop(false), { userId: user.userId });
    expect([await known(), deleted]).toEqual([0, [`cus_${user.username}`]]);
  });

  it("removes shares, and all that a failed step left, when a machine cannot be told", async () => {
    const [user, friend] = [await signUpUser(), await signUpUser()];
    await registerMachine(user);
    await mintToken(user);
    const theirs = await registerMachine(friend);
    const friendsBot = await insertBot(friend);
    await DB.prepare("UPDATE bots SET instance_id = ? WHERE id = ?").bind(theirs, friendsBot.id).run();
    await expectStatus(201, "POST", `/api/v1/bots/${friendsBot.id}/shares`, { token: friend.accessToken, body: { shared_with_user_id: user.matrixId } });
    // No machine's object answers.
    const away = { getByName: () => new Proxy({}, { get: () => () => Promise.reject(new Error("away")) }) } as unknown as DurableObjectNamespace;
    const { status, body } = await askWith<Removed>({ INSTANCE_DO: away } as never, admin, "DELETE", `/api/v1/admin/users/${user.userId}?confirm_email=${user.email}`);
    expect(status).toBe(200);
    expect(body.steps.filter(({ ok }) => !ok)).toMatchObject([{ name: "shares", detail: "1 share removed; 1 machine of others could not be told" }]);
    for (const table of (await tablesOfTenants()).filter((name) => !KEPT.includes(name))) expect(await DB.prepare(`SELECT count(*) AS n FROM ${table} WHERE tenant_id = ?`).bind(user.userId).first("n"), table).toBe(0);
    expect(await DB.prepare("SELECT count(*) AS n FROM bot_shares WHERE recipient_id = ?").bind(user.userId).first("n")).toBe(0);
  });

  it("leaves nothing of what only a failed step would have removed", async () => {
    const user = await signUpUser();
    await registerMachine(user, { machine_fingerprint: `fp-${user.username}` });
    // It calls itself a cloud machine, and is none that we rent.
    await DB.prepare("UPDATE instances SET provider = 'orgo' WHERE tenant_id = ?").bind(user.userId).run();
    await mintToken(user);
    // Everything that a step of its own removes stays; the last step alone runs.
    await DB.prepare("UPDATE users SET status = 'deleted', deletion_status = 'removing', deleted_at = 1 WHERE id = ?").bind(user.userId).run();
    const account = { id: user.userId } as never;
    await removalSteps.database(contextAt(0) as never, account);
    for (const table of (await tablesOfTenants()).filter((name) => !KEPT.includes(name))) expect(await DB.prepare(`SELECT count(*) AS n FROM ${table} WHERE tenant_id = ?`).bind(user.userId).first("n"), table).toBe(0);
  });

  it("empties the account's feed", async () => {
    const user = await signUpUser();
    const instanceId = await registerMachine(user, { label: "the secret den" });
    const { token } = await mintToken(user);
    await beat(token, instanceId);
    const feed = async () => JSON.stringify(await expectStatus(200, "GET", `/api/v1/admin/ops/objects/accounts/${user.userId}/feed`, { token: admin.accessToken }));
    expect(await feed()).toContain(instanceId);
    await expectStatus(200, "DELETE", `/api/v1/admin/users/${user.userId}?confirm_email=${user.email}`, { token: admin.accessToken });
    const left = await accountFeedObject(contextAt(0).objects, user.userId).inspect(user.userId);
    expect(left).toMatchObject({ machines: [], dashboardEvents: [], machineEvents: [] });
    expect(JSON.stringify(left)).not.toContain(instanceId);
  });

  it("empties no feed of somebody who is here, and comes again while a machine is being destroyed", async () => {
    const user = await signUpUser();
    const instanceId = await registerMachine(user);
    const machines = async () => (await accountFeedObject(contextAt(0).objects, user.userId).inspect(user.userId)).machines.length;
    const { token } = await mintToken(user);
    await beat(token, instanceId);
    await purgeFeed(contextAt(0), { userId: user.userId });
    expect(await machines()).toBe(1);
    await DB.batch([DB.prepare("UPDATE users SET status = 'deleted' WHERE id = ?").bind(user.userId), DB.prepare("UPDATE instances SET cloud_vm_id = instance_id WHERE tenant_id = ?").bind(user.userId)]);
    await expect(purgeFeed(contextAt(0), { userId: user.userId })).rejects.toThrow("still being destroyed");
    expect(await machines()).toBe(0);
  });

  it("passes over a bot that its owner deletes at the same time", async () => {
    const user = await signUpUser();
    const [first, second] = [await insertBot(user), await insertBot(user)];
    const retired = await Promise.all([retireBotsOf(contextAt(0), user.userId), retireBotsOf(contextAt(0), user.userId)]);
    expect(retired.flat().map(({ id }) => id).sort()).toEqual([first.id, second.id].sort());
  });

  it("tells the outbox of accounts first, and asks a homeserver that is away no further", async () => {
    const user = await signUpUser();
    const bots = await Promise.all(Array.from({ length: 12 }, () => insertBot(user)));
    const told = () => DB.prepare("SELECT count(*) AS n FROM outbox WHERE type = 'matrix.deactivate'").first<number>("n");
    const before = (await told()) ?? 0;
    const asked: unknown[] = [];
    const base = contextAt(0);
    const deactivate = async () => {
      asked.push((await told()) ?? 0);
      throw new Error("away");
    };
    const ctx = { ...base, pokeOutbox: async () => undefined, services: { ...base.services, matrix: { admin: { deactivate }, bots: null } } };
    expect(await removalSteps.bots(ctx as never, { id: user.userId } as never)).toEqual({ ok: false, detail: "12 bots; 12 not ended on the homeserver yet, tried again from the outbox" });
    expect(asked.length).toBeLessThanOrEqual(5);
    expect(asked.every((n) => n === before + bots.length), JSON.stringify(asked)).toBe(true);
  });

  it("says what Apple goes on charging for", async () => {
    const user = await signUpUser();
    const subscribe = (external: string, status: string, cancels: number) =>
      DB.prepare("INSERT INTO user_subscriptions (id, tenant_id, plan_id, source, status, external_id, cancel_at_period_end, created_at, updated_at) SELECT ?, ?, id, 'apple', ?, ?, ?, 0, 0 FROM plans LIMIT 1").bind(crypto.randomUUID(), user.userId, status, external, cancels).run();
    const [renews, ended, ends] = [`a${user.username}`, `b${user.username}`, `c${user.username}`];
    await Promise.all([subscribe(renews, "grace", 0), subscribe(ended, "expired", 0), subscribe(ends, "active", 1)]);
    const addon = `d${user.username}`;
    await DB.prepare("INSERT INTO user_cloud_vm_addons (id, tenant_id, source, external_id, status, provider_read_at, created_at, updated_at) VALUES (?1, ?2, 'apple', ?1, 'active', 0, 0, 0)").bind(addon, user.userId).run();
    const { body } = await remove(user, user.email);
    const payments = body.steps.find(({ name }) => name === "payments");
    expect(payments).toMatchObject({ ok: false, detail: expect.stringContaining(`${renews}, ${addon}`) as unknown });
    for (const other of [ended, ends]) expect(payments?.detail).not.toContain(other);
  });

  it("needs the very address, and never meets an administrator", async () => {
    const user = await signUpUser();
    expect(await remove(user, "somebody@example.org")).toMatchObject({ status: 400, body: { code: "confirmation_mismatch" } });
    expect((await api("DELETE", `/api/v1/admin/users/${user.userId}`, { token: admin.accessToken })).status).toBe(422);
    expect(await remove(admin, admin.email)).toMatchObject({ status: 409, body: { code: "user_is_admin" } });
    expect(await remove(user, user.email, user)).toMatchObject({ status: 403, body: { code: "forbidden" } });
    expect(await remove({ userId: 999_999_999 }, user.email)).toMatchObject({ status: 404, body: { code: "not_found" } });
    expect((await api("GET", "/api/v1/user/profile", { token: user.accessToken })).status).toBe(200);
  });
});
