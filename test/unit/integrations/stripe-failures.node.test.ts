import { describe, expect, it } from "vitest";
import { createClient } from "../../../src/integrations/stripe/client";
import { readEnv, type Env } from "../../../src/env";
import type { Config } from "../../../src/kernel/config";
import { testSecrets } from "../../support/secrets";
import { failure, newCustomer, openShop, schedulePro, subscribe } from "../../support/stripe/shop";

describe("failures", () => {
  it("are told by whose they are", async () => {
    const kinds = [["status_500", "DEPENDENCY_UNAVAILABLE"], ["refuse", "DEPENDENCY_UNAVAILABLE"], ["garbage", "DEPENDENCY_UNAVAILABLE"], ["redirect", "DEPENDENCY_UNAVAILABLE"], ["status_403", "BAD_GATEWAY"]] as const;
    await Promise.all(
      kinds.map(async ([kind, code]) => {
        const { double, payments } = await openShop();
        double.faults.arm({ kind, times: 3 });
        expect([kind, (await failure(payments.getSubscription("sub_1"))).code]).toEqual([kind, code]);
        // Nor does a redirect carry our key along.
        expect(double.faults.calls().filter(({ path }) => path !== "/v1/subscriptions/sub_1")).toEqual([]);
      }),
    );
    const { double, payments } = await openShop();
    double.faults.arm({ kind: "status_429" });
    expect(await failure(payments.getSubscription("sub_1"))).toMatchObject({ code: "DEPENDENCY_UNAVAILABLE", retryAfterSeconds: 3 });
  });

  it("a wrong key, and nobody there", async () => {
    const { payments } = await openShop({ secretKey: "sk_test_wrong_one" });
    const error = await failure(payments.getSubscription("sub_1"));
    expect([error.code, error.status, String(error.cause)]).toEqual(["BAD_GATEWAY", 502, expect.stringMatching(/^Error: Stripe: GET subscription answered 401 invalid_request_error req_/)]);
    const { payments: nobody } = await openShop({ apiBase: "http://127.0.0.1:9" });
    expect((await failure(nobody.listInvoices("cus_1", 1))).status).toBe(503);
  });

  it("pass when a repeat goes well, and a repeat makes nothing twice", async () => {
    const { double, payments } = await openShop();
    double.faults.arm({ kind: "refuse" }, { kind: "lose_answer" });
    await newCustomer(payments);
    expect([double.state.customers.size, double.faults.calls().length, new Set(double.faults.calls().map(({ idempotencyKey }) => idempotencyKey)).size]).toEqual([1, 3, 1]);
    expect(double.faults.calls().every(({ version }) => version === "2026-10-28.endive")).toBe(true);
  });

  it("silence is one, and its end does not wait for it", async () => {
    const { double, config } = await openShop();
    double.faults.arm({ kind: "hang", times: 9 });
    expect((await failure(createClient(config, 200).getSubscription("sub_1"))).code).toBe("DEPENDENCY_UNAVAILABLE");
    // The time is that of the call, whatever it tries again.
    expect(double.faults.calls().length).toBe(1);
  });
});

describe("settings", () => {
  const read = (more: Partial<Env>): Config["stripe"] => readEnv({ ...testSecrets, ENVIRONMENT: "local", ...more } as Env).stripe;
  const BOTH = { STRIPE_SECRET_KEY: "sk_test_1", STRIPE_WEBHOOK_SECRET: "whsec_1" };

  it("are both secrets or none", () => {
    expect(read({})).toBeNull();
    expect(read(BOTH)).toEqual({ secretKey: "sk_test_1", webhookSecret: "whsec_1", apiBase: null, sandbox: true, portalConfiguration: null });
    expect(() => read({ STRIPE_SECRET_KEY: "sk_test_1" })).toThrow("STRIPE_WEBHOOK_SECRET");
    expect(() => read({ STRIPE_WEBHOOK_SECRET: "whsec_1" })).toThrow("STRIPE_SECRET_KEY");
  });

  it("know a sandbox by its key, unless they say otherwise", () => {
    const sandbox = (STRIPE_SECRET_KEY: string, STRIPE_IS_SANDBOX?: string): boolean | undefined => read({ ...BOTH, STRIPE_SECRET_KEY, ...(STRIPE_IS_SANDBOX === undefined ? {} : { STRIPE_IS_SANDBOX }) })?.sandbox;
    expect([sandbox("rk_test_1"), sandbox("sk_live_1"), sandbox("sk_test_1", "0"), sandbox("sk_live_1", "1"), sandbox("sk_live_1", "")]).toEqual([true, false, false, true, false]);
    expect(read({ ...BOTH, STRIPE_API_BASE: "http://127.0.0.1:1/x", STRIPE_PORTAL_CONFIGURATION: "bpc_1" })).toMatchObject({ apiBase: "http://127.0.0.1:1", portalConfiguration: "bpc_1" });
    expect(() => read({ ...BOTH, STRIPE_API_BASE: "stripe" })).toThrow("STRIPE_API_BASE");
  });
});

describe("webhooks", () => {
  const NOW = Date.UTC(2026, 10, 1, 12);
  const AT = NOW / 1_000;

  it("tell what they are about", async () => {
    const shop = await openShop();
    const { customerId, subscriptionId } = await subscribe(shop);
    await shop.payments.releaseSchedule(await schedulePro(shop, subscriptionId));
    await shop.payments.deleteCustomer(customerId);
    const notices = new Map<string, unknown>();
    for (const event of shop.double.takeEvents()) {
      const { body, header } = await shop.double.sign(event, shop.double.webhookSecret, AT);
      const verdict = await shop.payments.verifyWebhook(new TextEncoder().encode(body), header, NOW);
      if (verdict.kind !== "event") throw new Error(verdict.reason);
      expect(verdict.event).toMatchObject({ id: event.id, createdAt: event.created * 1_000, livemode: false });
      const { type, objectType, objectId, customerId: whose, subscriptionId: ofWhat } = verdict.event;
      notices.set(type, [objectType, objectId !== null, whose === customerId, ofWhat === subscriptionId]);
    }
    expect(Object.fromEntries(notices)).toMatchObject({
      "customer.created": ["customer", true, true, false],
      "customer.deleted": ["customer", true, true, false],
      "checkout.session.completed": ["checkout.session", true, true, true],
      "customer.subscription.created": ["subscription", true, true, true],
      "customer.subscription.deleted": ["subscription", true, true, true],
      "invoice.paid": ["invoice", true, true, true],
      "subscription_schedule.updated": ["subscription_schedule", true, true, true],
      "subscription_schedule.released": ["subscription_schedule", true, true, true],
    });
  });

  it("are taken with the right signature only", async () => {
    const { double, payments } = await openShop();
    await newCustomer(payments);
    const [event] = double.takeEvents();
    const secret = double.webhookSecret;
    const verify = async (secrets: string | string[], at = AT, change: (body: string, header: string) => [string, string | null] = (body, header) => [body, header]): Promise<string> => {
      const { body, header } = await double.sign(event ?? {}, secrets, at);
      const verdict = await payments.verifyWebhook(...change(body, header), NOW);
      return verdict.kind === "event" ? verdict.event.type : verdict.reason;
    };
    expect(await verify(secret)).toBe("customer.created");
    expect(await verify(["whsec_new", secret])).toBe("customer.created");
    expect(await verify(secret, AT - 299)).toBe("customer.created");
    expect(await verify(secret, AT - 301)).toBe("expired");
    expect(await verify("whsec_other")).toBe("signature");
    expect(await verify(["whsec_a", "whsec_b"])).toBe("signature");
    expect(await verify(secret, AT, (body, header) => [body.replace("customer.created", "customer.deleted"), header])).toBe("signature");
    expect(await verify(secret, AT - 400, (body, header) => [body, header.replace(`t=${AT - 400}`, `t=${AT}`)])).toBe("signature");
    for (const header of [null, "", "nonsense", `t=${AT}`, "v1=00", `t=${AT},v0=00`]) expect(await verify(secret, AT, (body) => [body, header])).toBe("signature");
    expect(await verify(secret, AT, (_, header) => ["", header])).toBe("signature");
  });

  it("of another kind are refused, signed or not", async () => {
    const { double, payments } = await openShop();
    for (const body of [[], {}, { id: "evt_1" }, { object: "v2.core.event", id: "evt_1" }, { id: "evt_1", type: "x", created: 1, livemode: false, data: { object: {} } }, "text"]) {
      const signed = await double.sign(body as object, double.webhookSecret, AT);
      expect(await payments.verifyWebhook(signed.body, signed.header, NOW)).toEqual({ kind: "refused", reason: "malformed" });
    }
    const preview = await double.sign({ id: "evt_1", type: "invoice.upcoming", created: 1, livemode: true, data: { object: { object: "invoice", customer: { id: "cus_1" } } } }, double.webhookSecret, AT);
    expect(await payments.verifyWebhook(preview.body, preview.header, NOW)).toEqual({
      kind: "event",
      event: { id: "evt_1", type: "invoice.upcoming", createdAt: 1_000, livemode: true, objectType: "invoice", objectId: null, customerId: "cus_1", subscriptionId: null },
    });
  });

  it("are delivered to an address", async () => {
    const { double, payments } = await openShop();
    await newCustomer(payments);
    const events = double.takeEvents();
    const seen: string[] = [];
    const statuses = await double.deliver("http://sett.test/hook", [...events, ...events], async (request) => {
      const verdict = await payments.verifyWebhook(await request.text(), request.headers.get("stripe-signature"), Date.now());
      seen.push(verdict.kind);
      return new Response(null, { status: 200 });
    });
    expect([statuses, seen]).toEqual([[200, 200], ["event", "event"]]);
  });
});
