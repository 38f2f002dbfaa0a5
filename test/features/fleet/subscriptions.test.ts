import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { api, expectStatus, mintToken, signUpUser } from "../../support/client";

/** Without a payment provider; test/billing has one. */

const { DB } = env as unknown as { DB: D1Database };

describe("no payment provider", () => {
  it("what needs one says so and changes nothing; what we know ourselves is told", async () => {
    const user = await signUpUser();
    const [plan] = (await DB.prepare("SELECT id FROM plans WHERE key = 'pro'").all<{ id: number }>()).results;
    await DB.prepare("INSERT INTO user_subscriptions (id, tenant_id, plan_id, source, status, external_id, price_id, interval, current_period_end, created_at, updated_at) VALUES (?, ?, ?, 'stripe', 'active', ?, 'price_pro', 'month', ?, 1, 1)")
      .bind(crypto.randomUUID(), user.userId, plan?.id, `sub_${user.userId}`, Date.UTC(2027, 1, 28))
      .run();
    await DB.prepare("INSERT INTO payments (id, tenant_id, provider, status, amount_paid, currency, paid_at, provider_read_at, created_at, updated_at) VALUES (?, ?, 'stripe', 'paid', 2900, 'usd', 1700000000000, 1, 1, 1)").bind(`in_${user.userId}`, user.userId).run();
    const before = await DB.prepare("SELECT * FROM user_subscriptions WHERE tenant_id = ?").bind(user.userId).all();
    for (const [method, path, body] of [
      ["POST", "checkout", { price_id: "price_pro" }],
      ["POST", "portal"],
      ["POST", "cancel"],
      ["POST", "change-plan", { plan: "team" }],
      ["DELETE", "cancel-change"],
      ["POST", "payments/backfill"],
      ["POST", "webhook", {}],
    ] as const) {
      expect(await api(method, `/api/v1/subscription/${path}`, { token: user.accessToken, body }), path).toMatchObject({ status: 503, body: { code: "dependency_unavailable" } });
    }
    expect((await DB.prepare("SELECT * FROM user_subscriptions WHERE tenant_id = ?").bind(user.userId).all()).results).toEqual(before.results);
    expect(await expectStatus(200, "GET", "/api/v1/subscription", { token: user.accessToken })).toEqual({
      subscription_id: `sub_${user.userId}`,
      status: "active",
      subscription_status: "active",
      subscription_price_id: "price_pro",
      subscription_ends_at: "2027-02-28T00:00:00.000Z",
      stripe_customer_id: null,
      plan_name: "Pro",
      is_free: false,
      is_canceling: false,
      can_cancel: true,
      pending_plan_name: null,
      pending_change_date: null,
      can_change_plan: true,
      plan_key: "pro",
      source: "stripe",
      interval: "month",
      grace_until: null,
    });
    expect(await expectStatus(200, "GET", "/api/v1/subscription/payments", { token: user.accessToken })).toMatchObject({ items: [{ id: `in_${user.userId}`, created: 1_700_000_000, amount_paid: 2_900 }], has_more: false });
  });

  it("tells of the trial, of no plan at all, and of one that was lost", async () => {
    const user = await signUpUser();
    const status = () => expectStatus(200, "GET", "/api/v1/subscription", { token: user.accessToken });
    expect(await status()).toMatchObject({ status: "trialing", plan_key: "free_trial", is_free: false, subscription_id: null, subscription_ends_at: expect.any(String) });
    await DB.prepare("UPDATE users SET trial_ends_at = 1 WHERE id = ?").bind(user.userId).run();
    expect(await status()).toMatchObject({ status: "free", is_free: true, source: "free", subscription_ends_at: null });
    await DB.prepare("INSERT INTO user_subscriptions (id, tenant_id, plan_id, source, status, external_id, grace_until, created_at, updated_at) SELECT ?, ?, id, 'stripe', 'expired', ?, 5, 1, 1 FROM plans WHERE key = 'solo'").bind(crypto.randomUUID(), user.userId, `sub_x${user.userId}`).run();
    expect(await status()).toMatchObject({ status: "past_due", is_free: true, can_cancel: false });
    await DB.prepare("UPDATE user_subscriptions SET status = 'canceled', ended_at = 7 WHERE tenant_id = ?").bind(user.userId).run();
    expect(await status()).toMatchObject({ status: "canceled", is_free: true, subscription_ends_at: "1970-01-01T00:00:00.007Z" });
  });

  it("is for people, not for machines", async () => {
    const user = await signUpUser();
    const { token } = await mintToken(user);
    expect((await api("GET", "/api/v1/subscription", { token })).status).toBe(403);
    expect((await api("GET", "/api/v1/subscription")).status).toBe(401);
  });
});
