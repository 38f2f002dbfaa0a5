import { describe, expect, it } from "vitest";
import { createPayments } from "../../../src/integrations/stripe/stripe";
import type { Payments } from "../../../src/kernel/ports/payments";
import { DAY_MS, failure, newCustomer, openShop, schedulePro, serve, subscribe } from "../../support/stripe/shop";

describe("schedules", () => {
  it("change the price when the paid period ends, and let go one period later", async () => {
    const shop = await openShop();
    const { customerId, subscriptionId } = await subscribe(shop);
    const done = await shop.payments.scheduleChange({ subscriptionId, priceId: "price_pro_year", interval: "year" });
    if (done.kind !== "scheduled") throw new Error(done.kind);
    const { schedule } = done;
    expect(schedule).toEqual({ id: expect.stringMatching(/^sub_sched_/), status: "active", subscriptionId, pending: { priceId: "price_pro_year", startsAt: Date.UTC(2026, 11, 1) } });
    expect(shop.double.state.schedules.get(schedule.id)).toMatchObject({ end_behavior: "release", phases: [{ items: [{ price: "price_basic", quantity: 1 }] }, { proration_behavior: "none", end_date: Date.UTC(2027, 11, 1) / 1_000 }] });
    expect(await shop.payments.getSchedule(schedule.id)).toEqual(schedule);
    expect(await shop.payments.getSubscription(subscriptionId)).toMatchObject({ priceId: "price_basic", scheduleId: schedule.id });
    shop.double.advance(30 * DAY_MS);
    expect(await shop.payments.getSubscription(subscriptionId)).toMatchObject({ priceId: "price_pro_year", currentPeriodEnd: Date.UTC(2027, 11, 1), scheduleId: schedule.id });
    expect(await shop.payments.getSchedule(schedule.id)).toMatchObject({ status: "active", pending: null });
    expect((await shop.payments.listInvoices(customerId, 10)).items.map(({ amountPaid }) => amountPaid)).toEqual([30_000, 1_000]);
    shop.double.advance(366 * DAY_MS);
    expect(await shop.payments.getSchedule(schedule.id)).toMatchObject({ status: "completed", pending: null });
    // What is over cannot be written to: there is a new one.
    const next = await shop.payments.scheduleChange({ subscriptionId, priceId: "price_basic", interval: "month" });
    expect(next).toMatchObject({ kind: "scheduled", schedule: { subscriptionId, pending: { priceId: "price_basic" } } });
    expect(next.kind === "scheduled" && next.schedule.id).not.toBe(schedule.id);
  });

  it("are one to a subscription, whoever else asks at the same time", async () => {
    const shop = await openShop();
    const { subscriptionId } = await subscribe(shop);
    const ask = (priceId: string): ReturnType<Payments["scheduleChange"]> => shop.payments.scheduleChange({ subscriptionId, priceId, interval: "month" });
    const both = await Promise.all([ask("price_pro"), ask("price_pro")]);
    expect(both.map(({ kind }) => kind)).toEqual(["scheduled", "scheduled"]);
    expect(await ask("price_pro_year")).toMatchObject({ kind: "scheduled", schedule: { pending: { priceId: "price_pro_year" } } });
    expect(shop.double.state.schedules.size).toBe(1);
  });

  it("are one also when an answer was lost", async () => {
    const shop = await openShop();
    const { subscriptionId } = await subscribe(shop);
    shop.double.faults.arm({ kind: "lose_answer", match: "POST /v1/subscription_schedules$" }, { kind: "lose_answer", match: "POST /v1/subscription_schedules/" });
    expect((await shop.payments.scheduleChange({ subscriptionId, priceId: "price_pro", interval: "month" })).kind).toBe("scheduled");
    expect(shop.double.state.schedules.size).toBe(1);
  });

  it("are released when they could not be filled", async () => {
    const shop = await openShop();
    const { subscriptionId } = await subscribe(shop);
    expect(await shop.payments.scheduleChange({ subscriptionId, priceId: "price_none", interval: "month" })).toEqual({ kind: "unknown_price" });
    shop.double.faults.arm({ kind: "status_500", match: "POST /v1/subscription_schedules/sub_sched_\\d+$", times: 3 });
    expect((await failure(shop.payments.scheduleChange({ subscriptionId, priceId: "price_pro", interval: "month" }))).code).toBe("DEPENDENCY_UNAVAILABLE");
    expect([...shop.double.state.schedules.values()].map(({ status }) => status)).toEqual(["released", "released"]);
    expect((await shop.payments.getSubscription(subscriptionId))?.scheduleId).toBeNull();
    // One that was there before stays.
    const kept = await shop.payments.scheduleChange({ subscriptionId, priceId: "price_pro", interval: "month" });
    expect(await shop.payments.scheduleChange({ subscriptionId, priceId: "price_none", interval: "month" })).toEqual({ kind: "unknown_price" });
    expect(kept.kind === "scheduled" && (await shop.payments.getSchedule(kept.schedule.id))).toMatchObject({ status: "active", pending: { priceId: "price_pro" } });
  });

  it("are made anew when the old one ends under our hands", async () => {
    const shop = await openShop();
    const { subscriptionId } = await subscribe(shop);
    const firstId = await schedulePro(shop, subscriptionId);
    const send = shop.double.fetch;
    let released = false;
    const meddled = await serve((request) => {
      if (!released && request.method === "POST") [released] = [true, shop.double.release(firstId)];
      return send(request);
    });
    const second = await createPayments({ ...shop.config, apiBase: meddled }).scheduleChange({ subscriptionId, priceId: "price_pro", interval: "month" });
    expect(second).toMatchObject({ kind: "scheduled" });
    expect(second.kind === "scheduled" && second.schedule.id).not.toBe(firstId);
  });

  it("keep a discount, a tax rate and a trial", async () => {
    const shop = await openShop();
    const customerId = await newCustomer(shop.payments);
    const { id: subscriptionId } = shop.double.subscribe({ customerId, priceId: "price_basic", trialDays: 14 });
    const written: string[] = [];
    const dressed = await serve(async (request) => {
      const path = `${request.method} ${new URL(request.url).pathname}`;
      if (!path.startsWith("POST /v1/subscription_schedules")) return shop.double.fetch(request);
      if (!path.endsWith("schedules")) {
        written.push(decodeURIComponent(await request.clone().text()));
        return Response.json([...shop.double.state.schedules.values()][0]);
      }
      const schedule = (await (await shop.double.fetch(request)).json()) as { phases: [Record<string, unknown>] };
      Object.assign(schedule.phases[0], { discounts: [{ coupon: "co", discount: "di_1", promotion_code: null }, { coupon: "co_2", discount: null, promotion_code: null }], default_tax_rates: [{ id: "txr_1" }], automatic_tax: { enabled: true } });
      return Response.json(schedule);
    });
    await createPayments({ ...shop.config, apiBase: dressed }).scheduleChange({ subscriptionId, priceId: "price_pro", interval: "month" });
    const form = Object.fromEntries(new URLSearchParams(written[0] ?? ""));
    for (const index of [0, 1]) {
      expect(form).toMatchObject({ [`phases[${index}][discounts][0][discount]`]: "di_1", [`phases[${index}][discounts][1][coupon]`]: "co_2", [`phases[${index}][default_tax_rates][0]`]: "txr_1", [`phases[${index}][automatic_tax][enabled]`]: "true" });
    }
    expect(form["phases[0][trial_end]"]).toBe(String((shop.double.now() + 14 * DAY_MS) / 1_000));
    expect(form["phases[1][trial_end]"]).toBeUndefined();
  });

  it("are not made for what is ending, ended or unknown", async () => {
    const shop = await openShop();
    const { subscriptionId } = await subscribe(shop);
    const ask = (id: string): ReturnType<Payments["scheduleChange"]> => shop.payments.scheduleChange({ subscriptionId: id, priceId: "price_pro", interval: "month" });
    shop.double.cancelInPortal(subscriptionId);
    expect(await ask(subscriptionId)).toEqual({ kind: "canceling" });
    shop.double.end(subscriptionId);
    expect(await ask(subscriptionId)).toEqual({ kind: "ended" });
    expect(await ask("sub_none")).toEqual({ kind: "unknown" });
    expect(shop.double.state.schedules.size).toBe(0);
  });

  it("are released, twice if need be", async () => {
    const shop = await openShop();
    const { subscriptionId } = await subscribe(shop);
    const scheduleId = await schedulePro(shop, subscriptionId);
    const released = { id: scheduleId, status: "released", subscriptionId, pending: null };
    expect(await shop.payments.releaseSchedule(scheduleId)).toEqual(released);
    expect(await shop.payments.releaseSchedule(scheduleId)).toEqual(released);
    expect(await shop.payments.getSubscription(subscriptionId)).toMatchObject({ priceId: "price_basic", scheduleId: null, status: "active" });
    expect(await shop.payments.releaseSchedule("sub_sched_none")).toBeNull();
    expect(await shop.payments.getSchedule("sub_sched_none")).toBeNull();
  });
});
