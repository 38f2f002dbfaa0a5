import { beforeAll, describe, expect, it } from "vitest";
import { enqueueOpenNotifications, forgetOldNotifications, notificationJob } from "../../src/fleet/apple-notifications";
import { enqueueRechecks, recheckJob } from "../../src/fleet/apple-purchases";
import { forgetEntitlements, getEntitlements } from "../../src/fleet/plans";
import type { Ctx } from "../../src/kernel/context";
import type { Job } from "../../src/kernel/ports/services";
import { api, signUpUser, type TestUser } from "../support/client";
import { buy, notify, openAppleShop, PRODUCTS, tell, tryValidate, validate, withoutServerApi } from "../support/billing/apple-shop";
import { apple } from "../support/billing/doubles";
import { DB, rowsOf } from "../support/billing/shop";
import { contextAt, settled } from "../support/homeserver/view";

const DAY_MS = 86_400_000;

beforeAll(openAppleShop);

/** The plan in force `ms` from now. */
async function planOf(user: TestUser, ms = 0): Promise<string> {
  forgetEntitlements(user.userId);
  return (await getEntitlements(contextAt(ms), user.userId, { fresh: true })).plan.key;
}

const auditOf = async (user: TestUser) =>
  (await DB.prepare("SELECT json_extract(detail, '$.status') AS s FROM audit_log WHERE tenant_id = ? AND action = 'apple_purchase.record' ORDER BY id").bind(user.userId).all<{ s: string }>()).results.map(({ s }) => s);
const eventOf = (id: string) => DB.prepare("SELECT * FROM webhook_events WHERE id = ?").bind(id).first<Record<string, unknown>>();

/** A context that keeps what it would put on the queue. */
function listening(ctx: Ctx): { readonly ctx: Ctx; readonly jobs: Job[] } {
  const jobs: Job[] = [];
  return { jobs, ctx: { ...ctx, services: { ...ctx.services, jobs: { send: (job) => Promise.resolve(void jobs.push(job)) } } } };
}

describe("a plan bought in the App Store", () => {
  it("counts as soon as its receipt is here, and what becomes of it is told by the next look", async () => {
    const user = await signUpUser();
    const expiresAt = Date.now() + 30 * DAY_MS;
    const bought = await buy({ expiresAt });
    expect(await validate(user, bought)).toEqual({ status: "active", plan: "pro", expires_at: new Date(expiresAt).toISOString(), auto_renew: true, grace_until: null });
    expect(await planOf(user)).toBe("pro");
    expect(await rowsOf(user)).toMatchObject([{ source: "apple", status: "active", external_id: bought.originalTransactionId, price_id: PRODUCTS.pro, interval: "month", current_period_end: expiresAt, cancel_at_period_end: 0 }]);
    expect(await DB.prepare("SELECT subscription_price_id AS p FROM users WHERE id = ?").bind(user.userId).first("p")).toBe(PRODUCTS.pro);

    // Again it is the same, and says so nowhere.
    await validate(user, bought);
    expect(await auditOf(user)).toEqual(["active"]);
    await apple.change(bought.originalTransactionId, { autoRenew: false });
    expect(await validate(user, bought)).toMatchObject({ status: "active", auto_renew: false });
    const graceUntil = Date.now() + DAY_MS;
    await apple.change(bought.originalTransactionId, { expiresAt: Date.now() - 1, inBillingRetry: true, graceUntil });
    expect(await validate(user, bought)).toMatchObject({ status: "grace", grace_until: new Date(graceUntil).toISOString() });
    expect(await planOf(user)).toBe("pro");
    await apple.change(bought.originalTransactionId, { inBillingRetry: false, graceUntil: null });
    expect(await validate(user, bought)).toMatchObject({ status: "expired", plan: "pro" });
    expect(await planOf(user)).toBe("free_trial");
    await apple.change(bought.originalTransactionId, { expiresAt: Date.now() + DAY_MS, autoRenew: true });
    expect(await validate(user, bought)).toMatchObject({ status: "active" });
    await apple.change(bought.originalTransactionId, { status: 5, revokedAt: Date.now() });
    expect(await validate(user, bought)).toMatchObject({ status: "canceled", auto_renew: false });
    expect(await planOf(user)).toBe("free_trial");
    expect(await auditOf(user)).toEqual(["active", "active", "grace", "expired", "active", "canceled"]);
    expect(await rowsOf(user)).toHaveLength(1);
  });

  it("takes a trial, a year, a purchase that is over, and one of the sandbox", async () => {
    const [trial, year, over, sandbox] = await Promise.all([signUpUser(), signUpUser(), signUpUser(), signUpUser()]);
    expect(await validate(trial, await buy({ isTrial: true }))).toMatchObject({ status: "trialing" });
    expect(await validate(year, await buy({ productId: PRODUCTS.proYear }))).toMatchObject({ status: "active", plan: "pro" });
    expect(await rowsOf(year)).toMatchObject([{ interval: "year" }]);
    expect(await validate(over, await buy({ expiresAt: Date.now() - DAY_MS, autoRenew: false }))).toMatchObject({ status: "expired" });
    expect(await planOf(over)).toBe("free_trial");
    const testers = await buy({ environment: "sandbox" });
    expect(await validate(sandbox, testers)).toMatchObject({ status: "active" });
    const production = { ...contextAt(0), config: { ...contextAt(0).config, acceptSandboxPurchases: false } };
    const told = await notify(testers.originalTransactionId, "REFUND");
    await apple.change(testers.originalTransactionId, { status: 5, revokedAt: Date.now() });
    expect(await told.post()).toMatchObject({ status: 200 });
    await notificationJob(production, told.id);
    expect(await rowsOf(sandbox)).toMatchObject([{ status: "active" }]);
  });

  it("moves to another product of the same subscription", async () => {
    const user = await signUpUser();
    const bought = await buy({ productId: PRODUCTS.solo });
    await validate(user, bought);
    await apple.change(bought.originalTransactionId, { productId: PRODUCTS.pro });
    expect(await validate(user, { ...bought, productId: PRODUCTS.pro })).toMatchObject({ status: "active", plan: "pro" });
    expect(await rowsOf(user)).toHaveLength(1);
    expect(await planOf(user)).toBe("pro");
  });

  it("belongs to one account, also when two bring it at once", async () => {
    const [a, b] = await Promise.all([signUpUser(), signUpUser()]);
    const bought = await buy();
    const receipt = await apple.receipt(bought.originalTransactionId);
    const answers = await Promise.all([a, b, a, b].map((user) => tryValidate(user, receipt, PRODUCTS.pro)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 409, 409]);
    expect(answers.find(({ status }) => status === 409)?.body).toMatchObject({ code: "purchase_taken" });
    expect([...(await rowsOf(a)), ...(await rowsOf(b))]).toHaveLength(1);
  });

  it("refuses what is no purchase of ours", async () => {
    const user = await signUpUser();
    const bought = await buy();
    const receipt = await apple.receipt(bought.originalTransactionId);
    expect(await tryValidate(user, receipt, "other")).toMatchObject({ status: 422, body: { detail: [{ loc: ["body", "product_id"] }] } });
    expect(await tryValidate(user, receipt, PRODUCTS.solo)).toMatchObject({ status: 400, body: { code: "purchase_invalid", reason: "no_such_product" } });
    expect(await tryValidate(user, "bm9ib2R5J3M", PRODUCTS.pro)).toMatchObject({ status: 400, body: { code: "purchase_invalid", reason: "not_authentic" } });
    expect(await tryValidate(user, "", PRODUCTS.pro)).toMatchObject({ status: 422 });
    expect(await api("POST", "/api/v1/subscription/apple/validate", { token: user.accessToken, body: { product_id: PRODUCTS.pro } })).toMatchObject({ status: 422, body: { detail: [{ loc: ["body", "receipt_data"] }] } });
    expect((await tryValidate(user, "A".repeat(200_000), PRODUCTS.pro)).status).toBe(400);
    expect((await tryValidate(user, "A".repeat(2_200_000), PRODUCTS.pro)).status).toBe(413);
    expect(await rowsOf(user)).toEqual([]);
  });

  it("changes nothing while Apple cannot be asked", async () => {
    const user = await signUpUser();
    const bought = await buy();
    await apple.answerNext({ status: 503, body: {} }, { status: 503, body: {} }, { status: 503, body: {} });
    expect(await tryValidate(user, await apple.receipt(bought.originalTransactionId), PRODUCTS.pro)).toMatchObject({ status: 503, body: { code: "dependency_unavailable" } });
    expect(await rowsOf(user)).toEqual([]);
    for (let left = 3; left > 0 && (await tryValidate(user, await apple.receipt(bought.originalTransactionId), PRODUCTS.pro)).status !== 200; left--);
    expect(await rowsOf(user)).toHaveLength(1);
  });
});

describe("notifications of the App Store", () => {
  it("are stored sealed before the answer, and worked off once however often they come", async () => {
    const user = await signUpUser();
    const bought = await buy();
    await validate(user, bought);
    await apple.change(bought.originalTransactionId, { autoRenew: false });
    const told = await notify(bought.originalTransactionId, "DID_CHANGE_RENEWAL_STATUS", { subtype: "AUTO_RENEW_DISABLED" });
    for (let repeat = 0; repeat < 5; repeat++) expect(await told.post()).toMatchObject({ status: 200, body: { received: true } });
    const stored = await eventOf(told.id);
    expect(stored).toMatchObject({ provider: "apple", type: "DID_CHANGE_RENEWAL_STATUS.AUTO_RENEW_DISABLED" });
    expect(String(stored?.["sealed_payload"])).not.toContain(bought.originalTransactionId);
    for (let repeat = 0; repeat < 5; repeat++) await notificationJob(contextAt(0), told.id);
    await settled();
    expect(await told.post()).toMatchObject({ status: 200 });
    expect(await eventOf(told.id)).toMatchObject({ last_error: null, processed_at: expect.any(Number) as number });
    expect(await rowsOf(user)).toMatchObject([{ status: "active", cancel_at_period_end: 1 }]);
    expect(await auditOf(user)).toEqual(["active", "active"]);
  });

  it("come to the same in any order, with Apple's word and with what is signed alone", async () => {
    // The double's certificates are young.
    const second = 1_000;
    const start = Date.now() - 60 * second;
    const story = [
      ["SUBSCRIBED", { expiresAt: start + 30 * second }, 0],
      ["DID_CHANGE_RENEWAL_STATUS", { autoRenew: false }, 5],
      ["DID_CHANGE_RENEWAL_STATUS", { autoRenew: true }, 6],
      ["DID_FAIL_TO_RENEW", { status: 3, inBillingRetry: true }, 31],
      ["DID_RENEW", { status: 1, inBillingRetry: false, expiresAt: start + 61 * DAY_MS }, 33],
      ["DID_CHANGE_RENEWAL_PREF", { productId: PRODUCTS.solo }, 34],
    ] as const;
    const orders = [[0, 1, 2, 3, 4, 5], [5, 4, 3, 2, 1, 0], [4, 0, 5, 1, 3, 2, 4, 0, 5, 1, 3, 2]];
    for (const api of [true, false]) {
      const states: unknown[] = [];
      for (const order of orders) {
        const user = await signUpUser();
        const bought = await buy({ expiresAt: start + 30 * second, productId: PRODUCTS.pro });
        const id = bought.originalTransactionId;
        const ctx = api ? contextAt(0) : withoutServerApi();
        const told = [];
        for (const [type, change, at] of story) {
          await apple.change(id, change);
          told.push(await notify(id, type, { signedAt: start + at * second }));
        }
        // The row, as it was when the purchase was brought; the readings above are all newer.
        const plan = await DB.prepare("SELECT id FROM plans WHERE key = 'pro'").first<{ id: number }>();
        await DB.prepare("INSERT INTO user_subscriptions (id, tenant_id, plan_id, source, status, external_id, price_id, created_at, updated_at, provider_read_at) VALUES (?, ?, ?, 'apple', 'active', ?, ?, ?, ?, ?)")
          .bind(crypto.randomUUID(), user.userId, plan?.id ?? 0, id, PRODUCTS.pro, start, start, start - 1)
          .run();
        for (const at of order) {
          expect((await told[at]?.post())?.status).toBe(200);
          await notificationJob(ctx, told[at]?.id ?? "");
        }
        await settled();
        const [row] = await rowsOf(user);
        states.push({ status: row?.status, plan: row?.plan_id, end: Number(row?.["current_period_end"]) - start, cancel: row?.["cancel_at_period_end"], product: row?.["price_id"], grace: row?.grace_until });
        expect(await planOf(user)).toBe("solo");
      }
      expect(states[0]).toMatchObject({ status: "active", end: 61 * DAY_MS, cancel: 0, product: PRODUCTS.solo, grace: null });
      expect(states.slice(1)).toEqual([states[0], states[0]]);
    }
  });

  it("of an unknown purchase, or of none, are kept and do nothing", async () => {
    const stranger = await tell((await buy()).originalTransactionId, "SUBSCRIBED");
    expect(await eventOf(stranger)).toMatchObject({ last_error: "of an unknown purchase", processed_at: expect.any(Number) as number });
    const test = await tell(null, "TEST");
    expect(await eventOf(test)).toMatchObject({ last_error: "about no purchase" });
  });

  it("are refused when they are not Apple's", async () => {
    const told = await notify((await buy()).originalTransactionId, "DID_RENEW");
    expect(await api("POST", "/api/v1/subscription/apple/notifications", { body: { signedPayload: "a.b.c" } })).toMatchObject({ status: 400, body: { code: "purchase_invalid", reason: "malformed" } });
    expect(await api("POST", "/api/v1/subscription/apple/notifications", { body: {} })).toMatchObject({ status: 422 });
    expect(await eventOf(told.id)).toBeNull();
  });

  it("that failed are found by the sweep, and forgotten long after they were worked off", async () => {
    const user = await signUpUser();
    const bought = await buy();
    await validate(user, bought);
    await apple.change(bought.originalTransactionId, { status: 5, revokedAt: Date.now() });
    const told = await notify(bought.originalTransactionId, "REFUND");
    const broken: Ctx = { ...contextAt(0), services: { ...contextAt(0).services, appStore: null } };
    expect(await told.post()).toMatchObject({ status: 200 });
    // Unless the queue was quicker.
    await DB.prepare("UPDATE webhook_events SET processed_at = NULL WHERE id = ?").bind(told.id).run();
    await expect(notificationJob(broken, told.id)).rejects.toMatchObject({ code: "DEPENDENCY_UNAVAILABLE" });
    expect(await eventOf(told.id)).toMatchObject({ processed_at: null, last_error: expect.any(String) as string });
    const sweep = listening(contextAt(10 * 60_000));
    await enqueueOpenNotifications(sweep.ctx);
    expect(sweep.jobs).toContainEqual(expect.objectContaining({ type: "apple.notification", payload: told.id }));
    await notificationJob(contextAt(0), told.id);
    expect(await rowsOf(user)).toMatchObject([{ status: "canceled" }]);
    await forgetOldNotifications(contextAt(31 * DAY_MS));
    expect(await eventOf(told.id)).toBeNull();
  });

  it("without the Server API an old signed transaction does not undo a refund", async () => {
    const user = await signUpUser();
    const bought = await buy();
    const id = bought.originalTransactionId;
    await validate(user, bought);
    await apple.change(id, { status: 5, revokedAt: Date.now() });
    await tell(id, "REFUND", { signedAt: Date.now() + 1_000 }, withoutServerApi());
    expect(await rowsOf(user)).toMatchObject([{ status: "canceled" }]);
    await apple.change(id, { status: 1, revokedAt: null });
    await tell(id, "DID_RENEW", { signedAt: Date.now() - DAY_MS }, withoutServerApi());
    expect(await rowsOf(user)).toMatchObject([{ status: "canceled" }]);
  });
});

describe("a refund of the past", () => {
  it("says nothing about the period that runs", async () => {
    const user = await signUpUser();
    const bought = await buy({ productId: PRODUCTS.solo });
    await validate(user, bought);
    await apple.change(bought.originalTransactionId, { productId: PRODUCTS.pro });
    await validate(user, { ...bought, productId: PRODUCTS.pro });
    // The transaction that was refunded is gone, and the subscription is not.
    await apple.change(bought.originalTransactionId, { productId: PRODUCTS.solo, revokedAt: Date.now() });
    const told = await tell(bought.originalTransactionId, "REFUND", { signedAt: Date.now() + 1_000 }, withoutServerApi());
    expect(await eventOf(told)).toMatchObject({ last_error: "about an earlier transaction" });
    expect(await validate(user, bought)).toMatchObject({ status: "active", plan: "pro" });
    expect(await rowsOf(user)).toMatchObject([{ status: "active", price_id: PRODUCTS.pro }]);
  });
});

describe("a period that ends without a word", () => {
  it("is asked about, and ends by the clock where nobody can be asked", async () => {
    const [asked, silent] = [await signUpUser(), await signUpUser()];
    const expiresAt = Date.now() + DAY_MS;
    const [renewing, ending] = [await buy({ expiresAt }), await buy({ expiresAt, autoRenew: false })];
    await validate(asked, renewing);
    await validate(silent, ending);
    const ids = [...(await rowsOf(asked)), ...(await rowsOf(silent))].map(({ id }) => id);
    const early = listening(contextAt(0));
    await enqueueRechecks(early.ctx);
    expect(early.jobs.filter(({ payload }) => ids.includes(String(payload)))).toEqual([]);
    const sweep = listening(contextAt(2 * DAY_MS));
    await enqueueRechecks(sweep.ctx);
    expect(sweep.jobs.map(({ payload }) => payload)).toEqual(expect.arrayContaining(ids));

    await apple.change(renewing.originalTransactionId, { expiresAt: expiresAt + 30 * DAY_MS });
    await recheckJob(contextAt(2 * DAY_MS), ids[0]);
    expect(await rowsOf(asked)).toMatchObject([{ status: "active", current_period_end: expiresAt + 30 * DAY_MS }]);
    for (let repeat = 0; repeat < 3; repeat++) await recheckJob(withoutServerApi(2 * DAY_MS), ids[1]);
    expect(await rowsOf(silent)).toMatchObject([{ status: "expired", ended_at: expiresAt }]);
    expect(await auditOf(silent)).toEqual(["active", "expired"]);
    await settled();
    await expect(recheckJob(contextAt(0), 7)).rejects.toMatchObject({ code: "MALFORMED_REQUEST" });
    await recheckJob(contextAt(0), "nobody");
  });
});
