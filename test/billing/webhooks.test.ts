import { beforeEach, describe, expect, it } from "vitest";
import { enqueueOpenEvents, handleStripeEvent } from "../../src/fleet/webhooks";
import type { Job } from "../../src/kernel/ports/services";
import { expectStatus, send } from "../support/client";
import { stripe } from "../support/billing/doubles";
import { act, DB, deliver, deliverNews, endState, openShop, post, rowsOf, signUpBuyer, statusOf, type Buyer, type StripeEvent } from "../support/billing/shop";
import { randomOf, shuffle } from "../support/billing/random";
import { contextAt } from "../support/homeserver/view";

const DAY_MS = 86_400_000;

beforeEach(openShop);

/** As if we had never heard of it. */
async function forget(user: Buyer, events: readonly StripeEvent[]): Promise<void> {
  await DB.prepare("DELETE FROM user_subscriptions WHERE tenant_id = ?").bind(user.userId).run();
  await DB.prepare("DELETE FROM payments WHERE tenant_id = ?").bind(user.userId).run();
  await DB.prepare("UPDATE users SET subscription_price_id = NULL WHERE id = ?").bind(user.userId).run();
  for (const { id } of events) await DB.prepare("DELETE FROM webhook_events WHERE id = ?").bind(id).run();
}

/** A buyer whose subscription went through much, and every event of it, delivered once and in order. */
async function liveALife(): Promise<{ user: Buyer; events: StripeEvent[] }> {
  const user = await signUpBuyer("solo");
  const events: StripeEvent[] = [];
  const hear = async () => {
    const news = await stripe.takeEvents();
    events.push(...news);
    await deliver(news);
  };
  await act(user, "POST", "change-plan", { plan: "pro" });
  await hear();
  await act(user, "POST", "change-plan", { plan: "solo" });
  await hear();
  await act(user, "DELETE", "cancel-change");
  await act(user, "POST", "change-plan", { plan: "solo" });
  await stripe.advance(32 * DAY_MS);
  await hear();
  await stripe.setCard(user.customerId, "declined");
  await stripe.advance(32 * DAY_MS);
  await hear();
  return { user, events };
}

describe("events", () => {
  it("five times each, and shuffled: the same end", async () => {
    const { user, events } = await liveALife();
    const end = await endState(user);
    expect(end).toMatchObject({ subscriptions: [{ status: "past_due" }] });
    for (let repeat = 0; repeat < 4; repeat++) for (const event of events) expect((await post(event)).status).toBe(200);
    expect(await endState(user)).toEqual(end);
    for (const seed of [1, 2, 3]) {
      await forget(user, events);
      const often = [...events, ...events, ...events, ...events, ...events];
      await deliver(shuffle(often, randomOf(seed)).filter((event) => event.type !== "customer.created"));
      // Payments of the first days are told by events that were delivered before.
      const again = (await endState(user)) as { subscriptions: unknown; account: unknown; payments: { id: string }[] };
      const { subscriptions, account, payments } = end as typeof again;
      expect({ subscriptions: again.subscriptions, account: again.account }, `seed ${seed}`).toEqual({ subscriptions, account });
      expect(payments).toEqual(expect.arrayContaining(again.payments));
      expect(again.payments.length).toBeGreaterThanOrEqual(payments.length - 1);
    }
  }, 120_000);

  it("late by days, in any order, while life goes on: the end is the provider's", async () => {
    for (const seed of [11, 12, 13, 14]) {
      await openShop();
      const random = randomOf(seed);
      const user = await signUpBuyer("pro");
      const waiting: StripeEvent[] = [];
      const steps = [
        () => stripe.advance(20 * DAY_MS),
        () => stripe.advance(13 * DAY_MS),
        () => stripe.setCard(user.customerId, "declined"),
        () => stripe.advance(30 * DAY_MS),
        () => stripe.setCard(user.customerId, "ok"),
        () => stripe.advance(6 * DAY_MS),
        () => stripe.cancelInPortal(user.subscriptionId).catch(() => null),
        () => stripe.advance(random() < 0.5 ? DAY_MS : 40 * DAY_MS),
      ];
      for (const step of steps) {
        await step();
        waiting.push(...(await stripe.takeEvents()));
        const chosen = shuffle(waiting, random).slice(0, Math.floor(random() * 4));
        for (const event of chosen) waiting.splice(waiting.indexOf(event), 1);
        await deliver(chosen);
      }
      await deliver(shuffle(waiting, random));
      const paid = (await stripe.list("subscriptions")).find(({ id }) => id === user.subscriptionId);
      const [row] = await rowsOf(user);
      expect([row?.status, row?.["cancel_at_period_end"], row?.["current_period_end"]], `seed ${seed}`).toEqual([paid?.status, paid?.status !== "canceled" && paid?.cancel_at != null ? 1 : 0, (paid?.items.data[0]?.current_period_end ?? 0) * 1_000]);
      const invoices = (await stripe.list("invoices")).filter(({ status }) => status !== "draft");
      const payments = await DB.prepare("SELECT id, status, amount_paid FROM payments WHERE tenant_id = ? ORDER BY id").bind(user.userId).all();
      expect(payments.results, `seed ${seed}`).toEqual(invoices.map(({ id, status, amount_paid: amount }) => ({ id, status, amount_paid: amount })).sort((a, b) => (a.id < b.id ? -1 : 1)));
    }
  }, 120_000);

  it("of others are refused, and so are old ones", async () => {
    await stripe.addPrice({ id: "price_x", amount: 1 });
    const user = await signUpBuyer();
    await stripe.advance(32 * DAY_MS);
    const [event] = await stripe.takeEvents();
    if (!event) throw new Error("no event");
    const at = Math.floor(Date.now() / 1_000);
    const tell = async (secret: string, timestamp: number, change = (text: string) => text) => {
      const { body, header } = await stripe.sign(event, secret, timestamp);
      const response = await send("POST", "/api/v1/subscription/webhook", { body: change(body), headers: { "stripe-signature": header } });
      return [response.status, ((await response.json()) as { reason?: string }).reason];
    };
    expect(await tell("whsec_other", at)).toEqual([400, "signature"]);
    expect(await tell("whsec_double", at - 600)).toEqual([400, "expired"]);
    expect(await tell("whsec_double", at, (text) => text.replace("evt_", "evt_x"))).toEqual([400, "signature"]);
    expect((await send("POST", "/api/v1/subscription/webhook", { body: "{}" })).status).toBe(400);
    const kept = await DB.prepare("SELECT count(*) AS n FROM webhook_events WHERE id = ?").bind(event.id).first<{ n: number }>();
    expect(kept?.n).toBe(0);
    expect(await statusOf(user)).toMatchObject({ status: "active" });
    // What it says is sealed.
    await post(event);
    const rows = await DB.prepare("SELECT type, sealed_payload FROM webhook_events").all<{ type: string; sealed_payload: string }>();
    expect(rows.results.every(({ sealed_payload: text }) => text.startsWith("v1.") && !text.includes("cus_"))).toBe(true);
  });

  it("are tried again when the provider fails, found by the sweep when the queue lost them, and dropped when they are none of ours", async () => {
    const user = await signUpBuyer("solo");
    await stripe.cancelInPortal(user.subscriptionId);
    const [event] = (await stripe.takeEvents()).filter(({ type }) => type === "customer.subscription.updated");
    if (!event) throw new Error("no event");
    await stripe.arm({ kind: "status_500", times: 50 });
    await post(event);
    await expect(handleStripeEvent(contextAt(0), event.id)).rejects.toThrow();
    const open = await DB.prepare("SELECT processed_at, attempts, last_error FROM webhook_events WHERE id = ?").bind(event.id).first<{ processed_at: number | null; attempts: number; last_error: string }>();
    expect(open).toMatchObject({ processed_at: null, last_error: expect.stringContaining("payment provider") });
    await stripe.clear();
    const jobs: Job[] = [];
    const sweep = async (aheadMs: number) => {
      const ctx = contextAt(aheadMs);
      await enqueueOpenEvents({ ...ctx, services: { ...ctx.services, jobs: { send: async (job: Job) => void jobs.push(job) } } });
    };
    await sweep(0);
    expect(jobs).toEqual([]);
    await sweep(DAY_MS);
    expect(jobs.map(({ type, payload }) => [type, payload])).toContainEqual(["stripe.event", event.id]);
    for (const { payload } of jobs) await handleStripeEvent(contextAt(DAY_MS), String(payload));
    expect(await statusOf(user)).toMatchObject({ is_canceling: true });
    jobs.length = 0;
    await sweep(2 * DAY_MS);
    expect(jobs).toEqual([]);
    expect((await post({ ...event, id: "evt_unknown", type: "customer.created" } as StripeEvent)).status).toBe(200);
    expect((await post({ ...event, id: "evt_live", livemode: true } as StripeEvent)).status).toBe(200);
    const kept = await DB.prepare("SELECT count(*) AS n FROM webhook_events WHERE id IN ('evt_unknown', 'evt_live')").first<{ n: number }>();
    expect(kept?.n).toBe(0);
  });

  it("a customer that was deleted is forgotten, and the next one is another", async () => {
    const user = await signUpBuyer("solo");
    await stripe.deleteCustomer(user.customerId);
    await deliverNews();
    expect(await statusOf(user)).toMatchObject({ stripe_customer_id: null, source: "trial" });
    expect((await act(user, "POST", "portal")).status).toBe(404);
    expect((await act(user, "POST", "checkout", { price_id: "price_pro" })).status).toBe(200);
    const { stripe_customer_id: id } = await statusOf(user);
    expect([typeof id, id === user.customerId]).toEqual(["string", false]);
  });
});

describe("payments", () => {
  it("are listed from our own table, completed from the provider, and follow what becomes of an invoice", async () => {
    const user = await signUpBuyer("solo");
    await stripe.advance(65 * DAY_MS);
    const list = (query = "") => expectStatus<{ items: { id: string; status: string; created: number }[]; has_more: boolean }>(200, "GET", `/api/v1/subscription/payments${query}`, { token: user.accessToken });
    expect((await list()).items).toHaveLength(1);
    expect((await act(user, "POST", "payments/backfill")).body).toEqual({ ok: true, imported: 3 });
    expect((await act(user, "POST", "payments/backfill")).body).toEqual({ ok: true, imported: 3 });
    const all = await list();
    expect([all.items.length, all.has_more, all.items.every(({ created }) => created < 1e11)]).toEqual([3, false, true]);
    expect(await list("?limit=2")).toMatchObject({ has_more: true, items: all.items.slice(0, 2) });
    for (const bad of ["0", "101", "x"]) expect((await act(user, "GET", `payments?limit=${bad}`)).status).toBe(422);

    await stripe.takeEvents();
    await stripe.setCard(user.customerId, "declined");
    await stripe.advance(31 * DAY_MS);
    await deliverNews();
    const owed = (await list()).items[0];
    expect(owed?.status).toBe("open");
    await stripe.void(owed?.id ?? "");
    await deliverNews();
    expect((await list()).items[0]).toMatchObject({ id: owed?.id, status: "void" });
    // Nobody else sees them.
    const other = await signUpBuyer("solo");
    expect((await expectStatus<{ items: { id: string }[] }>(200, "GET", "/api/v1/subscription/payments", { token: other.accessToken })).items.map(({ id }) => id)).not.toContain(owed?.id);
  });
});
