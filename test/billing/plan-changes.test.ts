import { beforeEach, describe, expect, it } from "vitest";
import { endGraceJob, enqueueGraceEnds } from "../../src/fleet/downgrades";
import { forgetEntitlements } from "../../src/fleet/plans";
import { settleSubscription } from "../../src/fleet/subscriptions";
import type { Job } from "../../src/kernel/ports/services";
import { api, expectStatus, signUpUser } from "../support/client";
import { insertBot } from "../support/bots";
import { stripe } from "../support/billing/doubles";
import { act, DB, deliverNews, openShop, rowsOf, signUpBuyer, statusOf, type Buyer } from "../support/billing/shop";
import { contextAt, settled } from "../support/homeserver/view";
import { setTrialEnd } from "../support/plans";

const DAY_MS = 86_400_000;

interface Request {
  readonly request_id: string;
  readonly reason: string;
  readonly from_plan: string;
  readonly to_plan: string;
  readonly grace_ends_at: string;
}
const openRequest = (user: Buyer) => expectStatus<Request | null>(200, "GET", "/api/v1/me/downgrade-requests/active", { token: user.accessToken });
const parked = (user: Buyer) => DB.prepare("SELECT count(*) AS n FROM bots WHERE tenant_id = ? AND plan_disabled_at IS NOT NULL").bind(user.userId).first<number>("n");

/** Somebody who pays for Pro, whose trial is over, and who has seven bots: more than Solo or Free carry. */
async function buyerWithBots(): Promise<Buyer> {
  const buyer = await signUpBuyer("pro");
  await setTrialEnd(buyer, Date.now() - DAY_MS);
  for (let i = 0; i < 7; i++) await insertBot(buyer);
  return buyer;
}

/** What the minute's tick does `ms` from now. */
async function endGraces(ms: number): Promise<void> {
  const jobs: Job[] = [];
  const ctx = contextAt(ms);
  await enqueueGraceEnds({ ...ctx, services: { ...ctx.services, jobs: { send: async (job) => void jobs.push(job) } } });
  for (const job of jobs) await endGraceJob(contextAt(ms), job.payload);
  await settled();
}

beforeEach(openShop);

describe("a plan that is lost", () => {
  it("by a failed payment: nothing is taken during the grace, what fits is kept at its end, and paying brings the rest back", async () => {
    const user = await buyerWithBots();
    await stripe.setCard(user.customerId, "declined");
    await stripe.advance(32 * DAY_MS);
    await deliverNews();
    const request = await openRequest(user);
    const [row] = await rowsOf(user);
    expect(request).toMatchObject({ reason: "payment_failure", from_plan: "pro", to_plan: "free" });
    expect(Date.parse(request?.grace_ends_at ?? "")).toBe(row?.grace_until);
    expect(await parked(user)).toBe(0);
    expect(await api("POST", "/api/v1/openclaw/register", { token: user.accessToken, body: { instance_id: `m-${user.userId}`, label: "one", version: "1" } })).toMatchObject({ status: 200 });
    // New things obey the plan that is coming already.
    expect(await api("POST", "/api/v1/openclaw/register", { token: user.accessToken, body: { instance_id: `n-${user.userId}`, label: "two", version: "1" } })).toMatchObject({ status: 403, body: { code: "plan_limit", limit: 1 } });
    await endGraces(0);
    expect(await parked(user)).toBe(0);

    const overMs = (row?.grace_until ?? 0) - Date.now() + 60_000;
    await settleSubscription(contextAt(overMs), row?.id ?? "");
    await settled();
    await endGraces(overMs);
    expect(await parked(user)).toBe(5);
    expect(await openRequest(user)).toBeNull();

    await DB.prepare("UPDATE user_subscriptions SET provider_read_at = 0 WHERE id = ?").bind(row?.id).run();
    const invoice = (await stripe.list("invoices")).at(-1);
    await stripe.pay(invoice?.id ?? "", "ok");
    await deliverNews();
    expect(await statusOf(user)).toMatchObject({ status: "active", plan_key: "pro" });
    const wizard = await expectStatus<{ features: { feature: string; parked_items: { id: string }[] }[] } | null>(200, "GET", "/api/v1/me/upgrade-requests/active", { token: user.accessToken });
    const left = wizard?.features.find(({ feature }) => feature === "max_bots")?.parked_items.length ?? 0;
    // Either they are back, or their owner is asked which ones should be: none is forgotten.
    expect((await parked(user)) ?? 0).toBe(left);
  });

  it("by one's own wish, and taken back with the change at the provider", async () => {
    const user = await buyerWithBots();
    const { body } = await api<Request>("POST", "/api/v1/me/subscription/downgrade", { token: user.accessToken, body: { to_plan: "solo" } });
    expect(body).toMatchObject({ reason: "user_manual", to_plan: "solo" });
    expect(await stripe.list("schedules")).toHaveLength(1);
    expect(await statusOf(user)).toMatchObject({ plan_key: "pro", pending_plan_name: "Solo" });
    expect(await act(user, "DELETE", "cancel-change")).toMatchObject({ status: 200 });
    await expect.poll(() => openRequest(user), { timeout: 10_000 }).toBeNull();
    expect(await parked(user)).toBe(0);
  });
});

it("what somebody pays more for counts, whatever an administrator had put over it", async () => {
  const user = await signUpBuyer("solo");
  const admin = await signUpUser();
  await DB.prepare("UPDATE users SET role = 'admin' WHERE id = ?").bind(admin.userId).run();
  await setTrialEnd(user, Date.now() - DAY_MS);
  for (let i = 0; i < 4; i++) await insertBot(user);
  await expectStatus(200, "POST", `/api/v1/admin/users/${user.userId}/subscription/downgrade`, { token: admin.accessToken, body: { to_plan: "free", force_immediate: true } });
  forgetEntitlements(user.userId);
  expect(await statusOf(user)).toMatchObject({ plan_key: "free" });
  expect(await act(user, "POST", "change-plan", { plan: "pro" })).toMatchObject({ status: 200, body: { plan: "pro" } });
  expect(await statusOf(user)).toMatchObject({ plan_key: "pro", status: "active" });
});
