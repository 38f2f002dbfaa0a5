import { describe, expect, it } from "vitest";
import { createPayments } from "../../../src/integrations/stripe/stripe";
import type { Payments } from "../../../src/kernel/ports/payments";
import { cart, DAY_MS, EMAIL, failure, newCustomer, newKey, openShop, schedulePro, subscribe } from "../../support/stripe/shop";

describe("customers", () => {
  it("are made once, kept while they exist, and made again when they are gone", async () => {
    const { double, payments } = await openShop();
    const first = await newCustomer(payments);
    expect(double.state.customers.get(first)).toMatchObject({ email: EMAIL, metadata: { user_id: "7" } });
    expect(await payments.ensureCustomer({ userId: 7, email: "new@example.org", known: first, idempotencyKey: newKey() })).toBe(first);
    double.deleteCustomer(first);
    const second = await payments.ensureCustomer({ userId: 7, email: EMAIL, known: first, idempotencyKey: newKey() });
    expect(second).not.toBe(first);
    expect(await payments.ensureCustomer({ userId: 7, email: EMAIL, known: "cus_of_another_account", idempotencyKey: newKey() })).not.toBe(second);
  });

  it("are the same for the same key, whose other use is refused", async () => {
    const { double, payments } = await openShop();
    const request = { userId: 7, email: EMAIL, known: null, idempotencyKey: "cust:7" };
    expect(new Set([await payments.ensureCustomer(request), await payments.ensureCustomer(request)]).size).toBe(1);
    expect(double.state.customers.size).toBe(1);
    expect((await failure(payments.ensureCustomer({ ...request, email: "other@example.org" }))).code).toBe("IDEMPOTENCY_CONFLICT");
  });

  it("are deleted with what they subscribe to; twice is harmless", async () => {
    const shop = await openShop();
    const { customerId, subscriptionId } = await subscribe(shop);
    await shop.payments.deleteCustomer(customerId);
    await shop.payments.deleteCustomer(customerId);
    expect(await shop.payments.getSubscription(subscriptionId)).toMatchObject({ status: "canceled" });
  });
});

describe("checkout", () => {
  it("leads to a subscription that carries whom it is for", async () => {
    const { double, payments } = await openShop();
    const customerId = await newCustomer(payments);
    const checkout = await payments.createCheckout(cart(customerId));
    if (checkout.kind !== "created") throw new Error(checkout.kind);
    expect(checkout).toEqual({ kind: "created", id: expect.stringMatching(/^cs_test_/), url: expect.stringMatching(/^https:/), expiresAt: double.now() + DAY_MS });
    expect(double.state.sessions.get(checkout.id)).toMatchObject({ client_reference_id: "7", success_url: "https://sett.example.org/ok?a=1&b=2", cancel_url: "https://sett.example.org/no", metadata: { kind: "plan", user_id: "7" } });
    expect(double.complete(checkout.id, { card: "declined" })).toEqual({ kind: "declined" });
    expect(await payments.listSubscriptions(customerId)).toEqual([]);
    const paid = double.complete(checkout.id);
    if (paid.kind !== "completed") throw new Error(paid.kind);
    expect(await payments.getSubscription(paid.subscriptionId)).toEqual({
      id: paid.subscriptionId,
      customerId,
      status: "active",
      priceId: "price_basic",
      itemId: expect.stringMatching(/^si_/),
      quantity: 1,
      currentPeriodStart: Date.UTC(2026, 10, 1),
      currentPeriodEnd: Date.UTC(2026, 11, 1),
      cancelAtPeriodEnd: false,
      cancelAt: null,
      canceledAt: null,
      endedAt: null,
      scheduleId: null,
      metadata: { kind: "plan", user_id: "7" },
      trialEnd: null,
      createdAt: Date.UTC(2026, 10, 1),
      latestInvoiceId: paid.invoiceId,
    });
    expect(double.takeEvents().map(({ type }) => type)).toEqual(
      expect.arrayContaining(["customer.created", "customer.subscription.created", "invoice.finalized", "invoice.paid", "customer.subscription.updated", "checkout.session.completed"]),
    );
  });

  it("is refused for customers and prices that are not there, or not sold", async () => {
    const { double, payments } = await openShop();
    const customerId = await newCustomer(payments);
    expect(await payments.createCheckout(cart("cus_none"))).toEqual({ kind: "unknown_customer" });
    expect(await payments.createCheckout(cart(customerId, { priceId: "price_none" }))).toEqual({ kind: "unknown_price" });
    double.archivePrice("price_pro");
    expect(await payments.createCheckout(cart(customerId, { priceId: "price_pro" }))).toEqual({ kind: "unknown_price" });
    expect((await failure(payments.createCheckout(cart(customerId, { successUrl: "" })))).code).toBe("BAD_GATEWAY");
  });

  it("has one page for one key, also when its first answer was lost", async () => {
    const { double, payments } = await openShop();
    const request = cart(await newCustomer(payments));
    double.faults.arm({ kind: "lose_answer", match: "checkout" });
    const first = await payments.createCheckout(request);
    expect(await payments.createCheckout(request)).toEqual(first);
    expect(double.state.sessions.size).toBe(1);
    expect(double.faults.calls().filter(({ path }) => path.includes("checkout")).map(({ idempotencyKey }) => idempotencyKey)).toEqual(Array(3).fill(request.idempotencyKey));
  });

  it("and the portal: the account's own configuration or a named one", async () => {
    const { double, payments, config } = await openShop();
    const customerId = await newCustomer(payments);
    const request = { customerId, returnUrl: "https://sett.example.org/plan" };
    expect(await payments.createPortal(request)).toEqual({ kind: "created", url: expect.stringMatching(/^https:/) });
    expect(await payments.createPortal({ ...request, customerId: "cus_none" })).toEqual({ kind: "unknown_customer" });
    double.configurePortal(false);
    expect((await failure(payments.createPortal(request))).code).toBe("BAD_GATEWAY");
    expect((await createPayments({ ...config, portalConfiguration: "bpc_1" }).createPortal(request)).kind).toBe("created");
    expect(double.faults.calls().at(-1)?.form).toContain("configuration=bpc_1");
  });

  it("prices tell what they cost and how often", async () => {
    const { payments } = await openShop();
    expect(await payments.getPrice("price_pro_year")).toEqual({ id: "price_pro_year", active: true, currency: "usd", unitAmount: 30_000, interval: "year", intervalCount: 1 });
    expect(await payments.getPrice("price_none")).toBeNull();
  });
});

describe("subscriptions", () => {
  it("are listed whatever became of them; unknown ones are null", async () => {
    const shop = await openShop();
    const { customerId, subscriptionId } = await subscribe(shop);
    shop.double.end(subscriptionId);
    const second = shop.double.subscribe({ customerId, priceId: "price_pro" });
    expect((await shop.payments.listSubscriptions(customerId)).map(({ id, status }) => [id, status])).toEqual([[second.id, "active"], [subscriptionId, "canceled"]]);
    expect(await shop.payments.listSubscriptions("cus_none")).toEqual([]);
    expect(await shop.payments.getSubscription("sub_none")).toBeNull();
  });

  it("have eight states", async () => {
    const { double, payments } = await openShop({}, { afterRetries: "unpaid" });
    const customerId = await newCustomer(payments);
    const stateOf = async (id: string): Promise<string | undefined> => (await payments.getSubscription(id))?.status;
    const trial = double.subscribe({ customerId, priceId: "price_basic", trialDays: 14 });
    expect(await payments.getSubscription(trial.id)).toMatchObject({ status: "trialing", trialEnd: double.now() + 14 * DAY_MS });
    double.advance(14 * DAY_MS);
    expect(await stateOf(trial.id)).toBe("active");
    double.setCard(customerId, "declined");
    const broke = double.subscribe({ customerId, priceId: "price_basic" });
    expect(await stateOf(broke.id)).toBe("incomplete");
    double.advance(DAY_MS);
    expect(await stateOf(broke.id)).toBe("incomplete_expired");
    double.advance(30 * DAY_MS);
    expect(await stateOf(trial.id)).toBe("past_due");
    double.advance(16 * DAY_MS);
    expect(await stateOf(trial.id)).toBe("unpaid");
    double.end(trial.id);
    expect(await stateOf(trial.id)).toBe("canceled");
    double.state.subscriptions.get(trial.id)!.status = "paused";
    expect(await stateOf(trial.id)).toBe("paused");
    double.state.subscriptions.get(trial.id)!.status = "hibernating";
    expect((await failure(payments.getSubscription(trial.id))).code).toBe("DEPENDENCY_UNAVAILABLE");
  });

  it("change their price at once, and the difference is charged", async () => {
    const shop = await openShop();
    const { customerId, subscriptionId } = await subscribe(shop);
    shop.double.advance(15 * DAY_MS);
    const request = { subscriptionId, priceId: "price_pro", idempotencyKey: newKey() };
    expect(await shop.payments.changePriceNow(request)).toMatchObject({ kind: "changed", subscription: { priceId: "price_pro", status: "active", currentPeriodEnd: Date.UTC(2026, 11, 1) } });
    const { items } = await shop.payments.listInvoices(customerId, 10);
    expect(items.map(({ amountPaid }) => amountPaid)).toEqual([1_000, 1_000]);
    shop.double.faults.clear();
    expect((await shop.payments.changePriceNow({ ...request, idempotencyKey: newKey() })).kind).toBe("changed");
    expect(shop.double.faults.calls().map(({ method }) => method)).toEqual(["GET"]);
    expect(await shop.payments.changePriceNow({ subscriptionId, priceId: "price_pro_year", idempotencyKey: newKey() })).toMatchObject({ kind: "changed", subscription: { currentPeriodStart: shop.double.now(), priceId: "price_pro_year" } });
  });

  it("keep their price when the difference cannot be charged", async () => {
    const shop = await openShop();
    const { customerId, subscriptionId } = await subscribe(shop);
    const change = (idempotencyKey: string): ReturnType<Payments["changePriceNow"]> => shop.payments.changePriceNow({ subscriptionId, priceId: "price_pro", idempotencyKey });
    shop.double.setCard(customerId, "declined");
    expect(await change("c1")).toEqual({ kind: "payment_failed", reason: "generic_decline" });
    shop.double.setCard(customerId, "action");
    expect(await change("c2")).toEqual({ kind: "payment_failed", reason: "authentication_required" });
    shop.double.setCard(customerId, "ok");
    expect(await shop.payments.getSubscription(subscriptionId)).toMatchObject({ priceId: "price_basic", status: "active" });
    // The key names the intent: what it was answered first it is answered again.
    expect(await change("c1")).toEqual({ kind: "payment_failed", reason: "generic_decline" });
    expect((await change("c3")).kind).toBe("changed");
  });

  it("change their price once, also when the answer was lost", async () => {
    const shop = await openShop();
    const { customerId, subscriptionId } = await subscribe(shop);
    shop.double.faults.arm({ kind: "lose_answer", match: "POST /v1/subscriptions" });
    expect((await shop.payments.changePriceNow({ subscriptionId, priceId: "price_pro", idempotencyKey: newKey() })).kind).toBe("changed");
    expect((await shop.payments.listInvoices(customerId, 10)).items).toHaveLength(2);
  });

  it("refuse a change for what they are", async () => {
    const shop = await openShop();
    const { subscriptionId } = await subscribe(shop);
    const change = (id: string, priceId: string): ReturnType<Payments["changePriceNow"]> => shop.payments.changePriceNow({ subscriptionId: id, priceId, idempotencyKey: newKey() });
    expect(await change("sub_none", "price_pro")).toEqual({ kind: "unknown" });
    expect(await change(subscriptionId, "price_none")).toEqual({ kind: "unknown_price" });
    const scheduleId = await schedulePro(shop, subscriptionId);
    expect(await change(subscriptionId, "price_pro")).toEqual({ kind: "managed_by_schedule", scheduleId });
    shop.double.end(subscriptionId);
    expect(await change(subscriptionId, "price_pro")).toEqual({ kind: "ended" });
  });

  it("end with their period, or not after all", async () => {
    const shop = await openShop();
    const { subscriptionId } = await subscribe(shop);
    const set = (cancel: boolean): ReturnType<Payments["setCancelAtPeriodEnd"]> => shop.payments.setCancelAtPeriodEnd(subscriptionId, cancel);
    const going = { cancelAtPeriodEnd: true, cancelAt: Date.UTC(2026, 11, 1), status: "active", endedAt: null };
    const staying = { cancelAtPeriodEnd: false, cancelAt: null, canceledAt: null };
    expect(await set(true)).toMatchObject({ kind: "changed", subscription: { ...going, canceledAt: shop.double.now() } });
    expect(await set(true)).toMatchObject({ subscription: going });
    expect(await set(false)).toMatchObject({ kind: "changed", subscription: staying });
    // In the portal it only gets a date.
    shop.double.cancelInPortal(subscriptionId);
    expect(shop.double.state.subscriptions.get(subscriptionId)?.cancel_at_period_end).toBe(false);
    expect(await shop.payments.getSubscription(subscriptionId)).toMatchObject(going);
    expect(await set(false)).toMatchObject({ kind: "changed", subscription: staying });
    await set(true);
    shop.double.advance(31 * DAY_MS);
    expect(await shop.payments.getSubscription(subscriptionId)).toMatchObject({ status: "canceled", endedAt: Date.UTC(2026, 11, 1), cancelAtPeriodEnd: false });
    expect(await set(true)).toEqual({ kind: "ended" });
    expect(await shop.payments.setCancelAtPeriodEnd("sub_none", true)).toEqual({ kind: "unknown" });
  });

  it("do not end while a schedule manages them", async () => {
    const shop = await openShop();
    const { subscriptionId } = await subscribe(shop);
    const scheduleId = await schedulePro(shop, subscriptionId);
    expect(await shop.payments.setCancelAtPeriodEnd(subscriptionId, true)).toEqual({ kind: "managed_by_schedule", scheduleId });
    await shop.payments.releaseSchedule(scheduleId);
    expect((await shop.payments.setCancelAtPeriodEnd(subscriptionId, true)).kind).toBe("changed");
  });

  it("end now; twice is harmless, also when the first answer was lost", async () => {
    const shop = await openShop();
    const { subscriptionId } = await subscribe(shop);
    shop.double.faults.arm({ kind: "lose_answer", match: "DELETE" });
    for (let i = 0; i < 2; i++) expect(await shop.payments.cancelNow(subscriptionId)).toMatchObject({ id: subscriptionId, status: "canceled", endedAt: shop.double.now() });
    expect(shop.double.takeEvents().filter(({ type }) => type === "customer.subscription.deleted")).toHaveLength(1);
    expect(await shop.payments.cancelNow("sub_none")).toBeNull();
  });
});

describe("invoices", () => {
  it("tell what was paid for which time", async () => {
    const shop = await openShop();
    const { customerId, subscriptionId } = await subscribe(shop);
    shop.double.advance(30 * DAY_MS);
    const { items } = await shop.payments.listInvoices(customerId, 20);
    expect(items[0]).toEqual({
      id: expect.stringMatching(/^in_/),
      customerId,
      number: expect.stringMatching(/-0002$/),
      status: "paid",
      amountPaid: 1_000,
      currency: "usd",
      created: Date.UTC(2026, 11, 1) / 1_000,
      periodStart: Date.UTC(2026, 11, 1) / 1_000,
      periodEnd: Date.UTC(2027, 0, 1) / 1_000,
      description: "1 × price_basic",
      hostedInvoiceUrl: expect.stringMatching(/^https:/),
      invoicePdf: expect.stringMatching(/^https:/),
      subscriptionId,
    });
    expect(await shop.payments.getInvoice(items[0]?.id ?? "")).toEqual(items[0]);
    expect(await shop.payments.getInvoice("in_none")).toBeNull();
  });

  it("come in pages", async () => {
    const shop = await openShop();
    const { customerId } = await subscribe(shop);
    shop.double.advance(4 * 31 * DAY_MS);
    const first = await shop.payments.listInvoices(customerId, 3);
    expect([first.items.length, first.hasMore]).toEqual([3, true]);
    const rest = await shop.payments.listInvoices(customerId, 500, first.items.at(-1)?.id);
    expect([rest.items.length, rest.hasMore]).toEqual([2, false]);
    expect(new Set([...first.items, ...rest.items].map(({ id }) => id)).size).toBe(5);
    expect(await shop.payments.listInvoices("cus_none", 10)).toEqual({ items: [], hasMore: false });
  });

  it("fail, are tried again, and end the subscription or save it", async () => {
    const shop = await openShop();
    const saved = await subscribe(shop);
    const lost = await subscribe(shop);
    for (const { customerId } of [saved, lost]) shop.double.setCard(customerId, "declined");
    shop.double.advance(31 * DAY_MS);
    const [open1] = (await shop.payments.listInvoices(saved.customerId, 1)).items;
    expect(open1).toMatchObject({ status: "open", amountPaid: 0, number: expect.any(String) });
    expect(shop.double.pay(open1?.id ?? "", "ok")).toBe(true);
    shop.double.advance(20 * DAY_MS);
    expect(await shop.payments.getSubscription(saved.subscriptionId)).toMatchObject({ status: "active" });
    expect(await shop.payments.getSubscription(lost.subscriptionId)).toMatchObject({ status: "canceled" });
    const events = shop.double.takeEvents();
    expect(events.filter(({ type, data }) => type === "invoice.payment_failed" && (data.object as { customer?: unknown }).customer === lost.customerId)).toHaveLength(4);
    const [owed] = (await shop.payments.listInvoices(lost.customerId, 1)).items;
    shop.double.void(owed?.id ?? "");
    expect(await shop.payments.getInvoice(owed?.id ?? "")).toMatchObject({ status: "void", amountPaid: 0 });
    expect(shop.double.refund(open1?.id ?? "", 400)).toMatchObject({ amount: 400, status: "succeeded" });
  });
});
