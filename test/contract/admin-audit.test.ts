import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import type { Env } from "../../src/env";
import { fleet } from "../../src/fleet";
import { insertBot } from "../support/bots";
import { BASE_URL, expectStatus, logIn, signUpUser, uniqueIp, uniqueName, type TestUser } from "../support/client";
import { registerMachine } from "../support/machines";
import { hireStaff, type Staff } from "../support/ops";
import { setPlan } from "../support/plans";
import { fetchUnder } from "../support/promises";

/**
 * Every write of an administrator leaves one row that tells who did what to what, as it was before and as it is now, and no secret. The table is
 * held against the registry, so that a new write is missed here on the day it is added.
 */

const bindings = env as unknown as Env;
const { DB } = bindings;
const ADMIN = "/api/v1/admin";
const PASSWORD = "a sett of one's own 7";

interface Act {
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** What the row is about, `type:id`. */
  readonly subject: string | RegExp;
  /** Parts of `detail.before` and `detail.after`, null where there is nothing. */
  readonly before?: unknown;
  readonly after?: unknown;
  /** Must be nowhere in the row. */
  readonly secrets?: readonly string[];
  /** Who acts; an administrator of the kind that the record asks for unless told. */
  readonly by?: TestUser;
  /** Other settings that the worker runs under. */
  readonly under?: Partial<Env>;
}

let staff: Staff;
beforeAll(async () => {
  staff = await hireStaff();
});

const subOf = async (user: Pick<TestUser, "userId">): Promise<string> => (await DB.prepare("SELECT sub FROM users WHERE id = ?").bind(user.userId).first<string>("sub")) ?? "";
const account = async (user: Pick<TestUser, "userId">): Promise<string> => `account:${await subOf(user)}`;
const users = (user: Pick<TestUser, "userId">, rest = ""): string => `${ADMIN}/users/${user.userId}${rest}`;
const asSuper = <T = Record<string, unknown>>(method: string, path: string, body?: unknown) => expectStatus<T>(200, method, path, { token: staff.superadmin.accessToken, body });

/** Somebody on a plan with more machines than the free one lets them have. */
async function crowded(): Promise<TestUser & { readonly machines: readonly string[] }> {
  const user = await signUpUser();
  await setPlan(user, "team");
  const machines = [await registerMachine(user), await registerMachine(user), await registerMachine(user)];
  return { ...user, machines };
}
async function askedDown(): Promise<{ readonly user: TestUser; readonly requestId: string; readonly machines: readonly string[] }> {
  const user = await crowded();
  const { request_id: requestId } = await asSuper<{ request_id: string }>("POST", users(user, "/subscription/downgrade"), { to_plan: "free" });
  return { user, requestId, machines: user.machines };
}
async function featuredRoom(): Promise<string> {
  const room = `!${uniqueName("room")}:sett.test`;
  await DB.prepare("INSERT INTO featured_rooms (room_id, display_name, description, display_order, created_at, updated_at) VALUES (?, 'Den', NULL, 4, 0, 0)").bind(room).run();
  return room;
}
async function report(): Promise<number> {
  return (await expectStatus<{ id: number }>(201, "POST", "/api/v1/support/report", { token: staff.nobody.accessToken, body: { text: "it is silent" } })).id;
}
async function compatRun(version = uniqueName("v")): Promise<{ readonly id: number; readonly version: string }> {
  const id = await DB.prepare("INSERT INTO compat_runs (runtime, openclaw_version, plugin_version, cli_version, result, scenarios, started_at, finished_at, created_at, updated_at) VALUES ('openclaw', ?, '1', '1', 'pass', '[]', 1, 2, 3, 3) RETURNING id").bind(version).first<number>("id");
  return { id: Number(id), version };
}
async function buried(): Promise<string> {
  const id = uniqueName("job");
  await DB.prepare("INSERT INTO dead_letters (id, type, payload, reason, created_at) VALUES (?, 'bot.settle', ?, 'retries are used up', 0)").bind(id, JSON.stringify({ v: 1, id, type: "bot.settle", payload: { botId: "b-1", token: "sesame" } })).run();
  return id;
}
async function parked(): Promise<string> {
  const id = uniqueName("eff");
  await DB.prepare("INSERT INTO outbox (id, type, payload, attempts, due_at, created_at, parked_at, last_error) VALUES (?, 'streams.cut', '{}', 9, 0, 0, 1, 'no')").bind(id).run();
  return id;
}
async function feature(): Promise<{ readonly id: number; readonly key: string }> {
  const key = uniqueName("depth");
  const { feature: made } = await asSuper<{ feature: { id: number } }>("POST", `${ADMIN}/features`, { key, name: "Depth", feature_type: "limit", default_value: "3" });
  return { id: made.id, key };
}

/** What only the homeserver or another outside system can do: test/homeserver and the feature's own story ask for these rows. */
const OUTSIDE: readonly string[] = [
  "fleet.admin-jobs.refresh-matrix-status",
  "fleet.admin-user-matrix.activate",
  "fleet.admin-user-matrix.create",
  "fleet.admin-user-matrix.deactivate",
  "fleet.admin-user-matrix.recreate",
  "fleet.compat-runs.dispatch",
  "fleet.featured-rooms.create",
  "fleet.featured-rooms.feature-room",
  "fleet.matrix-admin.deactivate-user",
  "fleet.matrix-admin.delete-room",
  "fleet.matrix-admin.reset-password",
  "fleet.matrix-admin.test-endpoint",
];

/** Change nothing that could be shown before and after. */
const ACTS_WITHOUT_CHANGE: readonly string[] = ["fleet.admin-sessions.create", "fleet.admin-sessions.refresh", "fleet.compat-runs.record", "fleet.notifications.sendTest", "fleet.uploads.issueDocumentUrl"];

const HOOK_SECRET = "compat-webhook-secret-of-tests";
const REDACTED = { password: "[redacted]" };

/** One success of every other write, by the record's id. */
const ACTS: Readonly<Record<string, () => Promise<Act>>> = {
  "fleet.admin-sessions.create": async () => ({ path: `${ADMIN}/login`, body: { email: staff.admin.email, password: staff.admin.password }, subject: /^account:/, secrets: [staff.admin.password] }),
  "fleet.admin-sessions.refresh": async () => {
    const { refresh_token: token } = await expectStatus<{ refresh_token: string }>(200, "POST", `${ADMIN}/login`, { body: { email: staff.admin.email, password: staff.admin.password } });
    return { path: `${ADMIN}/refresh`, body: { refresh_token: token, email: staff.admin.email }, subject: /^session:/, secrets: [token] };
  },
  "fleet.admin-sessions.logout": async () => {
    const person = await signUpUser();
    await asSuper("POST", `${ADMIN}/ops/admins`, { email: person.email, role: "admin" });
    return { path: `${ADMIN}/logout`, subject: /^account:/, before: { token_epoch: expect.any(Number) }, after: { token_epoch: expect.any(Number) }, by: await logIn(person) };
  },
  "fleet.admin-users.create": async () => {
    const email = `${uniqueName()}@example.org`;
    return { path: `${ADMIN}/users`, body: { email, name: "Nora" }, subject: /^account:/, before: null, after: { email, name: "Nora", invited: true } };
  },
  "fleet.admin-users.update": async () => {
    const user = await signUpUser();
    return { path: users(user), body: { display_name: "Nora", account_verified: false }, subject: await account(user), before: { display_name: null, account_verified: true }, after: { display_name: "Nora", account_verified: false } };
  },
  "fleet.admin-users.deactivate": async () => {
    const user = await signUpUser();
    return { path: users(user, "/deactivate"), subject: await account(user), before: { status: "active" }, after: { status: "deactivated" } };
  },
  "fleet.admin-users.activate": async () => {
    const user = await signUpUser();
    await asSuper("POST", users(user, "/deactivate"));
    return { path: users(user, "/activate"), subject: await account(user), before: { status: "deactivated" }, after: { status: "active" } };
  },
  "fleet.admin-users.set-password": async () => {
    const user = await signUpUser();
    return { path: users(user, "/reset-password"), body: { new_password: PASSWORD }, subject: await account(user), before: REDACTED, after: REDACTED, secrets: [PASSWORD, user.password] };
  },
  "fleet.admin-users.sign-out-all": async () => {
    const user = await signUpUser();
    return { path: users(user, "/sign-out-all"), subject: await account(user), before: { token_epoch: expect.any(Number) }, after: { token_epoch: expect.any(Number) }, secrets: [user.accessToken, user.refreshToken] };
  },
  "fleet.user-removal.remove": async () => {
    const user = await signUpUser();
    return { path: `${users(user)}?confirm_email=${user.email}`, subject: await account(user), before: { user_id: user.userId, email: user.email, status: "active" }, after: null };
  },
  "fleet.administrators.appoint": async () => {
    const user = await signUpUser();
    return { path: `${ADMIN}/ops/admins`, body: { email: user.email, role: "admin" }, subject: await account(user), before: { role: "user" }, after: { role: "admin" } };
  },
  "fleet.administrators.dismiss": async () => {
    const user = await signUpUser();
    await asSuper("POST", `${ADMIN}/ops/admins`, { email: user.email, role: "admin" });
    return { path: `${ADMIN}/ops/admins/${user.userId}`, subject: await account(user), before: { role: "admin" }, after: { role: "user" } };
  },
  "fleet.admin-bots.migrate-runtime": async () => {
    const user = await signUpUser();
    const bot = await insertBot(user, { runtime: "hermes" });
    return { path: `${ADMIN}/bots/${bot.id}/migrate-runtime`, body: { runtime: "openclaw" }, subject: `bot:${bot.id}`, before: { runtime: "hermes" }, after: { runtime: "openclaw" } };
  },
  "fleet.admin-instances.delete": async () => {
    const id = await registerMachine(await signUpUser());
    return { path: `${ADMIN}/openclaw/instances/${id}`, subject: `instance:${id}`, before: { label: expect.any(String), bots: [] }, after: null };
  },
  "fleet.downgrades.raise-plan": async () => {
    const user = await signUpUser();
    await setPlan(user, "free");
    return { path: users(user, "/subscription/upgrade"), body: { to_plan: "team" }, subject: `user:${user.userId}`, before: { plan: expect.any(String) }, after: { plan: "team" } };
  },
  "fleet.downgrades.impose": async () => {
    const user = await crowded();
    return { path: users(user, "/subscription/downgrade"), body: { to_plan: "free" }, subject: /^downgrade_request:/, before: { plan: "team" }, after: { plan: "team", to_plan: "free" } };
  },
  "fleet.downgrades.resolve-for": async () => {
    const { user, requestId, machines } = await askedDown();
    return { path: users(user, `/downgrade-requests/${requestId}/resolve`), body: { feature: "multiple_openclaw_instances", keep_ids: machines.slice(0, 1) }, subject: `downgrade_request:${requestId}`, before: expect.anything(), after: expect.anything() };
  },
  "fleet.downgrades.cancel": async () => {
    const { user, requestId } = await askedDown();
    return { path: users(user, `/downgrade-requests/${requestId}`), subject: `downgrade_request:${requestId}`, before: { plan: "team" }, after: { plan: "team" } };
  },
  "fleet.plan-admin.update-plan": async () => {
    const { id, description } = (await DB.prepare("SELECT id, description FROM plans WHERE key = 'solo'").first<{ id: number; description: string | null }>()) ?? { id: 0, description: null };
    return { path: `${ADMIN}/plans/${id}`, body: { description: "for one" }, subject: `plan:${id}`, before: { description }, after: { description: "for one" } };
  },
  "fleet.plan-admin.set-plan-feature": async () => {
    const { id } = await feature();
    const plan = await DB.prepare("SELECT id FROM plans WHERE key = 'solo'").first<number>("id");
    return { path: `${ADMIN}/plan-features`, body: { plan_id: plan, feature_id: id, value: "7" }, subject: `plan:${plan}`, before: null, after: { value: "7" } };
  },
  "fleet.plan-admin.create-feature": async () => {
    const key = uniqueName("depth");
    return { path: `${ADMIN}/features`, body: { key, name: "Depth", feature_type: "limit", default_value: "3" }, subject: `feature:${key}`, before: null, after: { key, name: "Depth" } };
  },
  "fleet.plan-admin.delete-feature": async () => {
    const { id, key } = await feature();
    return { path: `${ADMIN}/features/${id}`, subject: `feature:${key}`, before: { key, name: "Depth" }, after: null };
  },
  "fleet.plan-admin.update-addon": async () => {
    const id = await DB.prepare("SELECT id FROM subscription_addons").first<number>("id");
    return { path: `${ADMIN}/subscription-addons/${id}`, body: { display_name: uniqueName("Addon") }, subject: `subscription_addon:${id}`, before: expect.anything(), after: expect.anything() };
  },
  "fleet.versions.set": async () => ({ path: `${ADMIN}/supported-versions`, body: { component: "plugin", version: "7.4.2" }, subject: "supported_version:plugin", before: null, after: { version: "7.4.2" } }),
  "fleet.compat-runs.record": async () => ({
    path: `${ADMIN}/compat-runs`,
    body: { openclaw_version: uniqueName("v"), plugin_version: "1", cli_version: "1", started_at: "2026-01-01T00:00:00Z", finished_at: "2026-01-01T00:01:00Z", result: "pass", scenarios: [] },
    headers: { "x-compat-webhook-secret": HOOK_SECRET },
    under: { COMPAT_WEBHOOK_SECRET: HOOK_SECRET },
    subject: /^compat_run:/,
    secrets: [HOOK_SECRET],
  }),
  "fleet.compat-runs.delete": async () => {
    const { id, version } = await compatRun();
    return { path: `${ADMIN}/compat-runs/${id}`, subject: `compat_run:${id}`, before: { openclaw_version: version }, after: null };
  },
  "fleet.compat-runs.delete-version": async () => {
    const { version } = await compatRun();
    return { path: `${ADMIN}/compat-runs?openclaw_version=${version}`, subject: `openclaw_version:${version}`, before: { runs: 1 }, after: { runs: 0 } };
  },
  "fleet.featured-rooms.update": async () => {
    const room = await featuredRoom();
    return { path: `${ADMIN}/featured-rooms/${encodeURIComponent(room)}`, body: { display_name: "The den" }, subject: `matrix_room:${room}`, before: { display_name: "Den", display_order: 4 }, after: { display_name: "The den", display_order: 4 } };
  },
  "fleet.featured-rooms.delete": async () => {
    const room = await featuredRoom();
    return { path: `${ADMIN}/featured-rooms/${encodeURIComponent(room)}`, subject: `matrix_room:${room}`, before: { display_name: "Den" }, after: null };
  },
  "fleet.featured-rooms.unfeature-room": async () => {
    const room = await featuredRoom();
    return { path: `${ADMIN}/matrix/rooms/${encodeURIComponent(room)}/feature`, subject: `matrix_room:${room}`, before: { display_name: "Den" }, after: null };
  },
  "fleet.support-reports.update": async () => {
    const id = await report();
    return { path: `${ADMIN}/support/reports/${id}`, body: { status: "in_progress" }, subject: `support_report:${id}`, before: { status: "open" }, after: { status: "in_progress" } };
  },
  "fleet.support-reports.resolve": async () => {
    const id = await report();
    return { path: `${ADMIN}/support/reports/${id}/resolve`, subject: `support_report:${id}`, before: { status: "open" }, after: { status: "resolved" } };
  },
  "fleet.support-reports.delete": async () => {
    const id = await report();
    return { path: `${ADMIN}/support/reports/${id}`, subject: `support_report:${id}`, before: { status: "open" }, after: null };
  },
  "fleet.notifications.sendTest": async () => {
    const user = await signUpUser();
    const token = uniqueName("device");
    await expectStatus(200, "POST", "/api/v1/push/register", { token: user.accessToken, body: { device_token: token, platform: "ios" } });
    return { path: `${ADMIN}/notifications/test/${user.userId}`, subject: await account(user), secrets: [token] };
  },
  "fleet.uploads.issueDocumentUrl": async () => {
    const key = `verifications/${staff.nobody.userId}/${crypto.randomUUID()}-photo.png`;
    return { path: `${ADMIN}/verification-document-url`, body: { document_url: key }, subject: `file:${key}`, secrets: ["sig="] };
  },
  "fleet.ops-gates.set": async () => {
    const key = uniqueName("gate.g");
    return { path: `${ADMIN}/ops/gates/${key}`, body: { enabled: false, percentage: 5 }, subject: `gate:${key}`, before: null, after: { enabled: false, percentage: 5 } };
  },
  "fleet.ops-gates.delete": async () => {
    const key = uniqueName("gate.g");
    await asSuper("PUT", `${ADMIN}/ops/gates/${key}`, { enabled: false });
    return { path: `${ADMIN}/ops/gates/${key}`, subject: `gate:${key}`, before: { enabled: false }, after: null };
  },
  "fleet.ops-keys.reseal": async () => ({ path: `${ADMIN}/ops/keys/reseal`, subject: /^reseal_run:/, before: null, after: { key_id: expect.any(String) }, secrets: (bindings.SEAL_KEYS ?? "").split(",").map((key) => key.slice(key.indexOf(":") + 1)) }),
  "fleet.ops-dead-letters.retry": async () => {
    const id = await buried();
    return { path: `${ADMIN}/ops/dead-letters/${id}/retry`, subject: `dead_letter:${id}`, before: { type: "bot.settle" }, after: null, secrets: ["sesame"] };
  },
  "fleet.ops-dead-letters.drop": async () => {
    const id = await buried();
    return { path: `${ADMIN}/ops/dead-letters/${id}`, subject: `dead_letter:${id}`, before: { type: "bot.settle" }, after: null, secrets: ["sesame"] };
  },
  "fleet.ops-outbox.retry": async () => {
    const id = await parked();
    return { path: `${ADMIN}/ops/outbox/${id}/retry`, subject: `outbox_effect:${id}`, before: { attempts: 9 }, after: expect.anything() };
  },
  "fleet.ops-outbox.drop": async () => {
    const id = await parked();
    return { path: `${ADMIN}/ops/outbox/${id}`, subject: `outbox_effect:${id}`, before: { attempts: 9 }, after: null };
  },
};

interface Row {
  readonly actor_id: string | null;
  readonly subject_type: string | null;
  readonly subject_id: string | null;
  readonly detail: string;
}

const writes = (await Promise.all(fleet.features.map(async (feature) => (await feature.load()).operations.map(({ spec }) => spec))))
  .flat()
  .filter((op) => op.path.startsWith(`${ADMIN}/`) && op.audit !== undefined);

describe("what administrators do", () => {
  it("is asked of every write there is", () => {
    expect([...Object.keys(ACTS), ...OUTSIDE].sort()).toEqual(writes.map(({ id }) => id).sort());
  });

  it.each(writes.filter(({ id }) => id in ACTS).map((op) => [op.id, op] as const))("%s is written down: who, what, before and after, and no secret", async (id, op) => {
    const act = await ACTS[id]?.();
    if (!act) throw new Error(`no act for ${id}`);
    const by = act.by ?? (op.auth.includes("superadmin") ? staff.superadmin : staff.admin);
    const anybody = op.auth.includes("none");
    const headers = new Headers({ "cf-connecting-ip": uniqueIp(), "content-type": "application/json", ...(anybody ? {} : { authorization: `Bearer ${by.accessToken}` }), ...act.headers });
    const request = new Request(`${BASE_URL}${act.path}`, { method: op.method.toUpperCase(), headers, body: act.body === undefined ? null : JSON.stringify(act.body) });
    const response = await fetchUnder(request, { ...bindings, ...act.under }, { waitUntil: () => undefined });
    expect(response.status, await response.clone().text()).toBe(op.status ?? 200);

    const { results } = await DB.prepare("SELECT * FROM audit_log WHERE request_id = ? AND action = ?").bind(response.headers.get("x-request-id"), op.audit).all<Row & Record<string, unknown>>();
    expect(results).toHaveLength(1);
    const [row] = results;
    if (!row) throw new Error("no row");
    if (!anybody) expect(row.actor_id).toBe(String(by.userId));
    const subject = `${row.subject_type}:${row.subject_id}`;
    if (typeof act.subject === "string") expect(subject).toBe(act.subject);
    else expect(subject).toMatch(act.subject);
    const detail = JSON.parse(row.detail) as Record<string, unknown>;
    if (!ACTS_WITHOUT_CHANGE.includes(id)) {
      expect(Object.keys(detail)).toEqual(expect.arrayContaining(["before", "after"]));
      expect(detail).toMatchObject({ before: act.before, after: act.after });
    }
    const text = JSON.stringify(row);
    for (const secret of [...(act.secrets ?? []), by.accessToken, by.password]) expect(text).not.toContain(secret);
    // Tokens, hashes and keys of ours, whatever field they would be in.
    expect(text).not.toMatch(/sett_cli_|eyJ[\w-]{10,}\.|argon2|-----BEGIN/);
  });
});
