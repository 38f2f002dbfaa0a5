import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { createSystemContext } from "../../../src/context";
import type { Env } from "../../../src/env";
import { followPlanChange } from "../../../src/fleet/downgrades";
import { forgetEntitlements } from "../../../src/fleet/plans";
import { insertBot } from "../../support/bots";
import { api, expectStatus, signUpUser, uniqueName, type TestUser } from "../../support/client";

const bindings = env as unknown as Env;
const { DB } = bindings;

interface Active {
  readonly request_id: string;
  readonly features: readonly { readonly feature: string; readonly new_limit: number; readonly currently_active: number; readonly parked_items: readonly { readonly id: string }[]; readonly resolved: boolean }[];
}

const setPlan = async (user: TestUser, plan: string): Promise<void> => {
  await DB.prepare("UPDATE users SET plan_key = ? WHERE id = ?").bind(plan, user.userId).run();
  forgetEntitlements(user.userId);
};
const planId = async (key: string): Promise<number> => (await DB.prepare("SELECT id FROM plans WHERE key = ?").bind(key).first<number>("id")) ?? 0;
const tell = async (user: TestUser, from: string, effectId: string, trigger = "stripe"): Promise<void> =>
  followPlanChange(createSystemContext(bindings, { waitUntil: () => undefined }, "test", uniqueName("req")), { userId: user.userId, fromPlanId: await planId(from), trigger }, effectId);
const active = async (user: TestUser): Promise<Active | null> => (await api<Active | null>("GET", "/api/v1/me/upgrade-requests/active", { token: user.accessToken })).body;
const resolve = (user: TestUser, id: string, ids: readonly string[], feature = "max_bots") => api("POST", `/api/v1/me/upgrade-requests/${id}/resolve`, { token: user.accessToken, body: { feature, reenable_ids: ids } });
const dismiss = (user: TestUser, id: string) => api("POST", `/api/v1/me/upgrade-requests/${id}/dismiss`, { token: user.accessToken });
const parked = async (user: TestUser): Promise<string[]> => (await DB.prepare("SELECT id FROM bots WHERE tenant_id = ? AND plan_disabled_at IS NOT NULL ORDER BY created_at").bind(user.userId).all<{ id: string }>()).results.map(({ id }) => id);

/** Somebody on solo with three working bots and four parked ones: room for two. */
async function risen(): Promise<{ readonly user: TestUser; readonly parked: readonly string[]; readonly request: Active }> {
  const user = await signUpUser();
  for (let i = 0; i < 3; i++) await insertBot(user, { created_at: 500 + i });
  const ids: string[] = [];
  for (let i = 0; i < 4; i++) ids.push((await insertBot(user, { created_at: 1_000 + i, plan_disabled_at: 5_000, matrix_state: "down" })).id);
  await setPlan(user, "solo");
  await tell(user, "free", uniqueName("eff"));
  const request = await active(user);
  if (!request) throw new Error("nothing is asked");
  return { user, parked: ids, request };
}

describe("a plan that went up", () => {
  it("asks what comes back, once, and brings back no more than fits", async () => {
    const { user, parked: ids, request } = await risen();
    expect(request).toMatchObject({ from_plan: "free", to_plan: "solo", trigger: "stripe_upgrade", features: [{ feature: "max_bots", new_limit: 5, currently_active: 3, resolved: false }] });
    expect(request.features[0]?.parked_items).toMatchObject(ids.map((id) => ({ id, kind: "bot", parked_at: new Date(5_000).toISOString() })));
    const other = await signUpUser();
    expect(await resolve(other, request.request_id, [])).toMatchObject({ status: 404 });
    expect(await dismiss(other, request.request_id)).toMatchObject({ status: 404 });
    expect(await resolve(user, request.request_id, ["stranger"])).toMatchObject({ status: 422 });
    expect(await resolve(user, request.request_id, ids.slice(0, 3))).toMatchObject({ status: 422 });
    expect(await resolve(user, request.request_id, [], "storage_mb")).toMatchObject({ status: 422 });
    expect(await parked(user)).toEqual(ids);
    expect(await resolve(user, request.request_id, ids.slice(0, 2))).toMatchObject({ status: 200, body: { resolution: "resolved", reenabled: ids.slice(0, 2), remaining_features_with_parked: [], repaired_bots: [] } });
    expect(await parked(user)).toEqual(ids.slice(2));
    expect(await resolve(user, request.request_id, [])).toMatchObject({ status: 409, body: { code: "request_resolved" } });
    expect(await dismiss(user, request.request_id)).toMatchObject({ status: 409 });
    expect(await active(user)).toBeNull();
  });

  it("is resolved feature by feature", async () => {
    const { user, request } = await risen();
    const machine = await expectStatus<{ instance_id: string }>(200, "POST", "/api/v1/openclaw/register", { token: user.accessToken, body: { instance_id: uniqueName("openclaw-"), label: "den", version: "1.0.0" } });
    await DB.prepare("UPDATE instances SET plan_disabled_at = 5 WHERE instance_id = ?").bind(machine.instance_id).run();
    expect(await resolve(user, request.request_id, [])).toMatchObject({ status: 200, body: { resolved_at: null, remaining_features_with_parked: ["multiple_openclaw_instances"] } });
    expect(await resolve(user, request.request_id, [machine.instance_id], "multiple_openclaw_instances")).toMatchObject({ status: 200, body: { resolution: "resolved" } });
    expect(await DB.prepare("SELECT plan_disabled_at FROM instances WHERE instance_id = ?").bind(machine.instance_id).first("plan_disabled_at")).toBeNull();
  });

  it("brings back no more than fits when two choices come at once", async () => {
    const { user, parked: ids, request } = await risen();
    await Promise.all([resolve(user, request.request_id, ids.slice(0, 2)), resolve(user, request.request_id, ids.slice(2, 4))]);
    expect(await parked(user)).toHaveLength(2);
  });

  it("leaves everything parked when it is dismissed, until a later rise asks again", async () => {
    const { user, parked: ids, request } = await risen();
    expect(await dismiss(user, request.request_id)).toMatchObject({ status: 200, body: { ok: true, resolution: "dismissed" } });
    expect(await dismiss(user, request.request_id)).toMatchObject({ status: 200 });
    expect([await active(user), await parked(user)]).toEqual([null, ids]);
    await setPlan(user, "pro");
    const change = uniqueName("eff");
    await tell(user, "solo", change, "apple");
    expect(await active(user)).toMatchObject({ to_plan: "pro", trigger: "apple_upgrade", features: [{ new_limit: 25 }] });
    await dismiss(user, (await active(user))?.request_id ?? "");
    // The same change told again is no other rise.
    await tell(user, "solo", change, "apple");
    expect(await active(user)).toBeNull();
    const { results } = await DB.prepare("SELECT action FROM audit_log WHERE tenant_id = ? AND action LIKE 'upgrade.%' ORDER BY id").bind(user.userId).all<{ action: string }>();
    expect(results.map(({ action }) => action)).toEqual(["upgrade.open", "upgrade.dismiss", "upgrade.open", "upgrade.dismiss"]);
  });

  it("asks nothing any more once the plan goes down again", async () => {
    const { user } = await risen();
    await setPlan(user, "free");
    await tell(user, "solo", uniqueName("eff"));
    expect(await active(user)).toBeNull();
    expect((await api<{ to_plan: string }>("GET", "/api/v1/me/downgrade-requests/active", { token: user.accessToken })).body).toMatchObject({ to_plan: "free" });
  });
});
