import { afterAll, beforeAll, expect, it } from "vitest";
import { createCloudVm } from "../../src/fleet/cloud-vms/create-cloud-vm";
import { destroyCloudVm } from "../../src/fleet/cloud-vms/destroy-cloud-vm";
import { restartCloudVm } from "../../src/fleet/cloud-vms/restart-cloud-vm";
import { expectNone, expectOne, expectSound } from "../support/cloud/checks";
import { orgo } from "../support/cloud/provider";
import type { Cut } from "../support/cloud/run";
import { bindings, handBack } from "../support/cloud/time";
import { openWorld, wish } from "../support/cloud/wishes";
import { isAtRest, type VmRow, type World } from "../support/cloud/world";
import { setPlan } from "../support/plans";

/**
 * The worker killed at every cut point. A cut is after each thing that changes the world outside (D1, an object, the queue, the provider), and
 * before the first: between two of them nothing outside can tell where the worker died. Then the messages come again, the sweeps find the
 * rest, and the end is the same as without.
 */

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(handBack);

const isOnline = (rows: readonly VmRow[]): boolean => rows.length > 0 && rows.every(({ status }) => status === "online");
const isBuried = (rows: readonly VmRow[]): boolean => rows.every(({ status }) => status === "destroyed");
const isOver = (rows: readonly VmRow[]): boolean => rows.length === 0;

/** Ends what is destroyed with one more look, in which workers are killed too: the quarter of an hour before need not pass each time. */
async function bury(): Promise<void> {
  await world.until(isBuried);
  await world.age();
  await world.until(isOver);
}
const isSettled = (rows: readonly VmRow[]): boolean => rows.every(isAtRest);

/** Cuts in order: before the first write, then after each. */
const cutOf = (index: number): Cut => (index === 0 ? { nth: 0, when: "before" } : { nth: index - 1, when: "after" });

/** Runs `life` with every cut, until there is none to come to. @param stride more than 1: only one in so many, for a life most of whose cuts are another's, too @returns how many there were */
async function everyCut(name: string, life: (note: () => string, index: number) => Promise<void>, stride = 1): Promise<number> {
  for (let index = 0; ; index += stride) {
    if (index > 200) throw new Error("there is no end of cuts");
    const note = (): string => `${name}, cut ${index}: ${world.counter.hit ?? "none"}`;
    await life(note, index);
    if (world.counter.hit === null) return index;
  }
}

/** What people do who got no answer: they ask again. */
async function insist<T>(label: string, work: Parameters<typeof world.act<T>>[1]): Promise<void> {
  let answer = await world.act(label, work);
  if (!answer.ok && answer.killed) answer = await world.act(label, work);
  if (!answer.ok) throw answer.error;
}

/** A second request that waits for what the provider says to the first, which died: meanwhile the world goes on. */
let waiting: Promise<{ readonly ok: boolean; readonly error?: unknown }> | null = null;

async function post(): Promise<void> {
  const ask = () => world.act("POST", (ctx) => createCloudVm(ctx, wish()));
  const answer = await ask();
  if (answer.ok) return;
  if (!answer.killed) throw answer.error;
  const isThere = (await world.rows()).length > 0;
  waiting = ask();
  await (isThere ? Promise.race([waiting, new Promise((resolve) => setTimeout(resolve, 100))]) : waiting);
}

async function online(): Promise<VmRow> {
  await world.begin();
  await post();
  await world.until(isOnline);
  return world.row();
}

/** Ends the part in which workers are killed: the cut's name stays. */
async function rest(): Promise<void> {
  world.counter.disarm();
  const answer = await waiting;
  waiting = null;
  if (answer && !answer.ok) throw answer.error;
  await world.calm();
}

it("create, and its client asks again", async () => {
  const cuts = await everyCut("create", async (note, index) => {
    await world.begin();
    world.counter.arm(cutOf(index));
    await post();
    await world.until(isOnline);
    await rest();
    await expectOne(world, note());
    expect(await orgo.mostAtOnce("^sett-"), note()).toBe(1);
    expect((await orgo.lives()).length, note()).toBe(1);
  });
  expect(cuts).toBeGreaterThan(30);
}, 120_000);

it("create, and its client never comes back", async () => {
  await everyCut("create once", async (note, index) => {
    await world.begin();
    world.counter.arm(cutOf(index));
    await world.act("POST", (ctx) => createCloudVm(ctx, wish()));
    const wanted = await world.rows();
    await rest();
    if (wanted.length === 0) await expectNone(world, note());
    else await expectOne(world, note());
    expect(await orgo.mostAtOnce("^sett-"), note()).toBe(wanted.length);
  });
}, 120_000);

it("destroy", async () => {
  const cuts = await everyCut("destroy", async (note, index) => {
    const { instance_id: id } = await online();
    world.counter.arm(cutOf(index));
    await world.act("DELETE", (ctx) => destroyCloudVm(ctx, id));
    // Who got no answer looks, and asks again while it is there.
    if ((await world.rows()).some(({ status }) => status === "online")) await insist("DELETE", (ctx) => destroyCloudVm(ctx, id));
    await bury();
    await rest();
    await expectNone(world, note());
  });
  expect(cuts).toBeGreaterThan(15);
}, 120_000);

it("destroy, while it boots", async () => {
  await everyCut("destroy early", async (note, index) => {
    await world.begin();
    await post();
    const { instance_id: id } = await world.row();
    world.counter.arm(cutOf(index));
    await world.act("DELETE", (ctx) => destroyCloudVm(ctx, id));
    const [row] = await world.rows();
    await rest();
    // Either the wish was committed, or its owner still has the machine.
    if (row?.status === "booting") await expectOne(world, note());
    else await expectNone(world, note());
  }, 2);
}, 120_000);

it("restart", async () => {
  await online();
  const cuts = await everyCut("restart", async (note, index) => {
    const before = await world.row();
    const { boots } = await orgo.machine(before.tag);
    world.counter.arm(cutOf(index));
    await insist("POST restart", (ctx) => restartCloudVm(ctx, before.instance_id));
    await world.until(isSettled);
    await rest();
    const after = await expectOne(world, note());
    expect(after.computer_id, note()).toBe(before.computer_id);
    expect((await orgo.machine(before.tag)).boots, note()).toBeGreaterThan(boots);
  });
  expect(cuts).toBeGreaterThan(12);
}, 120_000);

it("adopt what the provider made without an answer", async () => {
  const cuts = await everyCut("adopt", async (note, index) => {
    await world.begin();
    await orgo.arm({ kind: "lose_answer", call: "create" });
    world.counter.arm(cutOf(index));
    await post();
    // From here on it is as in the first test.
    await world.until(([row]) => row?.computer_id != null);
    await rest();
    await expectOne(world, note());
    expect((await orgo.lives()).length, note()).toBe(1);
  }, 2);
  expect(cuts).toBeGreaterThan(10);
}, 120_000);

it("rebuild what the provider lost", async () => {
  await online();
  const cuts = await everyCut("rebuild", async (note, index) => {
    await bindings.DB.prepare("UPDATE cloud_vms SET mended_at = NULL").run();
    const before = await world.row();
    await orgo.lose(before.computer_id ?? "");
    world.counter.arm(cutOf(index));
    await world.reconcile();
    await world.until(([row]) => row?.computer_id != null && row.computer_id !== before.computer_id);
    await rest();
    await expectOne(world, note());
    expect(await orgo.mostAtOnce("^sett-"), note()).toBe(1);
  }, 3);
  expect(cuts).toBeGreaterThan(20);
}, 120_000);

it("the end of what nobody pays for", async () => {
  const cuts = await everyCut("unpaid", async (note, index) => {
    const row = await online();
    const now = Date.now();
    await bindings.DB.prepare("UPDATE cloud_vms SET unpaid_since = ?, destroy_after = ? WHERE id = ?").bind(now - 3 * 86_400_000, now, row.id).run();
    await setPlan(world.owner, null);
    world.counter.arm(cutOf(index));
    await bury();
    await rest();
    await setPlan(world.owner, "team");
    await expectNone(world, note());
    await expectSound(world, note());
  }, 2);
  expect(cuts).toBeGreaterThan(15);
}, 120_000);
