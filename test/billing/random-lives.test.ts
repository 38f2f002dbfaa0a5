import { beforeEach, expect, it } from "vitest";
import { settleSubscription } from "../../src/fleet/subscriptions";
import { stripe } from "../support/billing/doubles";
import { pick, randomOf, shuffle } from "../support/billing/random";
import { act, DB, deliver, openShop, rowsOf, signUpBuyer, type Buyer, type StripeEvent } from "../support/billing/shop";
import { contextAt } from "../support/homeserver/view";

/** Random lives: impatient people, a provider that fails, events late and shuffled, the reconciler in between. */

const DAY_MS = 86_400_000;
const PLANS = ["solo", "pro", "team"] as const;

beforeEach(openShop);

interface Life {
  readonly random: () => number;
  readonly late: StripeEvent[];
}

async function tap(user: Buyer, random: () => number): Promise<readonly number[]> {
  const plan = pick(PLANS, random);
  const [method, path, body] = pick<readonly [string, string, object?]>([["POST", "change-plan", { plan }], ["POST", "change-plan", { price_id: `price_${plan}` }], ["POST", "cancel"], ["DELETE", "cancel-change"], ["POST", "checkout", { price_id: `price_${plan}` }]], random);
  const taps = Array.from({ length: 1 + Math.floor(random() * 3) }, () => act(user, method, path, body));
  return (await Promise.all(taps)).map(({ status }) => status);
}

async function fail(random: () => number): Promise<void> {
  await stripe.arm({ kind: pick(["status_500", "lose_answer", "refuse"], random), match: pick(["POST", "GET", "POST /v1/subscriptions", "schedules", "release"], random), times: 1 + Math.floor(random() * 5) });
}

async function hear({ random, late }: Life): Promise<void> {
  late.push(...(await stripe.takeEvents()));
  const chosen = shuffle(late, random).slice(0, Math.floor(random() * 5));
  for (const event of chosen) late.splice(late.indexOf(event), 1);
  await deliver(chosen);
}

/** What was billed for upgrades so far. */
const countUpgrades = async (): Promise<number> => (await stripe.list("invoices")).filter(({ billing_reason: reason }) => reason === "subscription_update").length;

/** What is true at every moment: one subscription at most, and at most one change that waits. */
async function expectSane(note: string): Promise<void> {
  const live = (await stripe.list("subscriptions")).filter(({ ended_at: endedAt }) => endedAt === null);
  expect(live.length, note).toBeLessThanOrEqual(1);
  expect((await stripe.list("schedules")).filter(({ status }) => status === "active" || status === "not_started").length, note).toBeLessThanOrEqual(1);
}

it.each([1, 2, 3, 4])("life %i ends as the provider has it, with nobody billed twice", async (seed) => {
  const random = randomOf(seed * 7_919);
  const user = await signUpBuyer(pick(PLANS, random));
  const life: Life = { random, late: [] };
  for (let step = 0; step < 14; step++) {
    const what = pick(["tap", "tap", "tap", "fail", "hear", "pass", "card"], random);
    const note = `seed ${seed}, step ${step}: ${what}`;
    if (what === "tap") {
      const before = await countUpgrades();
      expect((await tap(user, random)).filter((status) => ![200, 402, 404, 409, 503].includes(status)), note).toEqual([]);
      expect(await countUpgrades(), note).toBeLessThanOrEqual(before + 1);
    } else if (what === "fail") await fail(random);
    else if (what === "hear") {
      await stripe.clear();
      await hear(life);
    } else if (what === "pass") await stripe.advance(pick([3, 12, 32], random) * DAY_MS);
    else await stripe.setCard(user.customerId, pick(["ok", "ok", "declined"], random));
    await expectSane(note);
  }
  await stripe.clear();
  await deliver(shuffle([...life.late, ...(await stripe.takeEvents())], random));
  for (const { id } of await rowsOf(user)) await settleSubscription(contextAt(10 * 60_000), id);
  const truth = (await stripe.list("subscriptions")).map((one) => ({ external_id: one.id, price_id: one.items.data[0]?.price.id, canceling: one.ended_at === null && (one.cancel_at_period_end || one.cancel_at !== null) ? 1 : 0, ended: one.ended_at !== null }));
  const rows = await rowsOf(user);
  expect(rows.map((row) => ({ external_id: row["external_id"], price_id: row["price_id"], canceling: row["cancel_at_period_end"], ended: row["ended_at"] !== null })).sort((a, b) => (String(a.external_id) < String(b.external_id) ? -1 : 1))).toEqual(truth);
  expect(rows.every(({ changing_until: claim }) => claim === null)).toBe(true);
  const waiting = (await stripe.list("schedules")).filter(({ status, phases, current_phase: now }) => status === "active" && phases.some(({ start_date: at }) => at > (now?.start_date ?? 0)));
  expect(rows.flatMap(({ schedule_id: id }) => (id === null ? [] : [id]))).toEqual(waiting.map(({ id }) => id));
  const invoices = (await stripe.list("invoices")).filter(({ status }) => status !== "draft").length;
  const payments = await DB.prepare("SELECT count(*) AS n FROM payments WHERE tenant_id = ?").bind(user.userId).first<{ n: number }>();
  expect(payments?.n).toBe(invoices);
}, 120_000);
