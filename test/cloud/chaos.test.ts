import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createCloudVm } from "../../src/fleet/cloud-vms/create-cloud-vm";
import { destroyCloudVm } from "../../src/fleet/cloud-vms/destroy-cloud-vm";
import { restartCloudVm } from "../../src/fleet/cloud-vms/restart-cloud-vm";
import { expectNone, expectNoSecrets, expectOne, expectSound } from "../support/cloud/checks";
import { orgo } from "../support/cloud/provider";
import { handBack } from "../support/cloud/time";
import { openWorld, wish } from "../support/cloud/wishes";
import { isAtRest, type Delivery, type VmRow, type World } from "../support/cloud/world";
import type { Fault, FaultKind } from "../support/orgo/faults.mjs";

/** A provider that fails, hangs, lies, is slow, loses machines and shows them twice; and a queue that does what queues may do. */

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(handBack);

const isSettled = (rows: readonly VmRow[]): boolean => rows.length > 0 && rows.every(isAtRest);

/** An owner who wants a machine asks until there is one. */
async function make(): Promise<void> {
  for (let tries = 0; (await world.rows()).every(({ status }) => status === "destroyed"); tries++) {
    if (tries > 20) throw new Error("no machine after 20 tries");
    await world.act("POST", (ctx) => createCloudVm(ctx, wish()));
  }
  await mend();
}

/** Waits; what failed is restarted. */
async function mend(): Promise<void> {
  for (let tries = 0; ; tries++) {
    await world.until(isSettled);
    const row = await world.row();
    if (row.status === "online") return;
    if (tries > 40) throw new Error(`it does not come online: ${row.detail}`);
    await world.act("POST restart", (ctx) => restartCloudVm(ctx, row.instance_id));
  }
}

async function unmake(): Promise<void> {
  const { instance_id: id } = await world.row();
  await world.act("DELETE", (ctx) => destroyCloudVm(ctx, id));
  await world.until((rows) => rows.every(({ status }) => status === "destroyed"));
  await world.age();
  await world.rest();
}

/** A whole life, in which every kind of call is made: born, restarted, stopped by somebody, destroyed. */
async function live(note: string, arm: (call: Fault["call"]) => Promise<void>): Promise<void> {
  for (const call of ["list_workspaces", "make_workspace", "create", "get", "bash:probe", "bash:install", "bash:setup"] as const) await arm(call);
  await make();
  await expectOne(world, `${note}: made`);
  const made = await world.row();
  await orgo.disarm();
  for (const call of ["restart", "get", "bash:setup"] as const) await arm(call);
  await world.act("POST restart", (ctx) => restartCloudVm(ctx, made.instance_id));
  await mend();
  await expectOne(world, `${note}: restarted`);
  await orgo.disarm();
  for (const call of ["list", "get", "start"] as const) await arm(call);
  await orgo.setStatus(made.tag, "stopped");
  for (let ticks = 0; (await orgo.lives()).some(({ status, ending }) => ending === null && status === "stopped"); ticks++) {
    if (ticks > 12) throw new Error(`${note}: nobody starts it`);
    await world.restAndCompare();
    // Who is asked to pay first finds a machine that failed, and says when it is to be tried again.
    await mend();
  }
  await expectOne(world, `${note}: started again`);
  await orgo.disarm();
  for (const call of ["destroy", "list"] as const) await arm(call);
  await unmake();
  await world.restAndCompare();
  await expectNone(world, `${note}: destroyed`);
  await orgo.disarm();
}

const HANGING: readonly FaultKind[] = ["hang", "hang_before", "late"];
const KINDS: readonly FaultKind[] = ["refuse", "lose_answer", "status_500", "status_503", "status_500_after", "status_429", "status_402", "slow", "garbage", "garbage_after", ...HANGING];

describe("every fault at every kind of call", () => {
  it.each(KINDS)("%s", async (kind) => {
    await world.begin({ timeoutMs: HANGING.includes(kind) ? 150 : 2_000 });
    await live(kind, (call) => orgo.arm({ kind, ...(call === undefined ? {} : { call }), ms: kind === "late" ? 200 : 30 }));
    expect(await orgo.mostAtOnce("^sett-"), kind).toBe(1);
  }, 60_000);

  it.each(["lose_answer", "status_402"] as const)("%s, four times in a row", async (kind) => {
    await world.begin();
    await live(kind, (call) => orgo.arm({ kind, ...(call === undefined ? {} : { call }), times: 4 }));
    expect(await orgo.mostAtOnce("^sett-"), kind).toBe(1);
  }, 60_000);
});

describe("a queue", () => {
  it.each<Delivery>(["lost", "twice", "together", "late"])("whose messages come %s", async (delivery) => {
    await world.begin({ delivery });
    await live(delivery, async () => undefined);
    expect((await orgo.lives()).length, delivery).toBe(1);
    expect((await orgo.calls()).filter(({ call }) => call === "create").length, delivery).toBe(1);
  }, 60_000);
});

describe("a provider that lags", () => {
  it.each([
    ["lists", { lists: 6, gets: 0 }],
    ["questions", { lists: 0, gets: 1 }],
    ["both", { lists: 6, gets: 1 }],
  ])("in %s", async (_, lag) => {
    await world.begin();
    await orgo.setWays({ lag, boot: { ms: 0, looks: 3 }, deleting: { ms: 0, looks: 3 } });
    await orgo.arm({ kind: "lose_answer", call: "create" });
    await live("lag", async () => undefined);
    expect(await orgo.mostAtOnce("^sett-")).toBe(1);
  });

  it("and answers creations after we gave up: with the machine wanted, and destroyed meanwhile", async () => {
    for (const isWanted of [true, false]) {
      await world.begin({ timeoutMs: 250 });
      await world.act("GET", async (ctx) => ctx.services.compute?.list());
      await orgo.arm({ kind: "late", call: "create", ms: 400 });
      await world.act("POST", (ctx) => createCloudVm(ctx, wish()));
      const { instance_id: id } = await world.row();
      if (!isWanted) await world.act("DELETE", (ctx) => destroyCloudVm(ctx, id));
      for (let tries = 0; tries < 200 && (await orgo.alive()).length === 0; tries++) await new Promise((resolve) => setTimeout(resolve, 10));
      expect(await orgo.alive()).toHaveLength(1);
      await world.restAndCompare();
      if (isWanted) await expectOne(world, "late and wanted");
      else await expectNone(world, "late and not wanted");
      expect(await orgo.mostAtOnce("^sett-")).toBe(1);
    }
  });
});

/** Moments of a life at which something befalls the computer. */
const MOMENTS: readonly (readonly [string, (row: VmRow) => boolean])[] = [
  ["booting", ({ computer_id: id }) => id !== null],
  ["installing", ({ status }) => status === "installing"],
  ["awaited", ({ step }) => step === "online"],
  ["online", ({ status }) => status === "online"],
];
const BLOWS: readonly (readonly [string, (tag: string) => Promise<unknown>])[] = [
  ["is lost", (tag) => orgo.lose(tag)],
  ["is stopped by somebody", (tag) => orgo.setStatus(tag, "stopped")],
  ["is suspended", (tag) => orgo.setStatus(tag, "suspended")],
  ["breaks", (tag) => orgo.setStatus(tag, "error")],
  ["is shown twice", (tag) => orgo.showTwice(tag, 3)],
  ["gets a twin", (tag) => orgo.addTwin(tag)],
  ["loses its disk", (tag) => orgo.wipe(tag)],
  ["is denied for a while", (tag) => orgo.hide(tag, { lists: 2, gets: 1 })],
];

/** Each blow while the machine is online, and at one of the moments on the way, which one in turn. */
describe.each(BLOWS.map(([blow, befall], turn) => [blow, befall, turn] as const))("a computer that %s", (blow, befall, turn) => {
  it.each(MOMENTS.filter(([moment], index) => moment === "online" || index === turn % (MOMENTS.length - 1)))("while its machine is %s", async (moment, hasCome) => {
    const note = `${blow} while ${moment}`;
    await world.begin();
    await orgo.setWays({ boot: { ms: 0, looks: 2 } });
    await world.act("POST", (ctx) => createCloudVm(ctx, wish()));
    await world.until((rows) => rows.some(hasCome));
    const { tag } = await world.row();
    await befall(tag);
    world.well();
    await world.restAndCompare();
    await mend();
    await world.restAndCompare();
    await expectOne(world, note);
    expect(await orgo.mostAtOnce("^sett-"), note).toBe(blow === "gets a twin" ? 2 : 1);
    await befall((await world.row()).tag);
    world.well();
    await unmake();
    await world.restAndCompare();
    await expectNone(world, note);
  });
});

it("a machine whose daemon falls silent is restarted once an hour, then failed, and online again when it is heard", async () => {
  await world.begin();
  await make();
  const { computer_id: computerId, tag } = await world.row();
  world.daemons.silent.add(computerId ?? "");
  await world.advanceTo(Date.now() + 6 * 60_000);
  const at = Date.now();
  await world.until((rows) => rows.some(({ status }) => status === "failed"), 2_000);
  expect(Date.now() - at).toBeLessThan(60 * 60_000);
  expect((await orgo.machine(tag)).boots).toBe(2);
  await world.rest();
  await expectSound(world, "silent");
  world.daemons.silent.clear();
  await world.step();
  await world.until(isSettled);
  await expectOne(world, "heard again");
});

it("a computer that runs but never takes a command has failed in the end, and is not asked every second for ever", async () => {
  await world.begin();
  await orgo.arm({ kind: "answer", call: "bash", status: 400, error: "Desktop instance not available", times: 100_000 });
  await world.act("POST", (ctx) => createCloudVm(ctx, wish()));
  await world.until(isSettled, 2_000);
  expect((await world.row()).status).toBe("failed");
  expect((await orgo.calls()).filter(({ call }) => call === "bash").length).toBeLessThan(300);
  await orgo.disarm();
  await mend();
  await expectOne(world, "after all");
});

it("no secret shows anywhere", async () => {
  const { instance_id: id } = await world.row();
  await expectNoSecrets(world, [id]);
});
