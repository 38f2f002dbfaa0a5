import { beforeEach, expect, it } from "vitest";
import { checkCapacityJob, endGraceJob, enqueueChecks, enqueueGraceEnds } from "../../src/fleet/downgrades";
import { forgetEntitlements, getEntitlements, limitOf } from "../../src/fleet/plans";
import { settleSubscription } from "../../src/fleet/subscriptions";
import type { Job } from "../../src/kernel/ports/services";
import { insertBot } from "../support/bots";
import { api, signUpUser, type TestUser } from "../support/client";
import { stripe } from "../support/billing/doubles";
import { pick, randomOf } from "../support/billing/random";
import { act, DB, deliverNews, openShop, rowsOf, signUpBuyer, type Buyer } from "../support/billing/shop";
import { contextAt, settled } from "../support/homeserver/view";
import { setTrialEnd } from "../support/plans";

/** Random lives of a payer, their bots and an administrator: what a plan carries, what is parked, and what was paid. */

const DAY_MS = 86_400_000;
const PLANS = ["free", "solo", "pro", "team"] as const;

interface Request {
  readonly request_id: string;
  readonly grace_ended_at: string | null;
}
interface Life {
  readonly user: Buyer;
  readonly admin: TestUser;
  readonly random: () => number;
  /** How far the clock is ahead, ms. */
  at: number;
}

beforeEach(openShop);

const countBots = (user: TestUser, parked: boolean) => DB.prepare(`SELECT count(*) AS n FROM bots WHERE tenant_id = ? AND status = 'active' AND plan_disabled_at IS ${parked ? "NOT " : ""}NULL`).bind(user.userId).first<number>("n");
const requestOf = async (user: TestUser): Promise<Request | null> => (await api<Request | null>("GET", "/api/v1/me/downgrade-requests/active", { token: user.accessToken })).body;

/** Everything that waits is done: events heard, readings settled, graces ended, the hourly look taken. */
async function quiesce({ user, at }: Life): Promise<void> {
  await deliverNews();
  for (const { id } of await rowsOf(user)) await settleSubscription(contextAt(at), id);
  await settled();
  const jobs: Job[] = [];
  const ctx = contextAt(at);
  const finder = { ...ctx, services: { ...ctx.services, jobs: { send: async (job: Job) => void jobs.push(job) } } };
  await enqueueGraceEnds(finder);
  await enqueueChecks(finder);
  for (const { type, payload } of jobs) await (type === "downgrade.grace_end" ? endGraceJob : checkCapacityJob)(contextAt(at), payload);
  await settled();
  forgetEntitlements(user.userId);
}

async function step(life: Life, what: string): Promise<void> {
  const { user, admin, random } = life;
  const plan = pick(PLANS, random);
  const asAdmin = (method: string, path: string, body?: unknown) => api(method, `/api/v1/admin/users/${user.userId}${path}`, { token: admin.accessToken, ...(body === undefined ? {} : { body }) });
  const open = await requestOf(user);
  if (what === "change") await act(user, "POST", "change-plan", { plan });
  else if (what === "cancel") await act(user, "POST", "cancel");
  else if (what === "undo") await act(user, "DELETE", "cancel-change");
  else if (what === "wish") await api("POST", "/api/v1/me/subscription/downgrade", { token: user.accessToken, body: { to_plan: plan } });
  else if (what === "card") await stripe.setCard(user.customerId, pick(["ok", "declined"], random));
  else if (what === "bot") await insertBot(user);
  else if (what === "impose") await asAdmin("POST", "/subscription/downgrade", { to_plan: plan, force_immediate: random() < 0.5 });
  else if (what === "gift") await asAdmin("POST", "/subscription/upgrade", { to_plan: plan });
  else if (what === "revert" && open) await asAdmin("DELETE", `/downgrade-requests/${open.request_id}`);
  else if (what === "refund") {
    const paid = (await stripe.list("invoices")).filter(({ status, amount_paid: amount }) => status === "paid" && amount > 0);
    const chosen = paid[Math.floor(random() * paid.length)];
    if (chosen?.id) await stripe.refund(chosen.id).catch(() => undefined);
  } else if (what === "choose" && open) {
    const { results } = await DB.prepare("SELECT id FROM bots WHERE tenant_id = ? AND status = 'active' AND plan_disabled_at IS NULL").bind(user.userId).all<{ id: string }>();
    const keep = results.slice(0, Math.floor(random() * 6)).map(({ id }) => id);
    await api("POST", `/api/v1/me/downgrade-requests/${open.request_id}/resolve`, { token: user.accessToken, body: { feature: "max_bots", keep_ids: keep } });
  } else if (what === "restore") {
    const { body: wizard } = await api<{ request_id: string; features: { feature: string; parked_items: { id: string }[] }[] } | null>("GET", "/api/v1/me/upgrade-requests/active", { token: user.accessToken });
    const parked = wizard?.features.find(({ feature }) => feature === "max_bots")?.parked_items ?? [];
    if (wizard) await api("POST", `/api/v1/me/upgrade-requests/${wizard.request_id}/resolve`, { token: user.accessToken, body: { feature: "max_bots", reenable_ids: parked.slice(0, 3).map(({ id }) => id) } });
  } else if (what === "time") {
    const days = pick([1, 8, 32], random);
    life.at += days * DAY_MS;
    await stripe.advance(days * DAY_MS);
  }
}

const STEPS = ["change", "change", "cancel", "undo", "wish", "card", "bot", "bot", "impose", "gift", "revert", "refund", "choose", "restore", "time", "time"] as const;

it.each([1, 2, 3, 4, 5, 6])("life %i: nobody is over capacity unflagged, nothing goes during a grace, nothing returns beyond the cap, no payment is lost", async (seed) => {
  const random = randomOf(seed * 104_729);
  const user = await signUpBuyer(pick(["solo", "pro"], random));
  const admin = await signUpUser();
  await DB.prepare("UPDATE users SET role = 'admin' WHERE id = ?").bind(admin.userId).run();
  await setTrialEnd(user, Date.now() - DAY_MS);
  const life: Life = { user, admin, random, at: 0 };
  for (let i = 0; i < 4; i++) await insertBot(user);
  for (let turn = 0; turn < 18; turn++) {
    const what = pick(STEPS, random);
    const note = `seed ${seed}, turn ${turn}: ${what}`;
    const before = { active: (await countBots(user, false)) ?? 0, parked: (await countBots(user, true)) ?? 0, request: await requestOf(user) };
    await step(life, what);
    await settled();
    const during = await requestOf(user);
    const inGrace = before.request !== null && during?.request_id === before.request.request_id && during.grace_ended_at === null;
    if (inGrace && !["choose", "time"].includes(what)) expect(await countBots(user, true), `${note}: nothing goes during a grace`).toBeLessThanOrEqual(before.parked);
    await quiesce(life);
    const limit = limitOf(await getEntitlements(contextAt(life.at), user.userId, { fresh: true }), "max_bots");
    const active = (await countBots(user, false)) ?? 0;
    if (limit !== null && active > limit) expect(await requestOf(user), `${note}: ${active} of ${limit} bots and no request`).not.toBeNull();
    if (limit !== null && active > before.active && what !== "bot") expect(active, `${note}: back beyond the cap`).toBeLessThanOrEqual(limit);
    const schedules = (await stripe.list("schedules")).filter(({ status }) => status === "active" || status === "not_started");
    expect(schedules.length, note).toBeLessThanOrEqual(1);
  }
  const paid = (await stripe.list("invoices")).filter(({ status }) => status === "paid").map(({ id }) => id).sort();
  const { results } = await DB.prepare("SELECT id FROM payments WHERE tenant_id = ? AND status = 'paid' ORDER BY id").bind(user.userId).all<{ id: string }>();
  expect(results.map(({ id }) => id)).toEqual(paid);
}, 120_000);
