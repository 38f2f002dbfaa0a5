import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env as bindings } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { AccountFeedDO } from "../../durable-objects/account-feed/account-feed-do";
import type { AccountFeedRpc } from "../../durable-objects/account-feed/account-feed.rpc";
import type { InstanceRpc, Provisioning, Spending } from "../../durable-objects/instance/instance.rpc";
import type { Job } from "../../src/kernel/ports/services";
import { signUpUser, type TestUser } from "../support/client";
import { beat, feedOf, objectOf, registerMachine, StreamClient } from "../support/machines";

const env = bindings as unknown as { readonly JOBS: Queue<Job> };

/** How far a cloud machine is, as its object keeps it and its account's feed tells it. */

const DASHBOARD = "/api/v1/dashboard/events";

interface Vm {
  readonly user: TestUser;
  readonly id: string;
  readonly ref: { readonly userId: number; readonly instanceId: string };
  readonly stub: DurableObjectStub;
  readonly rpc: InstanceRpc;
}

async function newVm(): Promise<Vm> {
  const user = await signUpUser();
  const id = await registerMachine(user);
  const stub = objectOf(user, id);
  return { user, id, ref: { userId: user.userId, instanceId: id }, stub, rpc: stub as unknown as InstanceRpc };
}

const AT = Date.UTC(2026, 10, 22, 12);
const at = (seq: number, fields: Partial<Provisioning> = {}): Provisioning => ({ seq, status: "booting", step: "create", percent: 0, stepPercent: 0, detail: null, at: AT + seq, ...fields });
const installing = (seq: number, stepPercent: number): Provisioning => at(seq, { status: "installing", step: "install", percent: 30 + stepPercent / 2, stepPercent, detail: `Unpacking ${stepPercent}` });

const tell = (vm: Vm, provisioning: Provisioning): Promise<void> => vm.rpc.setProvisioning(vm.ref, provisioning);
const shown = async (vm: Vm) => {
  const summary = await vm.rpc.getSummary(vm.ref);
  return summary && [summary.provisionStatus, summary.provisionPercent, summary.provisionDetail];
};
const listed = async (user: TestUser) => (await (feedOf(user) as unknown as AccountFeedRpc).listMachines(user.userId)).map(({ provisionStatus, provisionPercent }) => [provisionStatus, provisionPercent]);
const spent = (stub: DurableObjectStub): Promise<Spending> => (stub as unknown as { getSpending(): Promise<Spending> }).getSpending();
const logged = (vm: Vm): Promise<unknown[]> =>
  runInDurableObject(feedOf(vm.user), (_, { storage }) =>
    storage.sql
      .exec<{ data: string }>("SELECT data FROM dashboard_events ORDER BY seq")
      .toArray()
      .map(({ data }) => JSON.parse(data) as Record<string, unknown>)
      .filter(({ type }) => type === "cloud_vm.progress")
      .map(({ seq, provisionStatus }) => [seq, provisionStatus]),
  );

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe("provisioning", () => {
  it("is null in summaries and details until somebody tells it, and then shows in both", async () => {
    const vm = await newVm();
    expect(await shown(vm)).toEqual([null, null, null]);
    await tell(vm, at(1, { detail: "Asking for a computer" }));
    expect(await shown(vm)).toEqual(["booting", 0, "Asking for a computer"]);
    await tell(vm, installing(2, 40));
    expect(await vm.rpc.getDetail(vm.ref)).toMatchObject({ provisionStatus: "installing", provisionPercent: 50, provisionDetail: "Unpacking 40" });
    expect(await listed(vm.user)).toEqual([["installing", 50]]);
  });

  it("goes by the row's version: what was overtaken or told before changes and costs nothing", async () => {
    const vm = await newVm();
    await tell(vm, installing(5, 40));
    const before = await spent(vm.stub);
    await tell(vm, at(4));
    await tell(vm, installing(5, 90));
    await tell(vm, installing(6, 40));
    // What stood between is overtaken as well, though 6 told nothing new.
    await tell(vm, at(6, { status: "failed" }));
    const after = await spent(vm.stub);
    expect([after.rowsWritten - before.rowsWritten, after.feedCalls - before.feedCalls]).toEqual([0, 0]);
    expect(await shown(vm)).toEqual(["installing", 50, "Unpacking 40"]);
  });

  it("costs one row where only percents move, and another where the step turns", async () => {
    const vm = await newVm();
    await tell(vm, installing(1, 10));
    const start = await spent(vm.stub);
    await tell(vm, installing(2, 20));
    const moved = await spent(vm.stub);
    expect([moved.rowsWritten - start.rowsWritten, moved.feedCalls - start.feedCalls, moved.alarmsSet - start.alarmsSet]).toEqual([1, 1, 0]);
    await tell(vm, at(3, { status: "setup", step: "setup", percent: 80 }));
    const turned = await spent(vm.stub);
    expect([turned.rowsWritten - moved.rowsWritten, turned.feedCalls - moved.feedCalls, turned.alarmsSet - moved.alarmsSet]).toEqual([2, 1, 0]);
  });

  it("reaches dashboards: turns are replayed to those that were away, percents only shown", async () => {
    const vm = await newVm();
    const dashboard = await StreamClient.open(DASHBOARD, vm.user.accessToken);
    await tell(vm, at(1));
    const first = await dashboard.until("cloud_vm.progress");
    expect(first.data).toEqual({ type: "cloud_vm.progress", instanceId: vm.id, provisionStatus: "booting", step: "create", percent: 0, stepPercent: 0, detail: null, seq: 1, at: new Date(AT + 1).toISOString() });
    await tell(vm, installing(2, 10));
    await tell(vm, installing(3, 20));
    const turned = await dashboard.until("cloud_vm.progress");
    const moved = await dashboard.until("cloud_vm.progress");
    expect([turned.data["seq"], moved.data["seq"], moved.id]).toEqual([2, 3, turned.id]);
    await dashboard.close();
    await tell(vm, installing(4, 60));
    await tell(vm, at(5, { status: "setup", step: "setup", percent: 80 }));
    const again = await StreamClient.open(DASHBOARD, vm.user.accessToken, { "last-event-id": String(moved.id) });
    expect(await again.next()).toMatchObject({ data: { type: "cloud_vm.progress", seq: 5 } });
    expect(await again.next()).toMatchObject({ data: { type: "heartbeat.update", machines: [{ provisionStatus: "setup", provisionPercent: 80 }] } });
    await again.close();
    expect(await logged(vm)).toEqual([[1, "booting"], [2, "installing"], [5, "setup"]]);
  });

  it("outlives evictions of both objects, with its order", async () => {
    const vm = await newVm();
    await tell(vm, installing(3, 10));
    await tell(vm, installing(4, 30));
    await evictDurableObject(vm.stub);
    await evictDurableObject(feedOf(vm.user));
    await tell(vm, at(2));
    expect(await shown(vm)).toEqual(["installing", 45, "Unpacking 30"]);
    // The feed kept no percents; of a machine on its way it asks.
    expect(await listed(vm.user)).toEqual([["installing", 45]]);
    // A beat's row keeps it too.
    await beat(vm.user.accessToken, vm.id);
    await evictDurableObject(vm.stub);
    expect(await shown(vm)).toEqual(["installing", 45, "Unpacking 30"]);
  });

  it("is told once more when the feed was down", async () => {
    const vm = await newVm();
    const report = vi.spyOn(AccountFeedDO.prototype, "report").mockRejectedValue(new Error("the feed is down"));
    await tell(vm, at(1, { status: "failed", step: "boot", percent: 20, detail: "No room" }));
    report.mockRestore();
    expect(await logged(vm)).toEqual([]);
    const dashboard = await StreamClient.open(DASHBOARD, vm.user.accessToken);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 60_000 });
    await runDurableObjectAlarm(vm.stub);
    vi.useRealTimers();
    expect((await dashboard.until("cloud_vm.progress")).data).toMatchObject({ seq: 1, provisionStatus: "failed", detail: "No room" });
    await dashboard.close();
    expect(await listed(vm.user)).toEqual([["failed", 20]]);
  });

  it("makes a machine count as online in D1 once it is heard, whatever runs on it; others need a runtime", async () => {
    const { send } = env.JOBS;
    const told: unknown[] = [];
    vi.spyOn(env.JOBS, "send").mockImplementation((job: Job) => {
      if (job.type === "instance.project") told.push(job.payload);
      return send.call(env.JOBS, job);
    });
    const online = async (vm: Vm) => {
      await vi.waitFor(() => expect(told).toContainEqual(expect.objectContaining({ instanceId: vm.id })));
      return told.splice(0).map((payload) => (payload as { online: boolean }).online);
    };
    const cloud = await newVm();
    await tell(cloud, at(1, { status: "setup", step: "online", percent: 90 }));
    await beat(cloud.user.accessToken, cloud.id, { gateway_status: "unknown" });
    expect(await online(cloud)).toEqual([true]);
    expect(await cloud.rpc.getSummary(cloud.ref)).toMatchObject({ reachable: true, isOnline: false });
    await cloud.rpc.disconnect(cloud.ref, { tokenId: null, expiresAt: null });
    expect(await online(cloud)).toEqual([false]);
    const own = await newVm();
    await beat(own.user.accessToken, own.id, { gateway_status: "unknown" });
    expect(await online(own)).toEqual([false]);
  });

  it("of an unknown machine stores nothing, and is forgotten with its machine", async () => {
    const vm = await newVm();
    const nobody = { userId: vm.user.userId, instanceId: "nobody" };
    const stub = objectOf(vm.user, "nobody");
    await (stub as unknown as InstanceRpc).setProvisioning(nobody, at(1));
    expect(await runInDurableObject(stub, (_, { storage }) => storage.sql.exec("SELECT name FROM sqlite_master WHERE name NOT LIKE '\\_cf%' ESCAPE '\\'").toArray())).toEqual([]);
    await tell(vm, at(7));
    await vm.rpc.purge(vm.ref);
    await tell(vm, at(8));
    expect(await shown(vm)).toBeNull();
    // An id that its owner registers again is another machine.
    const registration = { label: "den", version: "1", provider: null, orgoWorkspaceId: null, orgoWorkspaceName: null, orgoComputerId: null };
    await vm.rpc.register(vm.ref, { ...registration, createdAt: 1 });
    await tell(vm, at(9));
    await vm.rpc.register(vm.ref, { ...registration, createdAt: 2 });
    expect(await shown(vm)).toEqual([null, null, null]);
  });
});
