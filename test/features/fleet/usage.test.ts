import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { insertBot } from "../../support/bots";
import { api, expectStatus, mintToken, signUpUser, type TestUser } from "../../support/client";
import { registerMachine } from "../../support/machines";
import { setPlan } from "../../support/plans";

const { DB } = env as unknown as { DB: D1Database };
const MB = 1_048_576;
const PERIOD = new Date().toISOString().slice(0, 7);

let admin: TestUser;
beforeAll(async () => {
  admin = await signUpUser();
  await DB.prepare("UPDATE users SET role = 'admin' WHERE id = ?").bind(admin.userId).run();
});

const track = (user: TestUser, bytes: unknown, headers?: Record<string, string>) => api("POST", "/api/v1/me/usage/track-media", { token: user.accessToken, body: { size_bytes: bytes }, headers });
const usageOf = (user: TestUser) => expectStatus<{ metrics: Record<string, unknown>; warnings: Record<string, unknown>[] }>(200, "GET", "/api/v1/me/usage", { token: user.accessToken });
const asAdmin = <T = Record<string, unknown>>(path: string) => api<T>("GET", `/api/v1/admin${path}`, { token: admin.accessToken });

async function recorded(user: TestUser) {
  const [sums, events, audits] = await DB.batch<Record<string, unknown>>([
    DB.prepare("SELECT period, used FROM usage_summaries WHERE tenant_id = ? ORDER BY period").bind(user.userId),
    DB.prepare("SELECT amount FROM usage_events WHERE tenant_id = ? ORDER BY created_at, id").bind(user.userId),
    DB.prepare("SELECT detail FROM audit_log WHERE tenant_id = ? AND action = 'usage.track_media'").bind(user.userId),
  ]);
  return { sums: sums?.results ?? [], events: (events?.results ?? []).map((row) => row["amount"]), audits: audits?.results.length ?? 0 };
}

/** On the free plan: 100 MB. */
async function signUpFree(): Promise<TestUser> {
  const user = await signUpUser();
  await setPlan(user, "free");
  return user;
}

describe("uploads", () => {
  it("are counted by month and for ever, each with its event, up to the last byte", async () => {
    const user = await signUpFree();
    expect(await track(user, 79 * MB)).toMatchObject({ status: 200, body: { success: true, period: PERIOD, storage_mb_used: 79, storage_mb_limit: 100, warnings: [] } });
    expect((await track(user, MB)).body).toMatchObject({ storage_mb_used: 80, warnings: [{ feature: "storage_mb", level: "warning", threshold: 80 }] });
    expect(await track(user, 20 * MB + 1)).toMatchObject({ status: 403, body: { code: "plan_limit", feature: "storage_mb", limit: 100, current: 80 } });
    expect(await recorded(user)).toEqual({ sums: [{ period: PERIOD, used: 80 * MB }, { period: "all", used: 80 * MB }], events: [79 * MB, MB], audits: 2 });
    expect((await track(user, 20 * MB)).body).toMatchObject({ storage_mb_used: 100, warnings: [{ level: "critical", threshold: 100 }] });
    expect(await track(user, 1)).toMatchObject({ status: 403, body: { code: "plan_limit", current: 100 } });
    expect((await usageOf(user)).metrics["storage_mb"]).toEqual({ used: 100, limit: 100, unit: "MB", pct: 100 });
  });

  it("share what is left when they come at once", async () => {
    const user = await signUpFree();
    const answers = await Promise.all(Array.from({ length: 6 }, () => track(user, 30 * MB)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 403, 403, 403]);
    const { sums, events, audits } = await recorded(user);
    expect(sums).toEqual([{ period: PERIOD, used: 90 * MB }, { period: "all", used: 90 * MB }]);
    expect([events.length, audits]).toEqual([3, 3]);
  });

  it("count once, however often they are told with one key", async () => {
    const user = await signUpFree();
    const headers = { "idempotency-key": crypto.randomUUID() };
    const [first, again] = [await track(user, MB, headers), await track(user, MB, headers)];
    expect(again.body).toEqual(first.body);
    expect((await recorded(user)).events).toEqual([MB]);
  });

  it("of earlier months still take their room, and a bigger plan gives more", async () => {
    const user = await signUpFree();
    for (const period of ["2026-01", "all"]) await DB.prepare("INSERT INTO usage_summaries (tenant_id, period, metric, used, updated_at) VALUES (?, ?, 'media_bytes', ?, 0)").bind(user.userId, period, 100 * MB).run();
    expect((await track(user, 1)).status).toBe(403);
    await setPlan(user, "solo");
    expect((await track(user, MB)).body).toMatchObject({ storage_mb_used: 101, storage_mb_limit: 2_000 });
    expect((await usageOf(user)).metrics).toMatchObject({ storage_mb: { used: 101 }, media_uploaded_mb: { used: 1, limit: null, pct: null } });
  });

  it("obey the plan that an open downgrade leads to", async () => {
    const user = await signUpUser();
    await DB.prepare(
      `INSERT INTO downgrade_requests (id, tenant_id, from_plan_id, to_plan_id, reason, grace_ends_at, resolved_features, created_at, updated_at)
       SELECT ?, ?, (SELECT id FROM plans WHERE key = 'pro'), (SELECT id FROM plans WHERE key = 'free'), 'user_manual', 1, '[]', 0, 0`,
    )
      .bind(crypto.randomUUID(), user.userId)
      .run();
    await setPlan(user, "pro");
    expect(await track(user, 101 * MB)).toMatchObject({ status: 403, body: { limit: 100 } });
    // What is there keeps its grace.
    expect((await usageOf(user)).metrics["storage_mb"]).toMatchObject({ limit: 10_000 });
  });

  it("have a size", async () => {
    const user = await signUpFree();
    for (const bytes of [0, -1, 1.5, "1", null, 2 ** 41]) expect((await track(user, bytes)).status).toBe(422);
    expect((await api("POST", "/api/v1/me/usage/track-media", { body: { size_bytes: 1 } })).status).toBe(401);
    expect((await recorded(user)).events).toEqual([]);
  });
});

describe("capabilities", () => {
  it("tell a person and their machines what the plan allows and how full it is", async () => {
    const user = await signUpFree();
    const { token } = await mintToken(user);
    const get = (credential = user.accessToken) => expectStatus<{ warnings: Record<string, unknown>[] }>(200, "GET", "/api/v1/me/capabilities", { token: credential });
    expect(await get(token)).toEqual({
      plan_name: "free",
      plan_display_name: expect.any(String),
      plan_tier: expect.any(Number),
      subscription_status: "active",
      subscription_source: null,
      features: { multiple_openclaw_instances: 1, max_bots: 2, max_bot_shares: 1, storage_mb: 100, cloud_vm_included: 0, cloud_vm_addon_eligible: false, bot_dashboard_access: false, priority_support: false, support_tier: "community" },
      instance_count: 0,
      bot_count: 0,
      share_count: 0,
      storage_mb_used: 0,
      warnings: [],
    });
    await Promise.all([registerMachine(user), insertBot(user), insertBot(user), insertBot(user, { plan_disabled_at: 1 }), track(user, 85 * MB)]);
    const full = await get();
    expect(full).toMatchObject({ instance_count: 1, bot_count: 2, storage_mb_used: 85 });
    expect(full.warnings.map(({ feature, threshold }) => [feature, threshold])).toEqual([["multiple_openclaw_instances", 100], ["max_bots", 100], ["storage_mb", 80]]);
    expect((await usageOf(user)).warnings).toEqual(full.warnings);
    expect((await api("GET", "/api/v1/me/capabilities")).status).toBe(401);
    expect((await api("GET", "/api/v1/me/usage", { token })).status).toBe(403);
  });
});

describe("administrators", () => {
  it("see one person's use of a month, with the newest events", async () => {
    const user = await signUpFree();
    for (let n = 1; n <= 27; n++) {
      await DB.prepare("INSERT INTO usage_events (id, tenant_id, period, metric, amount, created_at) VALUES (?, ?, '2026-02', 'media_bytes', ?, ?)").bind(crypto.randomUUID(), user.userId, n, Date.UTC(2026, 1, n)).run();
    }
    await DB.prepare("INSERT INTO usage_summaries (tenant_id, period, metric, used, updated_at) VALUES (?, '2026-02', 'media_bytes', ?, 0), (?, '2026-04', 'media_bytes', ?, 0)").bind(user.userId, 3 * MB, user.userId, 5 * MB).run();
    const path = `/users/${user.userId}/usage`;
    const { body } = await asAdmin<{ recent_events: { size_bytes: number; created_at: string }[] }>(`${path}?period=2026-02`);
    expect(body).toMatchObject({ period: "2026-02", plan_name: "free", metrics: { storage_mb: { used: 3, limit: 100, unit: "MB", pct: 3 }, media_uploaded_mb: { used: 3 }, max_bots: { used: 0, limit: 2, unit: "count", pct: 0 } }, warnings: [] });
    expect(body.recent_events.map((event) => event.size_bytes)).toEqual(Array.from({ length: 25 }, (_, n) => 27 - n));
    expect(body.recent_events[0]?.created_at).toBe("2026-02-27T00:00:00.000Z");
    expect((await asAdmin(`${path}?period=2026-03`)).body).toMatchObject({ metrics: { storage_mb: { used: 3 }, media_uploaded_mb: { used: 0 } }, recent_events: [] });
    expect((await asAdmin(path)).body).toMatchObject({ period: PERIOD, metrics: { storage_mb: { used: 8 } } });
    expect((await asAdmin("/users/999999/usage")).status).toBe(404);
    for (const period of ["2026-13", "2026", "all", "02-2026"]) expect((await asAdmin(`${path}?period=${period}`)).status).toBe(422);
  });

  it("see everybody's, the most uploads first", async () => {
    const [small, big, idle] = [await signUpFree(), await signUpUser(), await signUpUser()];
    await Promise.all([track(small, 2 * MB), track(big, 900 * MB), insertBot(small)]);
    interface Listed {
      readonly users: readonly { user_id: number }[];
      readonly total: number;
    }
    const { body } = await asAdmin<Listed>("/usage");
    const ours = body.users.filter(({ user_id }) => [small, big, idle].some((user) => user.userId === user_id));
    expect(ours).toEqual([
      { user_id: big.userId, username: big.username, email: big.email, plan_name: "free_trial", storage_mb_used: 900, storage_mb_limit: 1_000, media_uploaded_mb: 900, active_bots: 0 },
      { user_id: small.userId, username: small.username, email: small.email, plan_name: "free", storage_mb_used: 2, storage_mb_limit: 100, media_uploaded_mb: 2, active_bots: 1 },
    ]);
    expect((await asAdmin<Listed>("/usage?limit=1&offset=1")).body).toMatchObject({ total: body.total, users: [body.users[1]] });
    // Before anything was uploaded there is what runs now.
    expect((await asAdmin<Listed>("/usage?period=2020-01")).body.users).toContainEqual(expect.objectContaining({ user_id: small.userId, storage_mb_used: 0, active_bots: 1 }));
    expect((await asAdmin("/usage?period=2026-1")).status).toBe(422);
    await DB.prepare("UPDATE users SET username = '-' || sub WHERE id = ?").bind(big.userId).run();
    expect((await asAdmin<Listed>("/usage")).body.users).toContainEqual(expect.objectContaining({ user_id: big.userId, username: "" }));
    expect((await api("GET", "/api/v1/admin/usage", { token: small.accessToken })).status).toBe(403);
  });
});
