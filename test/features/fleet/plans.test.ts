import { env } from "cloudflare:workers";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { createSystemContext } from "../../../src/context";
import type { Env } from "../../../src/env";
import { forgetEntitlements, getEntitlements } from "../../../src/fleet/plans";
import type { Ctx } from "../../../src/kernel/context";
import { api, BASE_URL, expectStatus, mintToken, signUpUser, uniqueIp, uniqueName, type TestUser } from "../../support/client";
import { insertSubscription, setPlan, setTrialEnd } from "../../support/plans";
import { fetchUnder } from "../../support/promises";

const bindings = env as unknown as Env;
const { DB } = bindings;
const MINUTE_MS = 60_000;

let admin: TestUser;
beforeAll(async () => {
  admin = await signUpUser();
  await DB.prepare("UPDATE users SET role = 'admin' WHERE id = ?").bind(admin.userId).run();
});
afterEach(() => forgetEntitlements(null));

const run = (sql: string, ...values: (string | number | null)[]) =>
  DB.prepare(sql)
    .bind(...values)
    .run();
const asAdmin = <T = Record<string, unknown>>(method: string, path: string, body?: unknown) => api<T>(method, `/api/v1/admin${path}`, { token: admin.accessToken, body });

/** A worker's context whose clock stands at `at`. */
const contextAt = (at: number): Ctx => ({ ...createSystemContext(bindings, { waitUntil: () => undefined }, "test", uniqueName("req")), clock: { now: () => at } });

describe("the plan in force", () => {
  const planAt = async (user: TestUser, at: number, fresh = false) => (await getEntitlements(contextAt(at), user.userId, { fresh })).plan.key;

  it("is remembered for a minute, and forgotten by writes", async () => {
    const user = await signUpUser();
    const now = Date.now();
    expect(await planAt(user, now)).toBe("free_trial");
    await run("UPDATE users SET plan_key = 'pro' WHERE id = ?", user.userId);
    expect(await planAt(user, now + MINUTE_MS - 1)).toBe("free_trial");
    expect(await planAt(user, now + MINUTE_MS)).toBe("pro");
    await run("UPDATE users SET plan_key = 'team' WHERE id = ?", user.userId);
    expect(await planAt(user, now + MINUTE_MS)).toBe("pro");
    expect(await planAt(user, now + MINUTE_MS, true)).toBe("team");
    await run("UPDATE users SET plan_key = 'solo' WHERE id = ?", user.userId);
    forgetEntitlements(user.userId);
    expect(await planAt(user, now + MINUTE_MS)).toBe("solo");
    // A clock that went back trusts nothing from its future.
    await run("UPDATE users SET plan_key = 'free' WHERE id = ?", user.userId);
    expect(await planAt(user, now - 10 * MINUTE_MS)).toBe("free");
  });

  it("is not kept when it was read before a write and arrived after it", async () => {
    const user = await signUpUser();
    const now = Date.now();
    const early = planAt(user, now);
    forgetEntitlements(user.userId);
    await early;
    await run("UPDATE users SET plan_key = 'pro' WHERE id = ?", user.userId);
    expect(await planAt(user, now)).toBe("pro");
  });

  it("ends with the trial and with the grace to the millisecond, whatever is remembered", async () => {
    const user = await signUpUser();
    const now = Date.now();
    await setTrialEnd(user, now + 1_000);
    expect(await planAt(user, now + 999)).toBe("free_trial");
    expect(await planAt(user, now + 1_000)).toBe("free");
    await insertSubscription(user, "pro", { status: "grace", grace_until: now + 2_000 });
    expect(await planAt(user, now + 1_999)).toBe("pro");
    expect(await planAt(user, now + 2_000)).toBe("free");
  });

  it("is that of the newest subscription in force", async () => {
    const user = await signUpUser();
    const now = Date.now();
    await insertSubscription(user, "team", { created_at: now - 3, status: "expired" });
    await insertSubscription(user, "solo", { created_at: now - 2 });
    await insertSubscription(user, "pro", { created_at: now - 1, source: "admin_override" });
    expect(await planAt(user, now)).toBe("pro");
    await run("UPDATE user_subscriptions SET status = 'canceled' WHERE tenant_id = ? AND source = 'admin_override'", user.userId);
    forgetEntitlements(user.userId);
    expect(await planAt(user, now)).toBe("solo");
  });
});

interface Offer {
  readonly id: number;
  readonly name: string;
  readonly stripe_price_id: string | null;
  readonly stripe_price_id_yearly: string | null;
  readonly features: readonly { key: string; value: unknown }[];
}

describe("price lists", () => {
  const pricing = async () => (await expectStatus<{ plans: Offer[] }>(200, "GET", "/api/v1/subscription/pricing")).plans;

  it("show everybody what is for sale", async () => {
    const plans = await pricing();
    expect(plans.map(({ name }) => name)).toEqual(["free", "solo", "pro", "team"]);
    const pro = plans.find(({ name }) => name === "pro");
    expect(pro).toMatchObject({ display_name: "Pro", tier: 3, monthly_web_price: 29, yearly_web_price: 290, ios_price: 29.99 });
    expect(pro?.features).toContainEqual({ key: "max_bots", name: "Bots", feature_type: "limit", value: 25, display_label: null });
    expect(plans.find(({ name }) => name === "team")?.features).toContainEqual(expect.objectContaining({ key: "max_bot_shares", value: -1 }));

    const path = `/plans/${pro?.id}`;
    expect((await asAdmin("POST", path, { is_active: false })).status).toBe(200);
    expect((await pricing()).map(({ name }) => name)).not.toContain("pro");
    expect((await asAdmin("POST", path, { is_active: true })).status).toBe(200);
  });

  it("mark the caller's plan, also one that nobody can buy any more", async () => {
    const user = await signUpUser();
    const list = () => expectStatus<{ current_plan: string; plans: { name: string; is_current: boolean }[] }>(200, "GET", "/api/v1/subscription/plans", { token: user.accessToken });
    const trial = await list();
    expect(trial).toMatchObject({ current_plan: "free_trial" });
    expect(trial.plans.some((plan) => plan.is_current)).toBe(false);
    await setPlan(user, "solo");
    expect((await list()).plans.filter((plan) => plan.is_current).map(({ name }) => name)).toEqual(["solo"]);
    expect((await api("GET", "/api/v1/subscription/plans")).status).toBe(401);
    const { token } = await mintToken(user);
    expect((await api("GET", "/api/v1/subscription/plans", { token })).status).toBe(403);
  });

  it("give the price ids of the mode away, and no others", async () => {
    const solo = (await pricing()).find(({ name }) => name === "solo");
    const prefix = uniqueName("price");
    const ids = { stripe_price_id: `${prefix}-live`, stripe_price_id_yearly: `${prefix}-live-year`, stripe_price_id_sandbox: `${prefix}-test`, stripe_price_id_yearly_sandbox: `${prefix}-test-year` };
    expect((await asAdmin("POST", `/plans/${solo?.id}`, ids)).body).toMatchObject({ ok: true, plan: { name: "solo", ...ids } });
    const under = async (changed: Partial<Env>) => {
      const response = await fetchUnder(new Request(`${BASE_URL}/api/v1/subscription/pricing`, { headers: { "cf-connecting-ip": uniqueIp() } }), { ...bindings, ...changed }, { waitUntil: () => undefined });
      return response.text();
    };
    const [none, live, sandbox] = [await under({}), await under({ STRIPE_SECRET_KEY: "sk_live_x", STRIPE_WEBHOOK_SECRET: "whsec_x" }), await under({ STRIPE_SECRET_KEY: "sk_test_x", STRIPE_WEBHOOK_SECRET: "whsec_x" })];
    for (const text of [none, live]) expect([text.includes(`"${prefix}-live"`), text.includes(`${prefix}-test`)]).toEqual([true, false]);
    expect([sandbox.includes(`${prefix}-live`), sandbox.includes(`"${prefix}-test-year"`)]).toEqual([false, true]);
    await asAdmin("POST", `/plans/${solo?.id}`, Object.fromEntries(Object.keys(ids).map((name) => [name, null])));
  });
});

interface AdminPlans {
  readonly plans: readonly { id: number; name: string; features: readonly { feature_key: string; value: string }[] }[];
  readonly features: readonly { id: number; key: string }[];
}

describe("administrators", () => {
  const plans = async () => (await asAdmin<AdminPlans>("GET", "/plans")).body;
  const idOf = async (name: string) => (await plans()).plans.find((plan) => plan.name === name)?.id ?? 0;
  const featureId = async (key: string) => (await plans()).features.find((feature) => feature.key === key)?.id ?? 0;
  const auditOf = async (type: string, id: string | number) =>
    (await DB.prepare("SELECT action, detail, actor_id FROM audit_log WHERE subject_type = ? AND subject_id = ? ORDER BY id").bind(type, String(id)).all<{ action: string; detail: string; actor_id: string }>()).results;

  it("change a plan in what they name, and leave a trace of before and after", async () => {
    const id = await idOf("team");
    const before = (await auditOf("plan", id)).length;
    expect(await asAdmin("POST", `/plans/${id}`, { display_name: "Crew", monthly_web_price: 89.5, ios_price: null })).toMatchObject({ status: 200, body: { ok: true, plan: { name: "team", display_name: "Crew", monthly_web_price: 89.5, yearly_web_price: 990 } } });
    await asAdmin("POST", `/plans/${id}`, { display_name: "Crew" });
    const rows = (await auditOf("plan", id)).slice(before);
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({ action: "plan.update", actor_id: String(admin.userId) });
    expect(JSON.parse(rows[0]?.detail ?? "")).toEqual({ key: "team", before: { name: "Team", monthlyWebPrice: 99 }, after: { name: "Crew", monthlyWebPrice: 89.5 } });
    await asAdmin("POST", `/plans/${id}`, { display_name: "Team", monthly_web_price: 99 });
    expect(await asAdmin("POST", "/plans/999999", { display_name: "x" })).toMatchObject({ status: 404, body: { code: "not_found" } });
    for (const body of [{ web_price: -1 }, { display_name: "" }, { is_active: "yes" }]) expect((await asAdmin("POST", `/plans/${id}`, body)).status).toBe(422);
  });

  it("sell one thing under one price, also when two write at once", async () => {
    const [solo, pro] = [await idOf("solo"), await idOf("pro")];
    const price = uniqueName("price");
    const answers = await Promise.all([solo, pro].map((id) => asAdmin("POST", `/plans/${id}`, { stripe_price_id: price })));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
    expect(answers.find(({ status }) => status === 409)?.body).toMatchObject({ code: "conflict", field: "stripe_price_id" });
    expect((await DB.prepare("SELECT count(*) AS n FROM plans WHERE stripe_price_id = ?").bind(price).first<{ n: number }>())?.n).toBe(1);
    const addons = (await asAdmin<{ addons: { id: number; key: string }[] }>("GET", "/subscription-addons")).body.addons;
    expect(addons[0]).toMatchObject({ key: "cloud_vm", display_name: "Cloud machine", monthly_price: 19, is_active: true });
    expect(await asAdmin("PATCH", `/subscription-addons/${addons[0]?.id}`, { stripe_price_id_yearly: price })).toMatchObject({ status: 409, body: { code: "conflict" } });
    for (const id of [solo, pro]) await asAdmin("POST", `/plans/${id}`, { stripe_price_id: null });
  });

  it("change an add-on, but never its key", async () => {
    const id = (await asAdmin<{ addons: { id: number }[] }>("GET", "/subscription-addons")).body.addons[0]?.id ?? 0;
    expect((await asAdmin("PATCH", `/subscription-addons/${id}`, { key: "other", monthly_price: 21, apple_product_id: "org.sett.vm" })).body).toMatchObject({ ok: true, addon: { key: "cloud_vm", monthly_price: 21, apple_product_id: "org.sett.vm" } });
    expect(JSON.parse((await auditOf("subscription_addon", id)).at(-1)?.detail ?? "")).toEqual({ key: "cloud_vm", before: { monthlyPrice: 19, appleProductId: null }, after: { monthlyPrice: 21, appleProductId: "org.sett.vm" } });
    await asAdmin("PATCH", `/subscription-addons/${id}`, { monthly_price: 19, apple_product_id: null });
    expect((await asAdmin("PATCH", "/subscription-addons/999999", {})).status).toBe(404);
  });

  it("set what a plan allows, and it counts at once", async () => {
    const user = await signUpUser();
    await setPlan(user, "solo");
    const capabilities = async () => (await expectStatus<{ features: Record<string, unknown> }>(200, "GET", "/api/v1/me/capabilities", { token: user.accessToken })).features;
    expect(await capabilities()).toMatchObject({ max_bots: 5, bot_dashboard_access: false, support_tier: "email" });
    const [plan_id, feature_id] = [await idOf("solo"), await featureId("max_bots")];
    const set = (value: unknown, change = {}) => asAdmin("POST", "/plan-features", { plan_id, feature_id, value, ...change });
    expect(await set("Unlimited")).toMatchObject({ status: 200, body: { ok: true, plan_feature: { plan_id, feature_id, plan_name: "solo", feature_key: "max_bots", value: "unlimited" } } });
    expect(await capabilities()).toMatchObject({ max_bots: -1 });
    expect((await set("5", { display_label: "Five bots" })).body).toMatchObject({ plan_feature: { value: "5", display_label: "Five bots" } });
    expect((await set("5")).body).toMatchObject({ plan_feature: { display_label: "Five bots" } });
    expect(await capabilities()).toMatchObject({ max_bots: 5 });
    expect(JSON.parse((await auditOf("plan", plan_id)).at(-1)?.detail ?? "")).toEqual({ plan: "solo", feature: "max_bots", before: { value: "unlimited", displayLabel: null }, after: { value: "5", displayLabel: "Five bots" } });
    for (const value of ["many", "-2", "1.5", "true", "", 5]) expect((await set(value)).status).toBe(422);
    for (const change of [{ plan_id: 999_999 }, { feature_id: 999_999 }]) expect((await set("1", change)).status).toBe(404);
  });

  it("add a feature, give it to plans, and remove it from all of them", async () => {
    const key = uniqueName("feature").toLowerCase();
    const make = (body: Record<string, unknown>) => asAdmin<{ feature: { id: number } }>("POST", "/features", { key, name: "Voice", feature_type: "boolean", ...body });
    for (const body of [{ key: "Bad Key" }, { feature_type: "number" }, { default_value: "perhaps" }, { name: "" }]) expect((await make(body)).status).toBe(422);
    const made = await make({ default_value: "FALSE" });
    expect(made).toMatchObject({ status: 200, body: { ok: true, feature: { key, name: "Voice", feature_type: "boolean", default_value: "false" } } });
    expect(await make({})).toMatchObject({ status: 409, body: { code: "conflict" } });
    const { id } = made.body.feature;
    const plan_id = await idOf("pro");
    // Both write first: one row.
    const twice = await Promise.all(["true", "true"].map((value) => asAdmin("POST", "/plan-features", { plan_id, feature_id: id, value })));
    expect(twice.map(({ status }) => status)).toEqual([200, 200]);
    expect((await plans()).plans.find((plan) => plan.id === plan_id)?.features).toContainEqual(expect.objectContaining({ feature_key: key, value: "true" }));

    expect(await asAdmin("DELETE", `/features/${id}`)).toMatchObject({ status: 200, body: { ok: true } });
    expect((await asAdmin("DELETE", `/features/${id}`)).status).toBe(404);
    expect((await asAdmin("POST", "/plan-features", { plan_id, feature_id: id, value: "true" })).status).toBe(404);
    expect((await DB.prepare("SELECT count(*) AS n FROM plan_features WHERE feature_id = ?").bind(id).first<{ n: number }>())?.n).toBe(0);
    const trace = await auditOf("feature", key);
    expect(trace.map(({ action }) => action)).toEqual(["feature.create", "feature.delete"]);
    expect(JSON.parse(trace[1]?.detail ?? "")).toMatchObject({ before: { key, plans: { pro: "true" } }, after: null });
  });

  it("cannot remove what the product asks for", async () => {
    for (const key of ["max_bots", "multiple_openclaw_instances", "storage_mb", "bot_dashboard_access", "priority_support"]) {
      expect(await asAdmin("DELETE", `/features/${await featureId(key)}`)).toMatchObject({ status: 409, body: { code: "conflict" } });
    }
  });

  it("read somebody's plan anew after a change by hand", async () => {
    const user = await signUpUser();
    const name = async () => (await expectStatus<{ plan_name: string }>(200, "GET", "/api/v1/me/capabilities", { token: user.accessToken })).plan_name;
    expect(await name()).toBe("free_trial");
    await run("UPDATE users SET plan_key = 'team' WHERE id = ?", user.userId);
    expect(await name()).toBe("free_trial");
    expect(await asAdmin("POST", `/users/${user.userId}/refresh-capabilities`)).toMatchObject({ status: 200, body: { ok: true, user_id: user.userId, capabilities: { plan_name: "team" } } });
    expect(await name()).toBe("team");
    expect((await asAdmin("POST", "/users/999999/refresh-capabilities")).status).toBe(404);
  });
});
