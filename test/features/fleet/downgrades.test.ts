import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { createSystemContext } from "../../../src/context";
import type { Env } from "../../../src/env";
import { checkCapacityJob, endGraceJob, enqueueChecks, enqueueGraceEnds, followPlanChange } from "../../../src/fleet/downgrades";
import { forgetEntitlements } from "../../../src/fleet/plans";
import type { Ctx } from "../../../src/kernel/context";
import type { Job } from "../../../src/kernel/ports/services";
import { insertBot } from "../../support/bots";
import { api, expectStatus, mintToken, signUpUser, uniqueName, type TestUser } from "../../support/client";
import { beat, registerMachine } from "../../support/machines";

const bindings = env as unknown as Env;
const { DB } = bindings;
const DAY = 86_400_000;

interface Feature {
  readonly feature: string;
  readonly limit: number;
  readonly current_count: number;
  readonly items: readonly { readonly id: string; readonly kind: string; readonly last_seen: string | null }[];
  readonly resolved: boolean;
}
interface Active {
  readonly request_id: string;
  readonly from_plan: string;
  readonly to_plan: string;
  readonly reason: string;
  readonly initiated_at: string;
  readonly grace_ends_at: string;
  readonly grace_ended_at: string | null;
  readonly features: readonly Feature[];
  readonly feature: string | null;
  readonly items: readonly unknown[];
}

/** A context of the cron or the queue whose clock goes ahead; what it enqueues is kept. */
function later(ms = 0): { readonly ctx: Ctx; readonly jobs: Job[] } {
  const jobs: Job[] = [];
  const base = createSystemContext(bindings, { waitUntil: () => undefined }, "test", uniqueName("req"));
  const services = { ...base.services, jobs: { send: async (job: Job) => void jobs.push(job) } };
  return { jobs, ctx: { ...base, db: base.db, services, clock: { now: () => Date.now() + ms } } };
}

let admin: TestUser;
beforeAll(async () => {
  admin = await signUpUser();
  await DB.prepare("UPDATE users SET role = 'admin' WHERE id = ?").bind(admin.userId).run();
});

/** Somebody whom an operator gave `plan`, with `bots` bots. */
async function person(plan: string, bots: number): Promise<{ readonly user: TestUser; readonly bots: readonly string[] }> {
  const user = await signUpUser();
  await DB.prepare("UPDATE users SET plan_key = ? WHERE id = ?").bind(plan, user.userId).run();
  forgetEntitlements(user.userId);
  const made: string[] = [];
  for (let i = 0; i < bots; i++) made.push((await insertBot(user, { created_at: 1_000 + i })).id);
  return { user, bots: made };
}

const active = async (user: TestUser): Promise<Active | null> => (await api<Active | null>("GET", "/api/v1/me/downgrade-requests/active", { token: user.accessToken })).body;
const down = (user: TestUser, plan: string) => api<Active & { code: string }>("POST", "/api/v1/me/subscription/downgrade", { token: user.accessToken, body: { to_plan: plan } });
const resolve = (user: TestUser, id: string, keepIds: readonly string[], feature = "max_bots") => api("POST", `/api/v1/me/downgrade-requests/${id}/resolve`, { token: user.accessToken, body: { feature, keep_ids: keepIds } });
const asAdmin = <T = Record<string, unknown>>(method: string, path: string, body?: unknown) => api<T>(method, `/api/v1/admin${path}`, { token: admin.accessToken, body });
const impose = (user: TestUser, plan: string, force = false) => asAdmin<Active>("POST", `/users/${user.userId}/subscription/downgrade`, { to_plan: plan, force_immediate: force });
const parked = async (user: TestUser): Promise<string[]> => (await DB.prepare("SELECT id FROM bots WHERE tenant_id = ? AND plan_disabled_at IS NOT NULL ORDER BY created_at").bind(user.userId).all<{ id: string }>()).results.map(({ id }) => id);
const planOf = async (user: TestUser): Promise<string> => {
  const rows = await DB.prepare("SELECT p.key FROM user_subscriptions s JOIN plans p ON p.id = s.plan_id WHERE s.tenant_id = ? AND s.status = 'active' ORDER BY s.created_at DESC LIMIT 1").bind(user.userId).first<string>("key");
  return rows ?? (await DB.prepare("SELECT plan_key FROM users WHERE id = ?").bind(user.userId).first<string>("plan_key")) ?? "free";
};
const subscriptions = async (user: TestUser) => (await DB.prepare("SELECT id, plan_id, source, status, downgrade_request_id, status_before FROM user_subscriptions WHERE tenant_id = ? ORDER BY id").bind(user.userId).all()).results;
const actions = async (user: TestUser): Promise<string[]> => (await DB.prepare("SELECT action FROM audit_log WHERE tenant_id = ? AND (action LIKE 'downgrade.%' OR action LIKE 'plan.%') ORDER BY id").bind(user.userId).all<{ action: string }>()).results.map(({ action }) => action);
const planId = async (key: string): Promise<number> => (await DB.prepare("SELECT id FROM plans WHERE key = ?").bind(key).first<number>("id")) ?? 0;

/** A row as a provider's reading leaves it. */
async function subscribe(user: TestUser, plan: string, columns: Readonly<Record<string, string | number | null>> = {}): Promise<void> {
  const row = { id: crypto.randomUUID(), tenant_id: user.userId, plan_id: await planId(plan), source: "apple", status: "active", external_id: uniqueName("sub"), created_at: Date.now(), updated_at: Date.now(), ...columns };
  await DB.prepare(`INSERT INTO user_subscriptions (${Object.keys(row).join(", ")}) VALUES (${Object.keys(row).map(() => "?").join(", ")})`).bind(...Object.values(row)).run();
  forgetEntitlements(user.userId);
}
const changed = async (user: TestUser, from: string, trigger: string, ms = 0): Promise<void> => followPlanChange(later(ms).ctx, { userId: user.userId, fromPlanId: await planId(from), trigger }, uniqueName("eff"));

describe("a person's own downgrade", () => {
  it("opens one request, takes nothing during the grace, obeys the lower plan for what is new, and is resolved by a choice", async () => {
    const { user, bots } = await person("pro", 7);
    expect(await active(user)).toBeNull();
    expect(await down(user, "team")).toMatchObject({ status: 422 });
    expect(await down(user, "pro")).toMatchObject({ status: 422 });
    expect(await down(user, "nonsense")).toMatchObject({ status: 422 });
    const { body } = await down(user, "solo");
    expect(body).toMatchObject({ from_plan: "pro", to_plan: "solo", reason: "user_manual", grace_ended_at: null, feature: "max_bots", limit: 5, current_count: 7, features: [{ feature: "max_bots", limit: 5, current_count: 7, resolved: false }] });
    expect(Date.parse(body.grace_ends_at) - Date.parse(body.initiated_at)).toBe(7 * DAY);
    expect(body.items).toHaveLength(7);
    expect((await down(user, "free")).body.request_id).toBe(body.request_id);
    expect(await parked(user)).toEqual([]);
    expect(await planOf(user)).toBe("pro");

    const other = await signUpUser();
    expect(await resolve(other, body.request_id, [])).toMatchObject({ status: 404, body: { code: "not_found" } });
    expect(await resolve(user, crypto.randomUUID(), [])).toMatchObject({ status: 404 });
    expect(await resolve(user, body.request_id, ["stranger"])).toMatchObject({ status: 422 });
    expect(await resolve(user, body.request_id, bots.slice(0, 6))).toMatchObject({ status: 422 });
    expect(await resolve(user, body.request_id, [], "storage_mb")).toMatchObject({ status: 422 });
    // A feature that fits loses nothing, whatever is kept of it.
    expect(await resolve(user, body.request_id, [], "multiple_openclaw_instances")).toMatchObject({ status: 200, body: { resolved_at: null, disabled: [], remaining_features_over_cap: ["max_bots"] } });

    const kept = bots.slice(2);
    expect(await resolve(user, body.request_id, kept)).toMatchObject({ status: 200, body: { request_id: body.request_id, resolution: "user_resolved", feature: "max_bots", kept, disabled: bots.slice(0, 2), remaining_features_over_cap: [] } });
    expect(await parked(user)).toEqual(bots.slice(0, 2));
    expect(await planOf(user)).toBe("solo");
    expect(await active(user)).toBeNull();
    expect(await resolve(user, body.request_id, kept)).toMatchObject({ status: 409, body: { code: "request_resolved" } });
    expect(await actions(user)).toEqual(["downgrade.request", "downgrade.resolve", "downgrade.resolve"]);
  });

  it("answers null when everything fits, and the plan is lower then", async () => {
    const { user } = await person("pro", 1);
    expect(await down(user, "solo")).toMatchObject({ status: 200, body: null });
    expect(await planOf(user)).toBe("solo");
  });

  it("is Apple's to make when Apple is paid, and changes nothing when Stripe is not there", async () => {
    const { user } = await person("free", 4);
    await subscribe(user, "pro");
    expect(await down(user, "free")).toMatchObject({ status: 409, body: { code: "managed_by_apple" } });
    await DB.prepare("UPDATE user_subscriptions SET source = 'stripe' WHERE tenant_id = ?").bind(user.userId).run();
    forgetEntitlements(user.userId);
    for (const plan of ["free", "solo"]) expect(await down(user, plan)).toMatchObject({ status: 503, body: { code: "dependency_unavailable" } });
    expect([await active(user), await actions(user)]).toEqual([null, []]);
  });

  it("makes one request of many taps", async () => {
    const { user } = await person("pro", 7);
    const answers = await Promise.all([down(user, "solo"), down(user, "solo"), down(user, "solo")]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(new Set(answers.map(({ body }) => body.request_id)).size).toBe(1);
  });
});

describe("the end of a grace", () => {
  it("keeps what was active last, of machines too, and may come twice", async () => {
    const { user, bots } = await person("pro", 3);
    const { token } = await mintToken(user);
    const machines = [await registerMachine(user), await registerMachine(user), await registerMachine(user)];
    await beat(token, machines[1] ?? "");
    const request = (await down(user, "free")).body;
    expect(request.features.map(({ feature, current_count: n }) => [feature, n])).toEqual([["multiple_openclaw_instances", 3], ["max_bots", 3]]);
    const early = later(6 * DAY);
    await enqueueGraceEnds(early.ctx);
    expect(early.jobs.map(({ payload }) => payload)).not.toContain(request.request_id);
    await endGraceJob(early.ctx, request.request_id);
    expect(await parked(user)).toEqual([]);

    const { ctx, jobs } = later(7 * DAY + 1_000);
    await enqueueGraceEnds(ctx);
    expect(jobs.filter(({ payload }) => payload === request.request_id)).toMatchObject([{ type: "downgrade.grace_end" }]);
    await endGraceJob(ctx, request.request_id);
    await endGraceJob(ctx, request.request_id);
    expect(await parked(user)).toEqual(bots.slice(0, 1));
    const status = await expectStatus<{ instances: { instance_id: string; plan_disabled: boolean }[] } | { instance_id: string; plan_disabled: boolean }[]>(200, "GET", "/api/v1/openclaw/status", { token: user.accessToken });
    const list = Array.isArray(status) ? status : status.instances;
    expect(list.filter((one) => !one.plan_disabled).map((one) => one.instance_id)).toEqual([machines[1]]);
    expect(await DB.prepare("SELECT resolution FROM downgrade_requests WHERE id = ?").bind(request.request_id).first("resolution")).toBe("auto_resolved");
    expect(await planOf(user)).toBe("free");
    expect(await actions(user)).toEqual(["downgrade.request", "downgrade.auto_resolve"]);
  });

  it("leaves a parked machine its heartbeat and nothing else", async () => {
    const { user, bots } = await person("team", 1);
    const { token } = await mintToken(user);
    const machine = await registerMachine(user);
    await DB.prepare("UPDATE instances SET plan_disabled_at = 1 WHERE instance_id = ?").bind(machine).run();
    await beat(token, machine);
    const command = { instance_id: machine, command_type: "restart_gateway" };
    expect(await api("POST", "/api/v1/dashboard/commands", { token: user.accessToken, body: command })).toMatchObject({ status: 403, body: { code: "instance_disabled_by_plan" } });
    expect(await api("POST", "/api/v1/pairing/create", { token: user.accessToken, body: { bot_id: bots[0], target_instance_id: machine } })).toMatchObject({ status: 403, body: { code: "instance_disabled_by_plan" } });
    await registerMachine(user, { instance_id: machine });
    expect(await DB.prepare("SELECT plan_disabled_at FROM instances WHERE instance_id = ?").bind(machine).first("plan_disabled_at")).toBe(1);
  });
});

describe("a payment that failed", () => {
  it("asks during its grace, and nothing is asked any more once it is made up for", async () => {
    const { user } = await person("free", 4);
    const graceUntil = Date.now() + 3 * DAY;
    await subscribe(user, "pro", { status: "past_due", grace_until: graceUntil });
    await changed(user, "pro", "payment_failed");
    await changed(user, "pro", "payment_failed");
    expect(await active(user)).toMatchObject({ reason: "payment_failure", from_plan: "pro", to_plan: "free", grace_ends_at: new Date(graceUntil).toISOString() });
    await DB.prepare("UPDATE user_subscriptions SET status = 'active', grace_until = NULL WHERE tenant_id = ?").bind(user.userId).run();
    await changed(user, "pro", "stripe");
    expect(await active(user)).toBeNull();
    expect(await DB.prepare("SELECT resolution FROM downgrade_requests WHERE tenant_id = ?").bind(user.userId).first("resolution")).toBe("re_upgraded");
  });

  it("takes its plan with it when nobody paid, and paying later brings back what went", async () => {
    const { user, bots } = await person("free", 4);
    await subscribe(user, "pro", { status: "past_due", grace_until: Date.now() + DAY });
    await changed(user, "pro", "payment_failed");
    const request = await active(user);
    await endGraceJob(later(DAY + 1_000).ctx, request?.request_id);
    expect(await parked(user)).toEqual(bots.slice(0, 2));
    await DB.prepare("UPDATE user_subscriptions SET status = 'active', grace_until = NULL WHERE tenant_id = ?").bind(user.userId).run();
    await changed(user, "free", "stripe");
    const upgrade = await expectStatus<{ trigger: string; features: { parked_items: { id: string }[] }[] }>(200, "GET", "/api/v1/me/upgrade-requests/active", { token: user.accessToken });
    expect(upgrade.features[0]?.parked_items.map(({ id }) => id)).toEqual(bots.slice(0, 2));
  });
});

describe("administrators", () => {
  it("take somebody down at once, see what is asked, and take it back exactly", async () => {
    const { user, bots } = await person("free", 7);
    await subscribe(user, "pro");
    const before = await subscriptions(user);
    expect(await asAdmin("GET", `/users/${user.userId}/downgrade-preview`)).toMatchObject({ status: 200, body: null });
    expect(await impose(user, "team")).toMatchObject({ status: 422 });
    expect(await asAdmin("POST", "/users/999999999/subscription/downgrade", { to_plan: "free" })).toMatchObject({ status: 404 });
    const { body } = await impose(user, "solo", true);
    expect(body).toMatchObject({ reason: "admin_manual", to_plan: "solo" });
    expect(body.grace_ended_at).not.toBeNull();
    expect(await planOf(user)).toBe("solo");
    expect((await subscriptions(user)).map(({ source, status }) => [source, status]).sort()).toEqual([["admin_override", "active"], ["apple", "canceled"]]);
    expect((await asAdmin<Active>("GET", `/users/${user.userId}/downgrade-preview`)).body.request_id).toBe(body.request_id);
    expect((await impose(user, "free")).body.request_id).toBe(body.request_id);
    const path = `/users/${user.userId}/downgrade-requests/${body.request_id}`;
    expect(await asAdmin("POST", `${path}/resolve`, { feature: "max_bots", keep_ids: bots.slice(0, 5) })).toMatchObject({ status: 200, body: { resolution: "admin_resolved", disabled: bots.slice(5) } });
    expect(await DB.prepare("SELECT resolved_by_admin_id FROM downgrade_requests WHERE id = ?").bind(body.request_id).first("resolved_by_admin_id")).toBe(admin.userId);
    expect(await parked(user)).toEqual(bots.slice(5));

    expect(await asAdmin("DELETE", path)).toMatchObject({ status: 200, body: { ok: true, plan: "pro", still_disabled: [] } });
    expect(await subscriptions(user)).toEqual(before);
    expect(await parked(user)).toEqual([]);
    expect(await asAdmin("DELETE", path)).toMatchObject({ status: 404 });
    expect(await actions(user)).toEqual(["downgrade.request", "downgrade.resolve", "downgrade.cancel"]);
  });

  it("leave the plan as it is without force when everything fits, and lower it with force", async () => {
    const { user } = await person("pro", 1);
    expect(await impose(user, "solo")).toMatchObject({ status: 200, body: null });
    expect(await planOf(user)).toBe("pro");
    expect(await impose(user, "solo", true)).toMatchObject({ status: 200, body: null });
    expect(await planOf(user)).toBe("solo");
  });

  it("lower the plan after the grace otherwise, and take that back too", async () => {
    const { user, bots } = await person("pro", 7);
    const { body } = await impose(user, "solo");
    expect(await planOf(user)).toBe("pro");
    await endGraceJob(later(7 * DAY + 1_000).ctx, body.request_id);
    expect([await planOf(user), await parked(user)]).toEqual(["solo", bots.slice(0, 2)]);
    await asAdmin("DELETE", `/users/${user.userId}/downgrade-requests/${body.request_id}`);
    expect([await planOf(user), await parked(user), await subscriptions(user)]).toEqual(["pro", [], []]);
  });

  it("raise a plan: the open downgrade ends, what it took comes back", async () => {
    const { user, bots } = await person("solo", 4);
    // Two features are asked about, so that one choice leaves the request open.
    for (let i = 0; i < 2; i++) await registerMachine(user);
    const { body } = await down(user, "free");
    await resolve(user, body.request_id, bots.slice(0, 2));
    expect(await parked(user)).toEqual(bots.slice(2));
    expect(await api("POST", "/api/v1/openclaw/register", { token: user.accessToken, body: { instance_id: uniqueName("openclaw-"), label: "den", version: "1.0.0" } })).toMatchObject({ status: 403, body: { code: "plan_limit", limit: 1 } });
    await DB.prepare("UPDATE users SET subscription_price_id = 'price_old' WHERE id = ?").bind(user.userId).run();
    const raise = (plan: string) => asAdmin("POST", `/users/${user.userId}/subscription/upgrade`, { to_plan: plan });
    expect(await raise("free")).toMatchObject({ status: 422 });
    const answer = await raise("pro");
    expect(answer).toMatchObject({ status: 200, body: { ok: true, from_plan: "solo", to_plan: "pro", re_upgraded_request_id: body.request_id, upgrade_request_id: null } });
    expect([await planOf(user), await parked(user)]).toEqual(["pro", []]);
    expect(await active(user)).toBeNull();
    expect(await DB.prepare("SELECT subscription_price_id FROM users WHERE id = ?").bind(user.userId).first("subscription_price_id")).toBeNull();
    expect(await raise("pro")).toMatchObject({ status: 422 });
    expect(await actions(user)).toContain("plan.raise");
  });

  it("list requests of everybody, and who is over capacity, a page at a time", async () => {
    const { user } = await person("free", 3);
    const flagged = await person("pro", 7);
    const { body } = await down(flagged.user, "solo");
    const report = await asAdmin<{ items: { user_id: number; feature: string; limit: number; current_count: number; active_request_id: string | null }[]; next: string | null }>("GET", "/over-capacity?limit=500");
    expect(report.body.items.find((one) => one.user_id === user.userId)).toMatchObject({ feature: "max_bots", plan: "free", limit: 2, current_count: 3, active_request_id: null });
    expect(report.body.items.find((one) => one.user_id === flagged.user.userId)).toMatchObject({ feature: "max_bots", plan: "solo", limit: 5, current_count: 7, active_request_id: body.request_id });
    const paged: number[] = [];
    for (let next: string | null = ""; next !== null; ) {
      const page: typeof report = await asAdmin("GET", `/over-capacity?limit=1${next === "" ? "" : `&after=${next}`}`);
      paged.push(...page.body.items.map((one) => one.user_id));
      next = page.body.next;
    }
    expect(paged).toEqual(report.body.items.map((one) => one.user_id));

    const open = await asAdmin<{ items: { id: string; email: string; from_plan: string }[]; total: number }>("GET", "/downgrade-requests?status=open&reason=user_manual&limit=200");
    expect(open.body.items.find(({ id }) => id === body.request_id)).toMatchObject({ email: flagged.user.email, from_plan: "pro", to_plan: "solo", reason: "user_manual" });
    expect((await asAdmin<{ items: { id: string }[] }>("GET", "/downgrade-requests?status=resolved&limit=200")).body.items.map(({ id }) => id)).not.toContain(body.request_id);
    for (const query of ["status=odd", "reason=admin_manual", "limit=201", "page=0"]) expect((await asAdmin("GET", `/downgrade-requests?${query}`)).status).toBe(422);

    await DB.prepare("UPDATE users SET username = '-' || sub WHERE id IN (?, ?)").bind(user.userId, flagged.user.userId).run();
    expect((await asAdmin<typeof report.body>("GET", "/over-capacity?limit=500")).body.items.find((one) => one.user_id === user.userId)).toMatchObject({ username: "" });
    expect((await asAdmin<typeof open.body>("GET", "/downgrade-requests?status=open&reason=user_manual&limit=200")).body.items.find(({ id }) => id === body.request_id)).toMatchObject({ email: flagged.user.email, username: null });

    // Whoever has no request gets one with the hour's tick.
    const { ctx, jobs } = later();
    await enqueueChecks(ctx);
    expect(jobs.filter(({ payload }) => payload === user.userId)).toMatchObject([{ type: "downgrade.check" }]);
    await checkCapacityJob(ctx, user.userId);
    await checkCapacityJob(ctx, user.userId);
    expect(await active(user)).toMatchObject({ to_plan: "free", features: [{ feature: "max_bots", limit: 2, current_count: 3 }] });
  });
});
