import { beforeEach, describe, expect, it } from "vitest";
import { applyAddonSubscription } from "../../../src/fleet/vm-addons";
import { checkAfterPlanChange, checkEntitlementJob, checkEntitlementSoon, checkPageJob, enqueueAllEntitlementChecks, enqueueEntitlementChecks } from "../../../src/fleet/vm-reconcile";
import type { Ctx } from "../../../src/kernel/context";
import { createDb } from "../../../src/kernel/db/client";
import { AppError } from "../../../src/kernel/errors/app-error";
import type { PaidSubscription, Payments } from "../../../src/kernel/ports/payments";
import { api, expectStatus, mailsTo, signUpUser, uniqueName, type TestUser } from "../../support/client";
import { auditOf, cloudContext, findingOf, insertAddon, insertCloudVm, vmRow } from "../../support/cloud-machines";
import { MemoryCompute } from "../../support/compute/memory";
import { bindings, settled } from "../../support/homeserver/view";
import { registerMachine } from "../../support/machines";
import { setPlan } from "../../support/plans";

const { DB } = bindings;
const DAY = 86_400_000;
let compute = new MemoryCompute();
beforeEach(() => void (compute = new MemoryCompute()));

async function signUpOn(plan: string): Promise<TestUser> {
  const user = await signUpUser();
  await setPlan(user, plan);
  return user;
}
/** Compares `user`'s machines with what is paid for, `ms` from now. */
async function check(user: TestUser, ms = 0): Promise<void> {
  await checkEntitlementJob(cloudContext(compute, ms).ctx, user.userId);
  await settled();
}
const mailsAbout = async (user: TestUser, atLeast: number) => (await mailsTo(user.email, atLeast)).filter(({ subject }) => subject.startsWith("Nobody pays"));
const told = (user: TestUser) => auditOf(user, "cloud_vm.notice");

describe("machines that somebody pays for", () => {
  it("keep their places: those of the plan for the oldest, add-ons for the others, none twice", async () => {
    const user = await signUpOn("pro");
    const [young, old] = [await insertCloudVm(user, compute, { created_at: 2 }), await insertCloudVm(user, compute, { created_at: 1 })];
    const addon = await insertAddon(user);
    await check(user);
    expect(await vmRow(old.vmId)).toMatchObject({ addon_id: null, unpaid_since: null, status: "online" });
    expect(await vmRow(young.vmId)).toMatchObject({ addon_id: addon, unpaid_since: null, status: "online" });
    expect(await auditOf(user, "cloud_vm.%")).toEqual(["cloud_vm.place"]);
    await check(user);
    await check(user, 400 * DAY - 1);
    expect(await auditOf(user, "cloud_vm.%")).toEqual(["cloud_vm.place"]);
    expect(compute.computers).toHaveLength(2);
  });

  it("of people without any are not looked at, and nobody else's are touched", async () => {
    const [user, stranger] = [await signUpOn("free"), await signUpOn("free")];
    const theirs = await insertCloudVm(stranger, compute);
    await check(user);
    expect(await vmRow(theirs.vmId)).toMatchObject({ unpaid_since: null });
    await expect(checkEntitlementJob(cloudContext(compute).ctx, "somebody")).rejects.toMatchObject({ code: "MALFORMED_REQUEST" });
  });
});

describe("a machine that nobody pays for any more", () => {
  it("is told of by one mail, shown to administrators, and destroyed three days later", async () => {
    const user = await signUpOn("free");
    const before = (await mailsTo(user.email)).length;
    const [a, b] = [await insertCloudVm(user, compute), await insertCloudVm(user, compute)];
    await Promise.all([check(user), check(user)]);
    await check(user, DAY);
    const [mail, ...others] = await mailsAbout(user, before + 1);
    expect(others).toEqual([]);
    for (const { vmId } of [a, b]) {
      const row = await vmRow(vmId);
      expect(mail?.text).toContain(String(row?.["name"]));
      expect(Number(row?.["destroy_after"]) - Number(row?.["unpaid_since"])).toBe(3 * DAY);
      expect(await findingOf("unpaid_machine", vmId)).toMatchObject({ resolved_at: null, driver: "memory" });
    }
    expect(await told(user)).toHaveLength(2);
    expect(compute.computers).toHaveLength(2);

    await check(user, 3 * DAY + 60_000);
    expect(compute.computers).toEqual([]);
    for (const { vmId, instanceId } of [a, b]) {
      expect(await vmRow(vmId)).toMatchObject({ status: "destroyed" });
      expect(await findingOf("unpaid_machine", vmId)).toMatchObject({ resolved_at: expect.any(Number) as number });
      expect(await api("GET", `/api/v1/dashboard/machines/${instanceId}`, { token: user.accessToken })).toMatchObject({ status: 404 });
    }
    expect((await auditOf(user, "cloud_vm.unpaid_destroy")).length).toBe(2);
    await check(user, 9 * DAY);
    expect(await mailsAbout(user, before + 1)).toHaveLength(1);
  });

  it("stays when somebody pays in time, and is told of anew the next time", async () => {
    const user = await signUpOn("free");
    const { vmId } = await insertCloudVm(user, compute);
    await check(user);
    await setPlan(user, "pro");
    await check(user, DAY);
    expect(await vmRow(vmId)).toMatchObject({ unpaid_since: null, destroy_after: null, status: "online" });
    expect(await findingOf("unpaid_machine", vmId)).toMatchObject({ resolved_at: expect.any(Number) as number });
    await check(user, 4 * DAY);
    await setPlan(user, "free");
    await check(user, 5 * DAY);
    await check(user, 7 * DAY);
    expect(await vmRow(vmId)).toMatchObject({ status: "online" });
    expect(await told(user)).toHaveLength(2);
    // Three days were over; the place came back at the last moment.
    const addon = await insertAddon(user, { period_end: Date.now() + 90 * DAY });
    await check(user, 9 * DAY);
    expect(await vmRow(vmId)).toMatchObject({ status: "online", addon_id: addon, unpaid_since: null });
    expect(compute.destroyed).toEqual([]);
  });

  it("is not destroyed while a downgrade's grace runs", async () => {
    const user = await signUpOn("free");
    const { vmId } = await insertCloudVm(user, compute);
    await check(user);
    const [id, until] = [crypto.randomUUID(), Date.now() + 7 * DAY];
    await DB.prepare("INSERT INTO downgrade_requests (id, tenant_id, from_plan_id, to_plan_id, reason, grace_ends_at, resolved_features, created_at, updated_at) VALUES (?, ?, 1, 1, 'user_manual', ?, '[]', 1, 1)").bind(id, user.userId, until).run();
    await check(user, 4 * DAY);
    expect(await vmRow(vmId)).toMatchObject({ status: "online", destroy_after: until });
    await check(user, 7 * DAY + 60_000);
    expect(await vmRow(vmId)).toMatchObject({ status: "destroyed" });
    expect(await told(user)).toHaveLength(1);
  });

  it("goes with its add-on where the owner was told of that three days ago, and gets its notice where not", async () => {
    const user = await signUpOn("free");
    const over = { status: "expired", period_end: Date.now() - 1, ended_at: Date.now() - 1 };
    const [warned, silent] = [await insertAddon(user, { ...over, warned_at: Date.now() - 3 * DAY }), await insertAddon(user, over)];
    const [a, b] = [await insertCloudVm(user, compute, {}, warned), await insertCloudVm(user, compute, {}, silent)];
    await check(user);
    expect(await vmRow(a.vmId)).toMatchObject({ status: "destroyed" });
    expect(await vmRow(b.vmId)).toMatchObject({ status: "online", addon_id: silent, unpaid_since: expect.any(Number) as number });
    // The next add-on pays for it instead of the old one.
    const addon = await insertAddon(user);
    await check(user, 60_000);
    expect(await vmRow(b.vmId)).toMatchObject({ status: "online", addon_id: addon, unpaid_since: null });
  });

  it("is never concluded from what cannot be asked: an add-on that is overdue is asked for at its provider first", async () => {
    const user = await signUpOn("free");
    const addon = await insertAddon(user, { status: "cancelled", period_end: Date.now() - 1, warned_at: Date.now() - 3 * DAY });
    const { vmId } = await insertCloudVm(user, compute, {}, addon);
    const asking = (getSubscription: Payments["getSubscription"]): Ctx => {
      const { ctx } = cloudContext(compute);
      return { ...ctx, services: { ...ctx.services, payments: { getSubscription } as Payments } };
    };
    const down = asking(() => Promise.reject(new AppError("DEPENDENCY_UNAVAILABLE", "down")));
    await expect(checkEntitlementJob(down, user.userId)).rejects.toMatchObject({ code: "DEPENDENCY_UNAVAILABLE" });
    expect(await vmRow(vmId)).toMatchObject({ status: "online", unpaid_since: null });
    await checkEntitlementJob(asking(() => Promise.resolve(null)), user.userId);
    expect(await vmRow(vmId)).toMatchObject({ status: "destroyed" });
  });

  it("is given up by us even while its provider does not answer", async () => {
    const user = await signUpOn("free");
    const { vmId } = await insertCloudVm(user, compute, { unpaid_since: 1, destroy_after: Date.now() - 1 });
    compute.fault = "unavailable";
    await check(user);
    expect(await vmRow(vmId)).toMatchObject({ status: "destroying", settle_at: expect.any(Number) as number });
    await check(user, 60_000);
    expect(await auditOf(user, "cloud_vm.unpaid_destroy")).toHaveLength(1);
  });

  it("goes at once with a deleted account", async () => {
    const user = await signUpOn("pro");
    const { vmId } = await insertCloudVm(user, compute);
    await DB.prepare("UPDATE users SET status = 'deleted' WHERE id = ?").bind(user.userId).run();
    await check(user);
    expect(await vmRow(vmId)).toMatchObject({ status: "destroyed" });
    expect(await told(user)).toHaveLength(1);
  });

  it("goes at once when its account is not there any more", async () => {
    const nobody = { userId: 900_000_000 + Math.floor(Math.random() * 1e8) } as TestUser;
    const { vmId } = await insertCloudVm(nobody, compute, {}, await insertAddon(nobody));
    await check(nobody);
    expect(await vmRow(vmId)).toMatchObject({ status: "destroyed" });
  });

  it("has the time of the one that took its add-on: one that goes round among three keeps one", async () => {
    const user = await signUpOn("free");
    const addon = await insertAddon(user);
    const machines = [await insertCloudVm(user, compute, { created_at: 1 }), await insertCloudVm(user, compute, { created_at: 2 }), await insertCloudVm(user, compute, { created_at: 3 })];
    await check(user);
    for (let day = 1; day <= 3; day++) {
      const next = machines[day % 3]?.instanceId ?? "";
      await expectStatus(200, "POST", `/api/v1/openclaw/cloud-vm/${next}/assign-to-addon`, { token: user.accessToken, body: { addon_id: addon } });
      await check(user, day * DAY + (day === 3 ? 60_000 : 0));
    }
    expect(await Promise.all(machines.map(async ({ vmId }) => (await vmRow(vmId))?.["status"]))).toEqual(["online", "destroyed", "destroyed"]);
    expect(compute.computers).toHaveLength(1);
  });

  it("does not hold the place of one that is being destroyed", async () => {
    const user = await signUpOn("pro");
    await insertCloudVm(user, compute, { status: "destroying", settle_at: Date.now() + DAY });
    const [first, second] = [await insertCloudVm(user, compute, { created_at: 1 }), await insertCloudVm(user, compute)];
    await check(user);
    expect(await vmRow(first.vmId)).toMatchObject({ unpaid_since: null });
    expect(await vmRow(second.vmId)).toMatchObject({ unpaid_since: expect.any(Number) as number });
  });
});

describe("who is looked at", () => {
  it("are those whose time is up or whose add-on is over, each five minutes, found by indexes", async () => {
    const [due, ended, lapsed, fine] = [await signUpOn("free"), await signUpOn("free"), await signUpOn("free"), await signUpOn("free")];
    await insertCloudVm(due, compute, { unpaid_since: 1, destroy_after: Date.now() - 1 });
    await insertCloudVm(ended, compute, {}, await insertAddon(ended, { status: "expired", period_end: Date.now() - DAY }));
    await insertCloudVm(lapsed, compute, {}, await insertAddon(lapsed, { status: "cancelled", period_end: Date.now() - 1 }));
    await insertCloudVm(fine, compute, { unpaid_since: 1, destroy_after: Date.now() + DAY }, await insertAddon(fine, { status: "expired", period_end: Date.now() - DAY }));
    await insertCloudVm(fine, compute, {}, await insertAddon(fine));
    const { ctx, jobs } = cloudContext(compute);
    const statements: string[] = [];
    await enqueueEntitlementChecks({ ...ctx, db: createDb(recording(DB, statements)) });
    const people = jobs.map(({ type, payload }) => (type === "cloud_vms.entitle" ? payload : null));
    for (const { userId } of [due, ended, lapsed]) expect(people).toContain(userId);
    expect(people).not.toContain(fine.userId);
    expect(statements).toHaveLength(4);
    for (const sql of statements) {
      const { results } = await DB.prepare(`EXPLAIN QUERY PLAN ${sql}`).bind(...Array<null>(sql.split("?").length - 1).fill(null)).all<{ detail: string }>();
      expect(results.map(({ detail }) => detail).filter((detail) => detail.startsWith("SCAN")), sql).toEqual([]);
    }
  });

  it("are all owners each hour, page by page", async () => {
    const user = await signUpOn("pro");
    await insertCloudVm(user, compute);
    const all = cloudContext(compute);
    await enqueueAllEntitlementChecks(all.ctx);
    expect(all.jobs.map(({ payload }) => payload)).toContain(user.userId);
    const page = cloudContext(compute);
    await checkPageJob(page.ctx, { after: user.userId - 1, hour: 1 });
    expect(page.jobs[0]).toMatchObject({ id: `cloud_vms.entitle:${user.userId}:h1`, payload: user.userId });
    await expect(checkPageJob(page.ctx, null)).rejects.toMatchObject({ code: "MALFORMED_REQUEST" });
  });

  it("are owners whose plan changed, or whose add-on came, went, or was given to another machine", async () => {
    const [user, nobody] = [await signUpOn("pro"), await signUpOn("pro")];
    const { instanceId } = await insertCloudVm(user, compute);
    const { ctx, jobs } = cloudContext(compute);
    await checkAfterPlanChange(ctx, { userId: user.userId, fromPlanId: 1, trigger: "stripe" }, "eff_1");
    await checkAfterPlanChange(ctx, { userId: nobody.userId, fromPlanId: 1, trigger: "stripe" }, "eff_2");
    expect(jobs).toEqual([{ v: 1, id: `cloud_vms.entitle:${user.userId}:plan:eff_1`, type: "cloud_vms.entitle", payload: user.userId }]);

    const effects: string[] = [];
    const told = (ms: number): Ctx => ({ ...cloudContext(compute, ms).ctx, pokeOutbox: (some) => Promise.resolve(void effects.push(...some.map(({ type }) => type))) });
    const paid = { id: uniqueName("sub_"), status: "active", priceId: "price_vm", currentPeriodStart: 1, currentPeriodEnd: Date.now() + DAY, cancelAtPeriodEnd: false, cancelAt: null, canceledAt: null, endedAt: null } as PaidSubscription;
    const addon = await applyAddonSubscription(told(0), user.userId, paid, 1);
    await applyAddonSubscription(told(1), user.userId, paid, 2);
    expect(effects).toEqual(["cloud_vms.entitle"]);
    await expectStatus(200, "POST", `/api/v1/openclaw/cloud-vm/${instanceId}/assign-to-addon`, { token: user.accessToken, body: { addon_id: addon?.id } });
    await applyAddonSubscription(told(2), user.userId, { ...paid, status: "canceled" }, 3);
    expect(effects).toEqual(["cloud_vms.entitle", "cloud_vms.entitle"]);
    // All of them come to the worker's own queue.
    await checkEntitlementSoon(ctx, { userId: user.userId }, "eff_3");
    expect(jobs.map(({ payload }) => payload)).toEqual([user.userId, user.userId]);
  });
});

/** The database, noting what is asked of it. */
const recording = (db: D1Database, statements: string[]): D1Database =>
  new Proxy(db, {
    get(target, name) {
      if (name === "prepare") return (sql: string) => (statements.push(sql), target.prepare(sql));
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });

describe("what counts as a cloud machine", () => {
  it("is what we rent, not what a client calls itself: nobody slips past the cap by a name", async () => {
    const user = await signUpOn("free");
    await registerMachine(user);
    const second = () => api("POST", "/api/v1/openclaw/register", { token: user.accessToken, body: { instance_id: crypto.randomUUID(), label: "den", version: "1.0.0", provider: "orgo" } });
    expect(await second()).toMatchObject({ status: 403, body: { code: "plan_limit" } });
    // A real one takes no place of a local one.
    await insertCloudVm(user, compute);
    await setPlan(user, "solo");
    expect(await second()).toMatchObject({ status: 200 });
  });

  it("is removed by destroying it alone, and says itself where it runs", async () => {
    const user = await signUpOn("pro");
    const { instanceId } = await insertCloudVm(user, compute);
    const local = await registerMachine(user, { provider: "orgo" });
    expect(await api("DELETE", `/api/v1/openclaw/instances/${instanceId}`, { token: user.accessToken })).toMatchObject({ status: 409, body: { code: "instance_is_cloud" } });
    expect(await api("DELETE", `/api/v1/openclaw/instances/${local}`, { token: user.accessToken })).toMatchObject({ status: 204 });
    await registerMachine(user, { instance_id: instanceId, provider: "mine", orgo_computer_id: "another" });
    expect(await DB.prepare("SELECT provider, orgo_computer_id AS computer FROM instances WHERE instance_id = ?").bind(instanceId).first()).toEqual({ provider: "orgo", computer: null });
  });
});
