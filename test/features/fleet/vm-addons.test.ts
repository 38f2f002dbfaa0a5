import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { api, expectStatus, mintToken, signUpUser, uniqueName } from "../../support/client";
import { registerMachine } from "../../support/machines";
import { setPlan } from "../../support/plans";

/** Where neither payments nor an App Store are set up. What they do for add-ons is in test/billing. */

const { DB } = env as unknown as { DB: D1Database };
const BASE = "/api/v1/openclaw/cloud-vm";

describe("add-ons where nothing is sold", () => {
  it("are not bought, brought or cancelled, and nothing changes", async () => {
    const user = await signUpUser();
    await setPlan(user, "pro");
    const { accessToken: token } = user;
    const id = crypto.randomUUID();
    await DB.prepare("INSERT INTO user_cloud_vm_addons (id, tenant_id, source, external_id, status, period_end, created_at, updated_at) VALUES (?, ?, 'stripe', ?, 'active', ?, ?, ?)").bind(id, user.userId, uniqueName("sub_"), Date.now() + 1e9, Date.now(), Date.now()).run();
    const before = await DB.prepare("SELECT * FROM user_cloud_vm_addons WHERE tenant_id = ?").bind(user.userId).all();
    const receipt = { receipt_data: "TUlJVA==", product_id: "vm.monthly" };
    for (const [path, body] of [["addon/purchase", undefined], ["addon/purchase-apple", receipt], [`addon/${id}/cancel`, undefined]] as const) {
      expect(await api("POST", `${BASE}/${path}`, { token, ...(body === undefined ? {} : { body }) }), path).toMatchObject({ status: 503, body: { code: "dependency_unavailable" } });
    }
    expect((await DB.prepare("SELECT * FROM user_cloud_vm_addons WHERE tenant_id = ?").bind(user.userId).all()).results).toEqual(before.results);
    expect(await DB.prepare("SELECT count(*) AS n FROM audit_log WHERE tenant_id = ? AND action LIKE 'vm_addon.%'").bind(user.userId).first("n")).toBe(0);
  });

  it("are listed and given to machines all the same, by a CLI as well; overdue ones are neither", async () => {
    const user = await signUpUser();
    const { token } = await mintToken(user);
    const [kept, over] = [crypto.randomUUID(), crypto.randomUUID()];
    for (const [id, end] of [[kept, Date.now() + 1e9], [over, Date.now() - 1]] as const) {
      await DB.prepare("INSERT INTO user_cloud_vm_addons (id, tenant_id, source, external_id, status, period_end, created_at, updated_at) VALUES (?, ?, 'stripe', ?, 'cancelled', ?, ?, ?)").bind(id, user.userId, uniqueName("sub_"), end, Date.now(), Date.now()).run();
    }
    const machine = await registerMachine(user);
    await DB.prepare("UPDATE instances SET provider = 'orgo', cloud_vm_id = instance_id WHERE instance_id = ?").bind(machine).run();
    await expectStatus(200, "POST", `${BASE}/${machine}/assign-to-addon`, { token, body: { addon_id: kept } });
    expect(await expectStatus(200, "GET", `${BASE}/addon`, { token })).toMatchObject({ addons: [{ id: kept, status: "cancelled", instance_id: machine }] });
    expect((await expectStatus<{ addons: unknown[] }>(200, "GET", `${BASE}/addon`, { token })).addons).toHaveLength(1);
    expect(await api("POST", `${BASE}/${machine}/assign-to-addon`, { token, body: { addon_id: over } })).toMatchObject({ status: 409, body: { code: "addon_ended" } });
    await DB.prepare("UPDATE instances SET archived_at = 1 WHERE instance_id = ?").bind(machine).run();
    expect(await api("POST", `${BASE}/${machine}/assign-to-addon`, { token, body: { addon_id: null } })).toMatchObject({ status: 404 });
  });
});
