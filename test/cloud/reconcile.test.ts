import * as fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { advanceVmJob } from "../../src/fleet/vm-provisioning";
import { cloudVmTag } from "../../src/fleet/vm-provisioning/tag";
import { destroyComputerJob, enqueueReconcile, reconcileProvider } from "../../src/fleet/vm-reconcile";
import type { Job } from "../../src/kernel/ports/services";
import { cloudContext, findingOf, insertCloudVm, vmRow, type CloudMachine } from "../support/cloud-machines";
import { orgo } from "../support/cloud/provider";
import { bindings, contextAt, settled } from "../support/homeserver/view";
import { uniqueName } from "../support/client";
import type { FaultKind } from "../support/orgo/faults.mjs";

/** Our rows against the provider's list, beside a provider that fails, lies and forgets. */

const { DB } = bindings;
const MINUTE = 60_000;
const USER = { userId: 4_711 };

beforeEach(async () => {
  await orgo.reset();
  await DB.batch(["cloud_vms", "reconcile_findings", "instances", "audit_log"].map((table) => DB.prepare(`DELETE FROM ${table}`)));
});

type Vm = Parameters<typeof insertCloudVm>[2];

/** A machine of ours whose row says so; `computer`: the provider has it. */
async function machine(vm: Vm = {}, computer = true): Promise<CloudMachine> {
  const made = await insertCloudVm(USER, null, { driver: "orgo", computer_id: null, ...vm });
  if (!computer) return made;
  const { id } = await orgo.addComputer(made.tag);
  await DB.prepare("UPDATE cloud_vms SET computer_id = ? WHERE id = ?").bind(id, made.vmId).run();
  return { ...made, computerId: id };
}

/** Compares once, `ms` from now; answers the messages that it sent. */
async function compare(ms = 0): Promise<readonly Job[]> {
  const { ctx, jobs } = cloudContext(undefined, ms);
  await reconcileProvider(ctx);
  return jobs;
}

/** Works messages off as the queue does: what fails comes again, three times; what it sends is worked off as well. */
async function work(jobs: readonly Job[], ms = 0): Promise<void> {
  const queue = jobs.map((job) => ({ job, left: 3 }));
  for (let next = queue.shift(), steps = 0; next && steps < 100; next = queue.shift(), steps++) {
    const { ctx, jobs: sent } = cloudContext(undefined, ms);
    const run = next.job.type === "cloud_vm.destroy_computer" ? destroyComputerJob : advanceVmJob;
    const isDone = await run(ctx, next.job.payload).then(() => true, () => false);
    if (!isDone && next.left > 1) queue.push({ job: next.job, left: next.left - 1 });
    queue.push(...sent.filter(({ type }) => type === "cloud_vm.destroy_computer").map((job) => ({ job, left: 3 })));
  }
  await settled();
}

const tick = async (ms = 0): Promise<void> => work(await compare(ms), ms);
const idsOf = async (tag?: string) => (await orgo.alive()).filter(({ name }) => tag === undefined || name === tag).map(({ id }) => id).sort();
const typesOf = (jobs: readonly Job[]) => jobs.map(({ type }) => type);
const auditOf = async (action: string) => (await DB.prepare("SELECT subject_id AS id FROM audit_log WHERE action = ? ORDER BY id").bind(action).all<{ id: string }>()).results.map(({ id }) => id);
const newTag = async () => cloudVmTag(contextAt(0).config.tokenKeys, crypto.randomUUID());

describe("a computer of ours", () => {
  it("whose machine does not know it is taken for it, once", async () => {
    const { vmId, tag } = await machine({ status: "booting", step: "create", settle_at: Date.now() + MINUTE }, false);
    const { id } = await orgo.addComputer(tag);
    const jobs = await compare();
    expect(await vmRow(vmId)).toMatchObject({ computer_id: id, status: "booting", step: "boot" });
    expect(typesOf(jobs)).toEqual(["cloud_vm.advance"]);
    expect(await DB.prepare("SELECT orgo_computer_id AS c FROM instances WHERE cloud_vm_id = ?").bind(vmId).first("c")).toBe(id);
    expect(await compare()).toEqual([]);
    expect(await auditOf("cloud_vm.adopt")).toEqual([vmId]);
    expect(await idsOf()).toEqual([id]);
  });

  it("of no machine, or of one that is gone, is destroyed; and shown until it is", async () => {
    const orphan = await orgo.addComputer(await newTag());
    const tomb = await machine({ status: "destroyed", destroyed_at: Date.now() });
    const own = await machine();
    const jobs = await compare();
    expect(await findingOf("orphan_computer", orphan.id)).toMatchObject({ resolved_at: null, driver: "orgo" });
    await work([...jobs, ...jobs]);
    expect(await idsOf()).toEqual([own.computerId]);
    expect(await auditOf("cloud_vm.destroy_computer")).toEqual(expect.arrayContaining([orphan.id, tomb.computerId]));
    expect(await auditOf("cloud_vm.destroy_computer")).toHaveLength(2);
    expect(await findingOf("orphan_computer", orphan.id)).toMatchObject({ resolved_at: expect.any(Number) as number });
    expect(await compare()).toEqual([]);
  });

  it("that is one too many is destroyed, and never the one that its machine has", async () => {
    const { tag, computerId } = await machine();
    const twin = await orgo.addTwin(tag);
    await tick();
    expect(await idsOf()).toEqual([computerId]);
    expect((await orgo.lives()).find(({ id }) => id === twin.id)?.ending).toBe("destroyed");
  });

  it("that the list shows twice is one", async () => {
    const { tag, computerId } = await machine();
    await orgo.showTwice(tag, 5);
    expect(await compare()).toEqual([]);
    expect(await idsOf()).toEqual([computerId]);
  });

  it("stays while the provider denies the machine's own: then it is looked at first", async () => {
    const { vmId, tag, computerId } = await machine();
    const twin = await orgo.addTwin(tag);
    const jobs = await compare();
    await orgo.hide(computerId ?? "", { gets: 1 });
    const destroys = jobs.filter(({ type }) => type === "cloud_vm.destroy_computer");
    expect(destroys).toHaveLength(1);
    const { ctx, jobs: sent } = cloudContext(undefined);
    await destroyComputerJob(ctx, destroys[0]?.payload);
    expect(typesOf(sent)).toEqual(["cloud_vm.advance"]);
    expect(await idsOf(tag)).toEqual([computerId, twin.id].sort());
    expect(await vmRow(vmId)).toMatchObject({ computer_id: computerId, settle_at: expect.any(Number) as number });
  });

  it("is left alone when a machine took it between the comparison and the message", async () => {
    const { vmId, tag, computerId } = await machine({ status: "destroyed", destroyed_at: 1 });
    const jobs = await compare();
    await DB.prepare("UPDATE cloud_vms SET status = 'online' WHERE id = ?").bind(vmId).run();
    await work(jobs);
    await DB.prepare("UPDATE cloud_vms SET status = 'booting', computer_id = NULL WHERE id = ?").bind(vmId).run();
    await work(jobs);
    expect(await idsOf(tag)).toEqual([computerId]);
    await expect(destroyComputerJob(cloudContext(undefined).ctx, { computerId })).rejects.toMatchObject({ code: "MALFORMED_REQUEST" });
    await destroyComputerJob(cloudContext(undefined).ctx, { driver: "process", computerId, tag });
    await destroyComputerJob(cloudContext(undefined).ctx, { driver: "orgo", computerId, tag: await newTag() });
    expect(await idsOf(tag)).toEqual([computerId]);
  });
});

describe("a computer that is not ours", () => {
  it("is never touched, whatever its name looks like, and is shown while it is there", async () => {
    const tag = await newTag();
    const forged = `${tag.slice(0, -16)}${"0".repeat(16)}`;
    const strangers = [await orgo.addComputer(forged), await orgo.addComputer("sett-mine"), await orgo.addComputer("somebody's")];
    for (let times = 0; times < 3; times++) await tick(times * 61 * MINUTE);
    expect(await idsOf()).toEqual(strangers.map(({ id }) => id).sort());
    for (const { id, name } of strangers) {
      expect(await findingOf("unknown_computer", id)).toMatchObject({ resolved_at: null });
      await destroyComputerJob(cloudContext(undefined).ctx, { driver: "orgo", computerId: id, tag: name });
    }
    expect(await idsOf()).toHaveLength(3);
    await orgo.lose(strangers[0]?.id ?? "");
    await tick();
    expect(await findingOf("unknown_computer", strangers[0]?.id ?? "")).toMatchObject({ resolved_at: expect.any(Number) as number });
  });
});

describe("a machine that should be up", () => {
  it("is started when it is stopped", async () => {
    const { vmId, tag, computerId } = await machine({ installed_at: 1 });
    await orgo.setStatus(tag, "stopped");
    await tick();
    expect(await vmRow(vmId)).toMatchObject({ status: "booting", computer_id: computerId });
    expect((await orgo.calls()).map(({ call }) => call)).toContain("start");
  });

  it("is looked at when the list does not show it, and stays when only the list was wrong", async () => {
    const { vmId, tag, computerId } = await machine();
    await orgo.hide(tag, { lists: 1 });
    const jobs = await compare();
    expect(typesOf(jobs)).toEqual(["cloud_vm.advance"]);
    expect(await findingOf("lost_computer", vmId)).toMatchObject({ resolved_at: null });
    await work(jobs);
    expect(await vmRow(vmId)).toMatchObject({ computer_id: computerId });
    expect(await idsOf()).toEqual([computerId]);
    await compare(2 * MINUTE);
    expect(await findingOf("lost_computer", vmId)).toMatchObject({ resolved_at: expect.any(Number) as number });
  });

  it("is not looked at while somebody does, or when another provider has it", async () => {
    await machine({ settle_at: Date.now() + 30_000, computer_id: crypto.randomUUID() }, false);
    await machine({ driver: "process", computer_id: uniqueName("p-") }, false);
    expect(await compare()).toEqual([]);
  });
});

describe("what one comparison does", () => {
  it("does not end where one thing of it fails", async () => {
    const orphans = [await orgo.addComputer(await newTag()), await orgo.addComputer(await newTag())];
    const lost = await machine({ computer_id: crypto.randomUUID() }, false);
    const { ctx, jobs } = cloudContext(undefined);
    const failing = new Set(["cloud_vm.destroy_computer"]);
    const send = (job: Job): Promise<void> => (failing.delete(job.type) ? Promise.reject(new Error("the queue is full")) : ctx.services.jobs.send(job));
    await reconcileProvider({ ...ctx, services: { ...ctx.services, jobs: { send } } });
    expect(typesOf(jobs)).toEqual(["cloud_vm.destroy_computer", "cloud_vm.advance"]);
    expect(await vmRow(lost.vmId)).toMatchObject({ settle_at: expect.any(Number) as number });
    await work(jobs);
    await tick();
    for (const { id } of orphans) expect(await idsOf()).not.toContain(id);
  });

  it("ends what was said of a machine that nobody paid for, when somebody does or the machine goes", async () => {
    const nobody = { unpaid_since: 1, destroy_after: Date.now() + 60 * MINUTE };
    const [unpaid, going, gone, paid] = [await machine(nobody), await machine({ ...nobody, status: "destroying" }), await machine({ status: "destroyed", destroyed_at: 1 }, false), await machine()];
    const buried = crypto.randomUUID();
    const subjects = [unpaid.vmId, going.vmId, gone.vmId, paid.vmId, buried];
    await DB.batch(subjects.map((subject) => DB.prepare("INSERT INTO reconcile_findings (kind, subject, driver, detail, first_seen_at, last_seen_at) VALUES ('unpaid_machine', ?, 'orgo', '{}', 1, 1)").bind(subject)));
    await compare();
    const isOpen = await Promise.all(subjects.map(async (subject) => (await findingOf("unpaid_machine", subject))?.["resolved_at"] === null));
    expect(isOpen).toEqual([true, false, false, false, false]);
  });
});

describe("a provider that does not answer", () => {
  it("changes nothing, and is shown after three times in a row", async () => {
    const { vmId } = await machine();
    const orphan = await orgo.addComputer(await newTag());
    await orgo.arm({ kind: "status_500", call: "list", times: 1_000 });
    const before = await vmRow(vmId);
    for (let times = 0; times < 3; times++) {
      const finding = await findingOf("provider_unreachable", "orgo");
      expect(finding?.["resolved_at"] ?? 1, String(times)).not.toBeNull();
      expect(await compare(times * 5 * MINUTE)).toEqual([]);
    }
    expect(await findingOf("provider_unreachable", "orgo")).toMatchObject({ resolved_at: null });
    expect(await vmRow(vmId)).toEqual(before);
    await orgo.disarm();
    await tick(15 * MINUTE);
    expect(await findingOf("provider_unreachable", "orgo")).toMatchObject({ resolved_at: expect.any(Number) as number });
    expect(await idsOf()).not.toContain(orphan.id);
    await orgo.arm({ kind: "status_500", call: "list", times: 1_000 });
    await compare(20 * MINUTE);
    expect(await findingOf("provider_unreachable", "orgo")).toMatchObject({ resolved_at: expect.any(Number) as number });
    await orgo.disarm();
  });

  it("is asked by one message each five minutes, where one is configured", async () => {
    const { ctx, jobs } = cloudContext(undefined);
    await enqueueReconcile(ctx);
    await enqueueReconcile(ctx);
    expect(new Set(jobs.map(({ id }) => id)).size).toBe(1);
    const none = cloudContext(null);
    await enqueueReconcile(none.ctx);
    await reconcileProvider(none.ctx);
    expect(none.jobs).toEqual([]);
  });
});

const FAULTS: readonly FaultKind[] = ["status_500", "status_503", "status_500_after", "lose_answer", "garbage", "garbage_after", "refuse"];
/** A machine of ours, and what of it the provider has. */
const aMachine = fc.record({ kind: fc.constantFrom("own" as const, "unknown_id" as const, "tombstone" as const, "no_row" as const), twins: fc.nat(2), isTwice: fc.boolean() });

describe("chaos", () => {
  it("ends with one computer for each machine that is, none for those that are not, and nobody else's touched", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(aMachine, { minLength: 1, maxLength: 4 }),
        fc.array(fc.record({ kind: fc.constantFrom(...FAULTS), call: fc.constantFrom("list" as const, "get" as const, "destroy" as const), nth: fc.nat(4), times: fc.integer({ min: 1, max: 3 }) }), { maxLength: 5 }),
        async (machines, faults) => {
          await orgo.reset();
          await DB.batch(["cloud_vms", "reconcile_findings", "instances"].map((table) => DB.prepare(`DELETE FROM ${table}`)));
          const wanted: { tag: string; n: number; own: string | null }[] = [];
          for (const { kind, twins, isTwice } of machines) {
            const made = kind === "own" ? await machine() : kind === "no_row" ? { tag: await newTag(), computerId: null } : await machine(kind === "tombstone" ? { status: "destroyed", destroyed_at: 1 } : { status: "failed" }, false);
            if (made.computerId === null) await orgo.addComputer(made.tag);
            for (let i = 0; i < twins; i++) await orgo.addTwin(made.tag);
            if (isTwice) await orgo.showTwice(made.tag, 3);
            wanted.push({ tag: made.tag, n: kind === "own" || kind === "unknown_id" ? 1 : 0, own: made.computerId });
          }
          const stranger = await orgo.addComputer("somebody's");
          await orgo.arm(...faults);
          for (let times = 0; times < 3; times++) await tick(times * 5 * MINUTE);
          await orgo.disarm();
          for (let times = 3; times < 6; times++) await tick(times * 5 * MINUTE);
          for (const { tag, n, own } of wanted) {
            const ids = await idsOf(tag);
            expect(ids, tag).toHaveLength(n);
            if (own !== null && n === 1) expect(ids).toEqual([own]);
            if (n === 1) expect(await DB.prepare("SELECT computer_id AS c FROM cloud_vms WHERE tag = ?").bind(tag).first("c")).toBe(ids[0]);
          }
          expect(await idsOf("somebody's")).toEqual([stranger.id]);
        },
      ),
      { numRuns: 12 },
    );
  });
});
