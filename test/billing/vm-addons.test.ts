import { beforeEach, describe, expect, it } from "vitest";
import { applyAddonSubscription, enqueueDueAddons, settleAddonJob } from "../../src/fleet/vm-addons";
import type { Ctx } from "../../src/kernel/context";
import type { Job } from "../../src/kernel/ports/services";
import { api, expectStatus, mailsTo, signUpUser, type TestUser } from "../support/client";
import { buy, openAppleShop, PRODUCTS, tell, withoutServerApi } from "../support/billing/apple-shop";
import { apple, stripe } from "../support/billing/doubles";
import { DB, openShop } from "../support/billing/shop";
import { contextAt, settled } from "../support/homeserver/view";
import { registerMachine } from "../support/machines";
import { setPlan } from "../support/plans";

const DAY_MS = 86_400_000;
const BASE = "/api/v1/openclaw/cloud-vm";

interface AddonBody {
  readonly id: string;
  readonly source: string;
  readonly status: string;
  readonly period_end: string | null;
  readonly grace_until: string | null;
  readonly instance_id: string | null;
  readonly code?: string;
}

beforeEach(async () => {
  await openShop();
  await openAppleShop();
  await stripe.addPrice({ id: "price_vm", amount: 1_900 });
});

/** Somebody whose plan includes buying machines. */
async function signUpSolo(): Promise<TestUser> {
  const user = await signUpUser();
  await setPlan(user, "solo");
  return user;
}

const listOf = async (user: TestUser): Promise<readonly AddonBody[]> => (await expectStatus<{ addons: AddonBody[] }>(200, "GET", `${BASE}/addon`, { token: user.accessToken })).addons;
const purchase = (user: TestUser, body?: unknown) => api("POST", `${BASE}/addon/purchase`, { token: user.accessToken, ...(body === undefined ? {} : { body }) });
const cancel = (user: TestUser, id: string) => api("POST", `${BASE}/addon/${id}/cancel`, { token: user.accessToken });
const assign = (user: TestUser, machine: string, addonId: unknown) => api("POST", `${BASE}/${machine}/assign-to-addon`, { token: user.accessToken, body: { addon_id: addonId } });
const bring = async (user: TestUser, bought: { originalTransactionId: string; productId: string }) =>
  api<AddonBody>("POST", `${BASE}/addon/purchase-apple`, { token: user.accessToken, body: { receipt_data: await apple.receipt(bought.originalTransactionId), product_id: bought.productId } });
const buyVm = (wish: Parameters<typeof buy>[0] = {}) => buy({ productId: PRODUCTS.vm, ...wish });
const rowsOf = async (user: TestUser) => (await DB.prepare("SELECT * FROM user_cloud_vm_addons WHERE tenant_id = ? ORDER BY created_at, id").bind(user.userId).all<Record<string, unknown>>()).results;
const auditOf = async (user: TestUser) => (await DB.prepare("SELECT action FROM audit_log WHERE tenant_id = ? AND action LIKE 'vm_addon.%' ORDER BY id").bind(user.userId).all<{ action: string }>()).results.map(({ action }) => action);

/** Reads a subscription at Stripe and applies it, as its webhook does. */
async function hear(user: TestUser, subscriptionId: string, ms = 0) {
  const ctx = contextAt(ms);
  const paid = await ctx.services.payments?.getSubscription(subscriptionId);
  if (!paid) throw new Error(`no ${subscriptionId}`);
  return applyAddonSubscription(ctx, user.userId, paid, ctx.clock.now());
}

/** Opens the page and pays there. */
async function payFor(user: TestUser): Promise<{ readonly subscriptionId: string; readonly customerId: string }> {
  const { body } = await purchase(user);
  const paid = await stripe.complete(String(body["session_id"]));
  if (paid.kind !== "completed") throw new Error(paid.kind);
  const row = await DB.prepare("SELECT customer_id AS c FROM billing_customers WHERE tenant_id = ?").bind(user.userId).first<{ c: string }>();
  return { subscriptionId: paid.subscriptionId, customerId: row?.c ?? "" };
}

async function ownAddon(user: TestUser) {
  const paid = await payFor(user);
  const row = await hear(user, paid.subscriptionId);
  if (!row) throw new Error("no row");
  return { ...paid, addonId: row.id };
}

async function cloudMachine(user: TestUser): Promise<string> {
  const id = await registerMachine(user);
  await DB.prepare("UPDATE instances SET provider = 'orgo', cloud_vm_id = instance_id WHERE instance_id = ?").bind(id).run();
  return id;
}

function listening(ctx: Ctx): { readonly ctx: Ctx; readonly jobs: Job[] } {
  const jobs: Job[] = [];
  return { jobs, ctx: { ...ctx, services: { ...ctx.services, jobs: { send: (job) => Promise.resolve(void jobs.push(job)) } } } };
}

/** Whether the sweep would look at an add-on `ms` from now. */
async function isDue(addonId: string, ms: number): Promise<boolean> {
  const sweep = listening(contextAt(ms));
  await enqueueDueAddons(sweep.ctx);
  return sweep.jobs.some(({ type, payload }) => type === "vm_addon.settle" && payload === addonId);
}

describe("an add-on paid at Stripe", () => {
  it("is bought on a page, told by the provider, cancelled, resumed, and ends with what was paid for", async () => {
    const user = await signUpSolo();
    expect(await listOf(user)).toEqual([]);
    const [first, second] = await Promise.all([purchase(user), purchase(user, {})]);
    expect(first).toMatchObject({ status: 200, body: { checkout_url: expect.stringContaining("http") as string, expires_at: expect.stringMatching(/Z$/) as string } });
    expect(second?.body["session_id"]).toBe(first?.body["session_id"]);
    expect((await purchase(user, { return_to: "app" })).body["session_id"]).not.toBe(first?.body["session_id"]);
    // Nothing is there before it is paid for and told.
    expect(await listOf(user)).toEqual([]);
    const { subscriptionId } = await payFor(user);
    expect(await listOf(user)).toEqual([]);
    for (let repeat = 0; repeat < 5; repeat++) await hear(user, subscriptionId);
    const [addon] = await listOf(user);
    expect(addon).toMatchObject({ source: "stripe", status: "active", product_id: "price_vm", instance_id: null, grace_until: null });
    expect(await rowsOf(user)).toHaveLength(1);
    // Once it is there, the next page is for another one.
    expect((await purchase(user)).body["session_id"]).not.toBe(first?.body["session_id"]);

    const id = addon?.id ?? "";
    const cancelled = await cancel(user, id);
    expect(cancelled).toMatchObject({ status: 200, body: { status: "cancelled", period_end: addon?.period_end } });
    expect((await cancel(user, id)).body).toEqual(cancelled.body);
    expect((await stripe.list("subscriptions")).find((one) => one.id === subscriptionId)?.cancel_at_period_end).toBe(true);
    expect(await listOf(user)).toMatchObject([{ status: "cancelled" }]);
    const ctx = contextAt(0);
    await ctx.services.payments?.setCancelAtPeriodEnd(subscriptionId, false);
    await hear(user, subscriptionId);
    expect(await listOf(user)).toMatchObject([{ status: "active" }]);

    await cancel(user, id);
    await stripe.advance(32 * DAY_MS);
    expect(await isDue(id, 32 * DAY_MS)).toBe(true);
    for (let repeat = 0; repeat < 3; repeat++) await settleAddonJob(contextAt(32 * DAY_MS), id);
    expect(await listOf(user)).toEqual([]);
    expect(await rowsOf(user)).toMatchObject([{ status: "expired" }]);
    expect(await cancel(user, id)).toMatchObject({ status: 409, body: { code: "addon_ended" } });
    expect(await isDue(id, 33 * DAY_MS)).toBe(false);
    expect(await auditOf(user)).toEqual(expect.arrayContaining(["vm_addon.checkout", "vm_addon.create", "vm_addon.change", "vm_addon.cancel", "vm_addon.expire"]));
    expect((await auditOf(user)).filter((action) => action === "vm_addon.expire")).toHaveLength(1);
    await settled();
  });

  it("has a grace of seven days when a payment fails; whoever pays in it keeps it, whoever does not is charged no more", async () => {
    const [payer, other] = [await signUpSolo(), await signUpSolo()];
    const [paying, owing] = [await ownAddon(payer), await ownAddon(other)];
    await stripe.setCard(paying.customerId, "declined");
    await stripe.setCard(owing.customerId, "declined");
    await stripe.advance(31 * DAY_MS + 3_600_000);
    await hear(payer, paying.subscriptionId, 31 * DAY_MS);
    await hear(other, owing.subscriptionId, 31 * DAY_MS);
    for (const user of [payer, other]) expect(await listOf(user)).toMatchObject([{ status: "grace", grace_until: expect.any(String) as string }]);

    await stripe.setCard(paying.customerId, "ok");
    const invoice = (await stripe.list("invoices")).find((one) => one.customer === paying.customerId && one.status === "open");
    await stripe.pay(invoice?.id ?? "");
    await hear(payer, paying.subscriptionId, 32 * DAY_MS);
    expect(await listOf(payer)).toMatchObject([{ status: "active", grace_until: null }]);

    const end = Date.parse((await listOf(other))[0]?.grace_until ?? "") - Date.now();
    // Words that come after the end leave the ending to the sweep.
    await hear(other, owing.subscriptionId, end + 1_000);
    expect(await rowsOf(other)).toMatchObject([{ status: "grace" }]);
    await settleAddonJob(contextAt(end - 60_000), owing.addonId);
    expect(await rowsOf(other)).toMatchObject([{ status: "grace" }]);
    await stripe.arm({ match: "^DELETE /v1/subscriptions", kind: "status_500", times: 10 });
    await expect(settleAddonJob(contextAt(end + 2_000), owing.addonId)).rejects.toMatchObject({ status: 503 });
    expect(await rowsOf(other)).toMatchObject([{ status: "grace" }]);
    await stripe.clear();
    await settleAddonJob(contextAt(end + 3_000), owing.addonId);
    expect(await rowsOf(other)).toMatchObject([{ status: "expired" }]);
    expect((await stripe.list("subscriptions")).find((one) => one.id === owing.subscriptionId)?.status).toBe("canceled");
    await settled();
  });

  it("whose renewal nobody told is asked for, and lives on while nobody answers", async () => {
    const user = await signUpSolo();
    const { addonId, subscriptionId } = await ownAddon(user);
    await stripe.advance(32 * DAY_MS);
    expect(await isDue(addonId, 32 * DAY_MS)).toBe(true);
    await settleAddonJob({ ...contextAt(32 * DAY_MS), services: { ...contextAt(0).services, payments: null } }, addonId);
    expect(await rowsOf(user)).toMatchObject([{ status: "active" }]);
    await settleAddonJob(contextAt(32 * DAY_MS), addonId);
    const [row] = await rowsOf(user);
    expect(row).toMatchObject({ status: "active", external_id: subscriptionId });
    expect(Number(row?.["period_end"])).toBeGreaterThan(Date.now() + 45 * DAY_MS);
    await settled();
  });

  it("ends at once when the provider ended it, and no older word brings it back", async () => {
    const user = await signUpSolo();
    const { subscriptionId } = await ownAddon(user);
    const ctx = contextAt(0);
    const before = await ctx.services.payments?.getSubscription(subscriptionId);
    const readAt = ctx.clock.now();
    await stripe.end(subscriptionId);
    await hear(user, subscriptionId, 1_000);
    if (before) await applyAddonSubscription(ctx, user.userId, before, readAt);
    expect(await rowsOf(user)).toMatchObject([{ status: "expired" }]);
    await settled();
  });

  it("needs a plan that includes it, a price, and answers 422 for what it does not know", async () => {
    const free = await signUpUser();
    await setPlan(free, "free");
    expect(await purchase(free)).toMatchObject({ status: 403, body: { code: "feature_not_available", feature: "cloud_vm_addon_eligible" } });
    const user = await signUpSolo();
    expect(await purchase(user, { return_to: "elsewhere" })).toMatchObject({ status: 422, body: { detail: [{ loc: ["body", "return_to"] }] } });
    await DB.prepare("UPDATE subscription_addons SET stripe_price_id_sandbox = NULL").run();
    expect(await purchase(user)).toMatchObject({ status: 503, body: { code: "dependency_unavailable" } });
    await DB.prepare("UPDATE subscription_addons SET stripe_price_id_sandbox = 'price_vm', is_active = 0").run();
    expect(await purchase(user)).toMatchObject({ status: 503 });
    await DB.prepare("UPDATE subscription_addons SET is_active = 1").run();
    expect(await rowsOf(user)).toEqual([]);
  });

  it("is its owner's alone", async () => {
    const [owner, stranger] = [await signUpSolo(), await signUpSolo()];
    const { addonId } = await ownAddon(owner);
    expect(await cancel(stranger, addonId)).toMatchObject({ status: 404, body: { code: "not_found" } });
    expect(await cancel(stranger, crypto.randomUUID())).toMatchObject({ status: 404 });
    expect(await listOf(stranger)).toEqual([]);
    expect(await listOf(owner)).toMatchObject([{ status: "active" }]);
  });
});

describe("an add-on bought in the App Store", () => {
  it("is brought by its receipt, and so is its cancellation", async () => {
    const user = await signUpSolo();
    const bought = await buyVm();
    expect(await bring(user, bought)).toMatchObject({ status: 200, body: { source: "apple", status: "active" } });
    expect(await bring(user, bought)).toMatchObject({ status: 200, body: { status: "active" } });
    const [addon] = await listOf(user);
    expect(await cancel(user, addon?.id ?? "")).toMatchObject({ status: 400, body: { code: "addon_managed_by_apple", manage_url: expect.stringContaining("apple.com") as string } });
    await apple.change(bought.originalTransactionId, { autoRenew: false });
    // Who has lost the plan meanwhile may still tell.
    await setPlan(user, "free");
    expect(await bring(user, bought)).toMatchObject({ status: 200, body: { id: addon?.id, status: "cancelled" } });
    expect(await rowsOf(user)).toHaveLength(1);
    expect(await auditOf(user)).toEqual(["vm_addon.create", "vm_addon.change"]);
    expect(await bring(user, await buyVm())).toMatchObject({ status: 403, body: { code: "feature_not_available" } });
  });

  it("comes one at a time, also when two are brought at once", async () => {
    const user = await signUpSolo();
    const [a, b] = [await buyVm(), await buyVm()];
    const answers = await Promise.all([bring(user, a), bring(user, b)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
    expect(answers.find(({ status }) => status === 409)?.body.code).toBe("apple_addon_exists");
    expect(await rowsOf(user)).toHaveLength(1);
    const [kept, other] = answers[0]?.status === 200 ? [a, b] : [b, a];
    await apple.change(kept.originalTransactionId, { status: 3, expiresAt: Date.now() - 1, inBillingRetry: true });
    expect(await bring(user, kept)).toMatchObject({ body: { status: "grace" } });
    expect(await bring(user, other)).toMatchObject({ status: 409 });
    // A grace that is over stands in nobody's way, seen by the sweep or not.
    await DB.prepare("UPDATE user_cloud_vm_addons SET grace_until = 1 WHERE tenant_id = ?").bind(user.userId).run();
    expect(await bring(user, other)).toMatchObject({ status: 200, body: { status: "active" } });
    expect((await rowsOf(user)).map(({ status }) => status).sort()).toEqual(["active", "expired"]);
  });

  it("belongs to one account, and to nothing but its product", async () => {
    const [user, other] = [await signUpSolo(), await signUpSolo()];
    const bought = await buyVm();
    await bring(user, bought);
    expect(await bring(other, bought)).toMatchObject({ status: 409, body: { code: "purchase_taken" } });
    expect(await bring(other, await buy())).toMatchObject({ status: 422, body: { detail: [{ loc: ["body", "product_id"] }] } });
    expect(await bring(other, { ...(await buy()), productId: PRODUCTS.vm })).toMatchObject({ status: 400, body: { code: "purchase_invalid" } });
    expect(await api("POST", `${BASE}/addon/purchase-apple`, { token: other.accessToken, body: { receipt_data: 7, product_id: PRODUCTS.vm } })).toMatchObject({ status: 422, body: { detail: [{ loc: ["body", "receipt_data"] }] } });
    expect(await rowsOf(other)).toEqual([]);
  });

  it("follows Apple's notifications, in any order", async () => {
    const user = await signUpSolo();
    const bought = await buyVm();
    const id = bought.originalTransactionId;
    await bring(user, bought);
    await apple.change(id, { autoRenew: false });
    const first = await tell(id, "DID_CHANGE_RENEWAL_STATUS");
    expect(await DB.prepare("SELECT last_error AS e FROM webhook_events WHERE id = ?").bind(first).first("e")).toBeNull();
    expect(await listOf(user)).toMatchObject([{ status: "cancelled" }]);
    await apple.change(id, { autoRenew: true });
    await tell(id, "DID_CHANGE_RENEWAL_STATUS", { signedAt: Date.now() + 1_000 }, withoutServerApi());
    expect(await listOf(user)).toMatchObject([{ status: "active" }]);
    await apple.change(id, { autoRenew: false });
    await tell(id, "DID_CHANGE_RENEWAL_STATUS", { signedAt: Date.now() - 1_000 }, withoutServerApi());
    expect(await listOf(user)).toMatchObject([{ status: "active" }]);
    await apple.change(id, { status: 5, revokedAt: Date.now() });
    await tell(id, "REFUND", { signedAt: Date.now() + 2_000 }, withoutServerApi());
    expect(await listOf(user)).toEqual([]);
  });

  it("that comes back beside another one in force is left to an operator", async () => {
    const user = await signUpSolo();
    const [old, current] = [await buyVm({ expiresAt: Date.now() - DAY_MS, autoRenew: false }), await buyVm()];
    expect(await bring(user, old)).toMatchObject({ body: { status: "expired" } });
    expect(await bring(user, current)).toMatchObject({ body: { status: "active" } });
    await apple.change(old.originalTransactionId, { expiresAt: Date.now() + DAY_MS, autoRenew: true });
    const told = await tell(old.originalTransactionId, "SUBSCRIBED", { subtype: "RESUBSCRIBE" });
    expect(await DB.prepare("SELECT last_error AS e FROM webhook_events WHERE id = ? AND processed_at IS NOT NULL").bind(told).first("e")).toBe("APPLE_ADDON_EXISTS");
    expect(await listOf(user)).toHaveLength(1);
  });

  it("is asked for at its end, and ends by the clock where Apple cannot be asked", async () => {
    const [asked, silent] = [await signUpSolo(), await signUpSolo()];
    const expiresAt = Date.now() + DAY_MS;
    const [renewed, lost] = [await buyVm({ expiresAt }), await buyVm({ expiresAt })];
    const ids = [(await bring(asked, renewed)).body.id, (await bring(silent, lost)).body.id] as const;
    await apple.change(renewed.originalTransactionId, { expiresAt: expiresAt + 30 * DAY_MS });
    await settleAddonJob(contextAt(2 * DAY_MS), ids[0]);
    expect(await rowsOf(asked)).toMatchObject([{ status: "active", period_end: expiresAt + 30 * DAY_MS }]);
    await settleAddonJob(withoutServerApi(2 * DAY_MS), ids[1]);
    expect(await rowsOf(silent)).toMatchObject([{ status: "active" }]);
    await settleAddonJob(withoutServerApi(5 * DAY_MS), ids[1]);
    expect(await rowsOf(silent)).toMatchObject([{ status: "expired", ended_at: expiresAt }]);
    await settled();
    await expect(settleAddonJob(contextAt(0), 7)).rejects.toMatchObject({ code: "MALFORMED_REQUEST" });
    await settleAddonJob(contextAt(0), "nobody");
  });

  it("is changed by nobody while Apple cannot be asked", async () => {
    const user = await signUpSolo();
    const bought = await buyVm();
    await apple.answerNext({ status: 500, body: {} });
    expect(await bring(user, bought)).toMatchObject({ status: 503, body: { code: "dependency_unavailable" } });
    expect(await rowsOf(user)).toEqual([]);
  });
});

describe("the owner of an add-on", () => {
  it("is told three days before its end, once, and again when it was resumed in between", async () => {
    const user = await signUpSolo();
    const { addonId, subscriptionId } = await ownAddon(user);
    const machine = await cloudMachine(user);
    await assign(user, machine, addonId);
    await cancel(user, addonId);
    const end = Date.parse((await listOf(user))[0]?.period_end ?? "") - Date.now();
    expect(await isDue(addonId, end - 4 * DAY_MS)).toBe(false);
    await settleAddonJob(contextAt(end - 4 * DAY_MS), addonId);
    expect((await rowsOf(user))[0]?.["warned_at"]).toBeNull();
    expect(await isDue(addonId, end - 2 * DAY_MS)).toBe(true);
    // Mail leaves by the real clock.
    const comeNear = () => DB.prepare("UPDATE user_cloud_vm_addons SET period_end = ? WHERE id = ?").bind(Date.now() + 2 * DAY_MS, addonId).run();
    await comeNear();
    for (let repeat = 0; repeat < 3; repeat++) await settleAddonJob(contextAt(0), addonId);
    const about = async (atLeast: number) => (await mailsTo(user.email, atLeast)).filter(({ subject }) => subject.includes("cloud machine"));
    await settled();
    const before = (await mailsTo(user.email)).length;
    expect(await about(before)).toHaveLength(1);
    expect((await about(before))[0]?.text).toContain("den");
    expect(await isDue(addonId, 0)).toBe(false);
    await contextAt(0).services.payments?.setCancelAtPeriodEnd(subscriptionId, false);
    await hear(user, subscriptionId, 1_000);
    await contextAt(0).services.payments?.setCancelAtPeriodEnd(subscriptionId, true);
    await hear(user, subscriptionId, 2_000);
    await comeNear();
    await settleAddonJob(contextAt(0), addonId);
    await settled();
    expect(await about(before + 1)).toHaveLength(2);
  });

  it("says which machine it pays for", async () => {
    const [user, stranger] = [await signUpSolo(), await signUpSolo()];
    const { addonId } = await ownAddon(user);
    const [a, b, local] = [await cloudMachine(user), await cloudMachine(user), await registerMachine(user)];
    expect(await assign(user, a, addonId)).toMatchObject({ status: 200, body: { instance_id: a, addon_id: addonId, expires_at: null } });
    expect(await assign(user, a, addonId)).toMatchObject({ status: 200 });
    expect(await listOf(user)).toMatchObject([{ instance_id: a }]);
    expect(await assign(user, b, addonId)).toMatchObject({ status: 200 });
    expect(await listOf(user)).toMatchObject([{ instance_id: b }]);
    expect(await assign(user, b, null)).toMatchObject({ status: 200, body: { addon_id: null } });
    expect(await listOf(user)).toMatchObject([{ instance_id: null }]);

    expect(await assign(user, local, addonId)).toMatchObject({ status: 404 });
    expect(await assign(user, "nobody", addonId)).toMatchObject({ status: 404 });
    expect(await assign(user, a, crypto.randomUUID())).toMatchObject({ status: 404 });
    expect(await assign(stranger, a, null)).toMatchObject({ status: 404 });
    expect(await assign(stranger, await cloudMachine(stranger), addonId)).toMatchObject({ status: 404 });
    for (const wrong of [undefined, 7, ""]) expect(await assign(user, a, wrong)).toMatchObject({ status: 422, body: { detail: [{ loc: ["body", "addon_id"] }] } });

    await cancel(user, addonId);
    expect(await assign(user, a, addonId)).toMatchObject({ status: 200, body: { expires_at: expect.any(String) as string } });
    await settleAddonJob(contextAt(40 * DAY_MS), addonId);
    // Whoever takes the machine down finds it by its link.
    expect(await DB.prepare("SELECT vm_entitlement_id AS v FROM instances WHERE instance_id = ?").bind(a).first("v")).toBe(addonId);
    expect(await assign(user, b, addonId)).toMatchObject({ status: 409, body: { code: "addon_ended" } });
    expect(await DB.prepare("SELECT json_extract(detail, '$.instance_id') AS i FROM audit_log WHERE tenant_id = ? AND action = 'vm_addon.expire'").bind(user.userId).first("i")).toBe(a);
    expect((await auditOf(user)).filter((action) => action === "vm_addon.assign")).toHaveLength(4);
    await settled();
  });
});
