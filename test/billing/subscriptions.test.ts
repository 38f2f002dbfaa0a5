import { beforeEach, describe, expect, it } from "vitest";
import { settleSubscription } from "../../src/fleet/subscriptions";
import { expectStatus, signUpUser } from "../support/client";
import { stripe } from "../support/billing/doubles";
import { act, auditOf, DB, deliver, deliverNews, openCheckout, openShop, rowsOf, signUpBuyer, statusOf, triggersOf } from "../support/billing/shop";
import { contextAt } from "../support/homeserver/view";

const DAY_MS = 86_400_000;

beforeEach(openShop);

describe("an account that ends", () => {
  it("is charged for nothing any more", async () => {
    const buyer = await signUpBuyer("pro");
    await expectStatus(200, "POST", "/api/v1/user/delete-account", { token: buyer.accessToken, body: { password: buyer.password } });
    await expect.poll(async () => (await stripe.list("subscriptions")).map(({ status }) => status), { timeout: 10_000 }).toEqual(["canceled"]);
    await deliverNews();
    expect((await rowsOf(buyer)).map(({ status }) => status)).toEqual(["canceled"]);
  });
});

describe("a subscription's life", () => {
  it("from the checkout through every change to its end", async () => {
    const user = await signUpUser();
    expect(await statusOf(user)).toMatchObject({ status: "trialing", is_free: false, can_cancel: false, stripe_customer_id: null });
    expect(await act(user, "POST", "portal")).toMatchObject({ status: 404 });
    expect(await act(user, "POST", "cancel")).toMatchObject({ status: 404, body: { code: "not_found" } });
    expect(await act(user, "POST", "checkout", { price_id: "price_nobody" })).toMatchObject({ status: 422 });

    const paid = await stripe.complete(await openCheckout(user, "price_solo"));
    expect(paid.kind).toBe("completed");
    await deliverNews();
    expect(await statusOf(user)).toMatchObject({ status: "active", plan_key: "solo", plan_name: "Solo", source: "stripe", subscription_price_id: "price_solo", is_free: false, can_cancel: true, can_change_plan: true, is_canceling: false });
    expect(await act(user, "POST", "checkout", { price_id: "price_pro" })).toMatchObject({ status: 409, body: { code: "already_subscribed", hint: "change-plan" } });
    expect((await act(user, "POST", "portal")).body).toMatchObject({ portal_url: expect.stringContaining("http") });

    expect(await act(user, "POST", "change-plan", { plan: "solo" })).toMatchObject({ status: 409, body: { code: "same_plan" } });
    expect(await act(user, "POST", "change-plan", {})).toMatchObject({ status: 422 });
    expect(await act(user, "POST", "change-plan", { plan: "free" })).toMatchObject({ status: 422 });
    expect(await act(user, "POST", "change-plan", { plan: "pro" })).toMatchObject({ status: 200, body: { status: "changed", plan: "pro", effective: "now" } });
    expect(await statusOf(user)).toMatchObject({ status: "active", plan_key: "pro", pending_plan_name: null });

    const down = await act(user, "POST", "change-plan", { price_id: "price_solo" });
    expect(down).toMatchObject({ status: 200, body: { status: "scheduled", pending_plan_name: "Solo", effective: "period_end" } });
    expect(await statusOf(user)).toMatchObject({ plan_key: "pro", pending_plan_name: "Solo", pending_change_date: down.body["pending_change_date"], can_change_plan: false, can_cancel: true });
    // Asked for again it is the same answer; anything else waits.
    expect((await act(user, "POST", "change-plan", { plan: "solo" })).body).toEqual(down.body);
    expect(await stripe.list("schedules")).toHaveLength(1);

    expect(await act(user, "DELETE", "cancel-change")).toMatchObject({ status: 200, body: { status: "change_canceled" } });
    expect(await act(user, "DELETE", "cancel-change")).toMatchObject({ status: 404 });
    expect(await statusOf(user)).toMatchObject({ plan_key: "pro", pending_plan_name: null, can_change_plan: true });

    await act(user, "POST", "change-plan", { plan: "solo" });
    expect(await act(user, "POST", "cancel")).toMatchObject({ status: 200, body: { status: "canceling" } });
    expect(await act(user, "POST", "cancel")).toMatchObject({ status: 200, body: { status: "canceling" } });
    expect(await statusOf(user)).toMatchObject({ status: "active", is_canceling: true, can_cancel: false, pending_plan_name: null });
    expect(await act(user, "POST", "change-plan", { plan: "team" })).toMatchObject({ status: 409, body: { code: "subscription_canceling", hint: "cancel-change" } });
    expect(await act(user, "DELETE", "cancel-change")).toMatchObject({ status: 200, body: { status: "resumed" } });
    expect(await statusOf(user)).toMatchObject({ is_canceling: false, can_cancel: true });

    // A downgrade takes its effect with the renewal.
    await act(user, "POST", "change-plan", { plan: "solo" });
    await deliverNews();
    await stripe.advance(32 * DAY_MS);
    await deliverNews();
    expect(await statusOf(user)).toMatchObject({ status: "active", plan_key: "solo", pending_plan_name: null });
    const { items } = await expectStatus<{ items: { amount_paid: number; status: string }[] }>(200, "GET", "/api/v1/subscription/payments", { token: user.accessToken });
    expect(items[0]).toMatchObject({ amount_paid: 900, status: "paid" });
    expect(items).toHaveLength((await stripe.list("invoices")).length);

    await act(user, "POST", "cancel");
    await stripe.advance(32 * DAY_MS);
    await deliverNews();
    expect(await statusOf(user)).toMatchObject({ status: "trialing", source: "trial", can_cancel: false });
    expect(await triggersOf(user)).toEqual(["stripe", "stripe", "period_end", "period_end"]);
    expect(await auditOf(user)).toEqual(expect.arrayContaining(["billing_customer.create", "subscription.checkout", "subscription.upgrade", "subscription.downgrade", "subscription.cancel_change", "subscription.cancel", "subscription.resume"]));
    expect((await rowsOf(user)).map(({ status, changing_until: claim }) => [status, claim])).toEqual([["canceled", null]]);
    // And buys again, on another page.
    const again = await stripe.complete(await openCheckout(user, "price_solo"));
    expect(again.kind).toBe("completed");
    await deliverNews();
    expect(await statusOf(user)).toMatchObject({ status: "active", plan_key: "solo" });
  });

  it("a failed payment leaves a grace of seven days, from its first day; paying ends it", async () => {
    const user = await signUpBuyer("pro");
    await stripe.setCard(user.customerId, "declined");
    await stripe.advance(32 * DAY_MS);
    await deliverNews();
    const [row] = await rowsOf(user);
    const invoice = (await stripe.list("invoices")).at(-1);
    expect(row).toMatchObject({ status: "past_due", grace_until: (invoice?.created ?? 0) * 1_000 + 7 * DAY_MS });
    expect(await statusOf(user)).toMatchObject({ status: "past_due", plan_key: "pro", can_cancel: false, can_change_plan: false, grace_until: expect.any(String) });
    expect(await act(user, "POST", "change-plan", { plan: "team" })).toMatchObject({ status: 409, body: { code: "payment_overdue" } });
    // Another attempt fails; the grace does not begin again.
    await stripe.advance(4 * DAY_MS);
    await deliverNews();
    expect((await rowsOf(user))[0]).toMatchObject({ status: "past_due", grace_until: row?.grace_until });
    // Its end is the reconciler's.
    const overMs = (row?.grace_until ?? 0) - Date.now() + 1_000;
    await settleSubscription(contextAt(overMs), row?.id ?? "");
    expect((await rowsOf(user))[0]).toMatchObject({ status: "expired", grace_until: row?.grace_until });
    expect(await triggersOf(user)).toEqual(["stripe", "payment_failed", "grace_end"]);
    await settleSubscription(contextAt(overMs + 1_000), row?.id ?? "");
    expect(await triggersOf(user)).toHaveLength(3);
    await DB.prepare("UPDATE user_subscriptions SET provider_read_at = 0 WHERE id = ?").bind(row?.id).run();
    await stripe.pay(invoice?.id ?? "", "ok");
    await deliverNews();
    expect((await rowsOf(user))[0]).toMatchObject({ status: "active", grace_until: null });
    expect(await triggersOf(user)).toEqual(["stripe", "payment_failed", "grace_end", "stripe"]);
  });

  it("and ends when nobody ever pays", async () => {
    const user = await signUpBuyer("pro");
    await stripe.setCard(user.customerId, "declined");
    await stripe.advance(60 * DAY_MS);
    const events = await stripe.takeEvents();
    await deliver(events);
    expect((await rowsOf(user)).map(({ status }) => status)).toEqual(["canceled"]);
    expect(await statusOf(user)).toMatchObject({ source: "trial" });
    const account = await DB.prepare("SELECT subscription_price_id AS price FROM users WHERE id = ?").bind(user.userId).first<{ price: string | null }>();
    expect(account?.price).toBeNull();
  });

  it("a declined upgrade changes nothing", async () => {
    const user = await signUpBuyer("solo");
    await stripe.setCard(user.customerId, "declined");
    expect(await act(user, "POST", "change-plan", { plan: "pro" })).toMatchObject({ status: 402, body: { code: "payment_failed" } });
    expect(await statusOf(user)).toMatchObject({ plan_key: "solo", can_change_plan: true });
    await stripe.setCard(user.customerId, "ok");
    expect(await act(user, "POST", "change-plan", { plan: "pro" })).toMatchObject({ status: 200 });
    expect(await statusOf(user)).toMatchObject({ plan_key: "pro" });
  });

  it("a year is more than a month", async () => {
    const user = await signUpBuyer("solo");
    expect(await act(user, "POST", "change-plan", { plan: "solo", interval: "year" })).toMatchObject({ status: 200, body: { status: "changed" } });
    expect(await statusOf(user)).toMatchObject({ interval: "year", subscription_price_id: "price_solo_year" });
    expect(await act(user, "POST", "change-plan", { plan: "solo", interval: "month" })).toMatchObject({ status: 200, body: { status: "scheduled" } });
  });
});

describe("two taps", () => {
  it("open one checkout and make one customer", async () => {
    const user = await signUpUser();
    const sessions = await Promise.all([1, 2, 3].map(() => openCheckout(user, "price_pro")));
    expect(new Set(sessions).size).toBe(1);
    expect([(await stripe.list("sessions")).length, (await stripe.list("customers")).length]).toEqual([1, 1]);
    await stripe.complete(sessions[0] ?? "");
    // Word of it is still under way, and nobody pays twice.
    expect(await act(user, "POST", "checkout", { price_id: "price_team" })).toMatchObject({ status: 409, body: { code: "already_subscribed" } });
    expect(await statusOf(user)).toMatchObject({ plan_key: "pro" });
  });

  it("make one schedule, one upgrade, one cancellation", async () => {
    const user = await signUpBuyer("pro");
    const twice = async (method: string, path: string, body?: unknown) => (await Promise.all([1, 2, 3].map(() => act(user, method, path, body)))).map(({ status }) => status);
    const done = (statuses: readonly number[]): void => {
      expect(statuses).toContain(200);
      expect(statuses.every((status) => status === 200 || status === 409)).toBe(true);
    };
    done(await twice("POST", "change-plan", { plan: "solo" }));
    expect((await stripe.list("schedules")).length).toBe(1);
    done(await twice("POST", "change-plan", { plan: "team" }));
    expect((await stripe.list("invoices")).length).toBe(2);
    done(await twice("POST", "cancel"));
    expect(await statusOf(user)).toMatchObject({ plan_key: "team", is_canceling: true });
    expect((await rowsOf(user))[0]).toMatchObject({ changing_until: null });
  });
});

describe("the provider fails", () => {
  it("before it did anything: 503, and the row stays", async () => {
    const user = await signUpBuyer("solo");
    await stripe.arm({ kind: "status_500", match: "POST", times: 20 });
    expect(await act(user, "POST", "change-plan", { plan: "pro" })).toMatchObject({ status: 503, body: { code: "dependency_unavailable" } });
    expect(await statusOf(user)).toMatchObject({ plan_key: "solo" });
    await stripe.clear();
    expect(await act(user, "POST", "change-plan", { plan: "pro" })).toMatchObject({ status: 200 });
  });

  it("after it did: the reconciler finds out", async () => {
    const user = await signUpBuyer("solo");
    await stripe.arm({ kind: "lose_answer", match: "POST /v1/subscriptions/", times: 9 });
    expect(await act(user, "POST", "change-plan", { plan: "pro" })).toMatchObject({ status: 503 });
    const [row] = await rowsOf(user);
    expect(row).toMatchObject({ status: "active", changing_until: expect.any(Number) });
    expect(await statusOf(user)).toMatchObject({ plan_key: "solo" });
    await stripe.clear();
    await settleSubscription(contextAt(1_000), row?.id ?? "");
    expect(await statusOf(user)).toMatchObject({ plan_key: "pro" });
    expect((await rowsOf(user))[0]).toMatchObject({ changing_until: null });
  });

  it("a schedule whose answer was lost is used again, not made twice", async () => {
    const user = await signUpBuyer("pro");
    await stripe.arm({ kind: "lose_answer", match: "POST /v1/subscription_schedules$", times: 1 }, { kind: "refuse", match: "subscription_schedules", times: 20 });
    expect((await act(user, "POST", "change-plan", { plan: "solo" })).status).toBe(503);
    await stripe.clear();
    expect(await act(user, "POST", "change-plan", { plan: "solo" })).toMatchObject({ status: 200, body: { status: "scheduled" } });
    expect(await stripe.list("schedules")).toHaveLength(1);
  });

  it("a crash between the claim and the call: others wait, then it lapses", async () => {
    const user = await signUpBuyer("pro");
    const [row] = await rowsOf(user);
    await DB.prepare("UPDATE user_subscriptions SET changing_until = ?, version = version + 1 WHERE id = ?").bind(Date.now() + 60_000, row?.id).run();
    expect(await act(user, "POST", "cancel")).toMatchObject({ status: 409, body: { code: "change_in_progress" } });
    await settleSubscription(contextAt(0), row?.id ?? "");
    expect((await rowsOf(user))[0]?.changing_until).not.toBeNull();
    await settleSubscription(contextAt(61_000), row?.id ?? "");
    expect((await rowsOf(user))[0]).toMatchObject({ status: "active", changing_until: null });
    // Somebody else's clock: what follows is not older than what was read.
    await DB.prepare("UPDATE user_subscriptions SET provider_read_at = 0 WHERE id = ?").bind(row?.id).run();
    expect((await act(user, "POST", "cancel")).status).toBe(200);
  });
});

it("what an administrator ended here alone is still charged for, so it can be cancelled", async () => {
  const user = await signUpBuyer("pro");
  await DB.prepare("UPDATE user_subscriptions SET status_before = status, status = 'canceled', version = version + 1 WHERE tenant_id = ?").bind(user.userId).run();
  expect(await act(user, "POST", "checkout", { price_id: "price_team" })).toMatchObject({ status: 409, body: { code: "already_subscribed" } });
  expect((await act(user, "POST", "cancel")).status).toBe(200);
  expect((await stripe.list("subscriptions")).map(({ cancel_at_period_end: ends }) => ends)).toEqual([true]);
});

it("Apple's subscriptions are changed at Apple's", async () => {
  const user = await signUpUser();
  await DB.prepare("INSERT INTO user_subscriptions (id, tenant_id, plan_id, source, status, external_id, created_at, updated_at) SELECT ?, ?, id, 'apple', 'active', ?, 1, 1 FROM plans WHERE key = 'pro'")
    .bind(crypto.randomUUID(), user.userId, crypto.randomUUID())
    .run();
  for (const [method, path, body] of [["POST", "cancel"], ["POST", "portal"], ["POST", "change-plan", { plan: "team" }], ["DELETE", "cancel-change"], ["POST", "checkout", { price_id: "price_pro" }]] as const) {
    expect(await act(user, method, path, body), path).toMatchObject({ status: 409, body: { code: "managed_by_apple" } });
  }
  expect(await statusOf(user)).toMatchObject({ status: "active", source: "apple", can_cancel: false, can_change_plan: false });
});
