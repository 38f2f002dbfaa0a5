import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { enqueueBotsToSettle, SAGA_LEASE_MS, settleBot } from "../../src/fleet/bots";
import { endGraceJob, followPlanChange } from "../../src/fleet/downgrades";
import { forgetEntitlements } from "../../src/fleet/plans";
import type { Job } from "../../src/kernel/ports/services";
import { api, expectStatus, signUpUser, uniqueName, type TestUser } from "../support/client";
import { faults } from "../support/homeserver/client";
import { accountOf, bindings, contextAt, settled, whoIs } from "../support/homeserver/view";

/** What a lost and a regained plan do to bots on the homeserver. */

interface Bot {
  readonly id: string;
  readonly bot_user_id: string;
  readonly access_token: string;
}
interface Resolved {
  readonly disabled: readonly string[];
  readonly repaired_bots: readonly { readonly bot_id: string; readonly bot_user_id: string; readonly pair_code: string; readonly expires_in: number }[];
}

const DAY_MS = 86_400_000;
let admin: TestUser;
beforeAll(async () => {
  admin = await signUpUser();
  await bindings.DB.prepare("UPDATE users SET role = 'admin' WHERE id = ?").bind(admin.userId).run();
});
beforeEach(() => faults.clear());

async function setPlan(user: TestUser, plan: string): Promise<void> {
  await bindings.DB.prepare("UPDATE users SET plan_key = ? WHERE id = ?").bind(plan, user.userId).run();
  forgetEntitlements(user.userId);
}
const planId = async (key: string): Promise<number> => (await bindings.DB.prepare("SELECT id FROM plans WHERE key = ?").bind(key).first<number>("id")) ?? 0;
const tell = async (user: TestUser, from: string): Promise<void> => followPlanChange(contextAt(0), { userId: user.userId, fromPlanId: await planId(from), trigger: "stripe" }, uniqueName("eff"));

/** Somebody on `plan` with that many bots, oldest first. */
async function person(plan: string, count: number): Promise<{ readonly user: TestUser; readonly bots: readonly Bot[] }> {
  const user = await signUpUser();
  await setPlan(user, plan);
  const bots: Bot[] = [];
  for (let i = 0; i < count; i++) bots.push(await expectStatus<Bot>(201, "POST", "/api/v1/bots", { token: user.accessToken, body: { bot_name: "Rocky", bot_username: uniqueName("b").slice(0, 18) } }));
  return { user, bots };
}

/** Which of the bots work on the homeserver. */
const working = async (bots: readonly Bot[]): Promise<boolean[]> => Promise.all(bots.map(async (bot) => (await accountOf(bot.bot_user_id))?.deactivated === false));
const down = (user: TestUser, plan: string) => expectStatus<{ request_id: string }>(200, "POST", "/api/v1/me/subscription/downgrade", { token: user.accessToken, body: { to_plan: plan } });
const resolve = (user: TestUser, requestId: string, keep: readonly Bot[]) =>
  api<Resolved>("POST", `/api/v1/me/downgrade-requests/${requestId}/resolve`, { token: user.accessToken, body: { feature: "max_bots", keep_ids: keep.map(({ id }) => id) } });

async function tick(): Promise<void> {
  const jobs: Job[] = [];
  const ctx = contextAt(SAGA_LEASE_MS + 1_000);
  await enqueueBotsToSettle({ ...ctx, services: { ...ctx.services, jobs: { send: async (job) => void jobs.push(job) } } });
  for (const job of jobs) await settleBot(contextAt(SAGA_LEASE_MS + 1_000), String(job.payload));
  await settled();
}

describe("a plan that is lost and regained", () => {
  it("parks the bots that were not kept, and brings back those that are chosen, each with a fresh code that works", async () => {
    const { user, bots } = await person("solo", 4);
    const { request_id: requestId } = await down(user, "free");
    expect(await working(bots)).toEqual([true, true, true, true]);
    expect((await resolve(user, requestId, bots.slice(2))).status).toBe(200);
    expect(await working(bots)).toEqual([false, false, true, true]);
    expect(await whoIs(bots[0]?.access_token ?? "")).toBeNull();
    expect(await whoIs(bots[3]?.access_token ?? "")).toBe(bots[3]?.bot_user_id);

    await bindings.DB.prepare("DELETE FROM user_subscriptions WHERE tenant_id = ?").bind(user.userId).run();
    await setPlan(user, "solo");
    await tell(user, "free");
    const upgrade = await expectStatus<{ request_id: string }>(200, "GET", "/api/v1/me/upgrade-requests/active", { token: user.accessToken });
    const answer = await expectStatus<Resolved>(200, "POST", `/api/v1/me/upgrade-requests/${upgrade.request_id}/resolve`, { token: user.accessToken, body: { feature: "max_bots", reenable_ids: [bots[0]?.id] } });
    expect(await working(bots)).toEqual([true, false, true, true]);
    expect(answer.repaired_bots).toMatchObject([{ bot_id: bots[0]?.id, bot_user_id: bots[0]?.bot_user_id }]);
    const [repaired] = answer.repaired_bots;
    expect(repaired?.expires_in).toBeGreaterThan(500);
    const machine = await expectStatus<{ instance_id: string }>(200, "POST", "/api/v1/openclaw/register", { token: user.accessToken, body: { instance_id: uniqueName("openclaw-"), label: "den", version: "1.0.0" } });
    const redeemed = await expectStatus<{ access_token: string }>(200, "POST", "/api/v1/pairing/redeem", { body: { code: repaired?.pair_code, instance_id: machine.instance_id } });
    expect(await whoIs(redeemed.access_token)).toBe(bots[0]?.bot_user_id);
  });

  it("is taken back by an administrator: every bot works again", async () => {
    const { user, bots } = await person("solo", 4);
    const { request_id: requestId } = await down(user, "free");
    await endGraceJob(contextAt(7 * DAY_MS + 1_000), requestId);
    await tick();
    expect((await working(bots)).filter(Boolean)).toHaveLength(2);
    await expectStatus(200, "DELETE", `/api/v1/admin/users/${user.userId}/downgrade-requests/${requestId}`, { token: admin.accessToken });
    await tick();
    expect(await working(bots)).toEqual([true, true, true, true]);
  });

  it("is kept track of while the homeserver is away: nothing is half done, and nothing is lost", async () => {
    const { user, bots } = await person("solo", 4);
    const { request_id: requestId } = await down(user, "free");
    await faults.arm({ kind: "refuse", match: "deactivate", times: 1_000 });
    expect(await resolve(user, requestId, bots.slice(0, 2))).toMatchObject({ status: 200, body: { disabled: bots.slice(2).map(({ id }) => id) } });
    expect((await resolve(user, requestId, bots.slice(0, 2))).status).toBe(409);
    expect(await working(bots)).toEqual([true, true, true, true]);
    await faults.clear();
    await tick();
    expect(await working(bots)).toEqual([true, true, false, false]);
  });
});
