import { env } from "cloudflare:workers";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createCloudVm } from "../../src/fleet/cloud-vms/create-cloud-vm";
import { destroyCloudVm } from "../../src/fleet/cloud-vms/destroy-cloud-vm";
import { restartCloudVm } from "../../src/fleet/cloud-vms/restart-cloud-vm";
import { AppError } from "../../src/kernel/errors/app-error";
import { pick, randomOf } from "../support/billing/random";
import { expectNone, expectNoSecrets, expectSound } from "../support/cloud/checks";
import { orgo } from "../support/cloud/provider";
import { Killed } from "../support/cloud/run";
import { handBack } from "../support/cloud/time";
import { openWorld, wish } from "../support/cloud/wishes";
import type { World } from "../support/cloud/world";
import type { CallKind, FaultKind } from "../support/orgo/faults.mjs";

/**
 * Random lives: owners, faults, kills, duplicates and clocks that jump, all at once. In the end, whatever happened: who was destroyed is gone,
 * who was not is online with one computer. CLOUD_LIVES says how many; a seed that failed is run again by CLOUD_LIFE.
 */

const { CLOUD_LIVES, CLOUD_LIFE } = env as unknown as { readonly CLOUD_LIVES?: string; readonly CLOUD_LIFE?: string };
const SEEDS = CLOUD_LIFE ? [Number(CLOUD_LIFE)] : Array.from({ length: Number(CLOUD_LIVES ?? "16") }, (_, i) => i + 1);
const ACTS = 16;
const PLACES = 5;

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(handBack);

/** Machines by id, and whether their owner was told, or may believe, that they are destroyed. */
type Fates = Map<string, "wanted" | "destroyed" | "perhaps">;

const REFUSALS = new Set(["PLAN_LIMIT", "CLOUD_VM_NAME_TAKEN", "CLOUD_VM_BUSY", "NOT_FOUND", "DEPENDENCY_UNAVAILABLE", "BAD_GATEWAY", "PROVIDER_CAPACITY", "CONFLICT"]);

/** A refusal that callers may get; whatever else is thrown is a defect. */
function expectRefusal(error: unknown, note: string): void {
  if (error instanceof Killed) return;
  expect(error instanceof AppError && REFUSALS.has(error.code), `${note}: ${String(error)}`).toBe(true);
}

async function create(random: () => number, note: string): Promise<void> {
  const input = wish({ name: `den-${Math.floor(random() * 7)}` });
  const clicks = Array.from({ length: random() < 0.3 ? 3 : 1 }, () => world.act("POST", (ctx) => createCloudVm(ctx, input)));
  for (const answer of await Promise.all(clicks)) if (!answer.ok) expectRefusal(answer.error, note);
}

async function destroy(id: string, fates: Fates, note: string): Promise<void> {
  const answer = await world.act("DELETE", (ctx) => destroyCloudVm(ctx, id));
  if (!answer.ok) expectRefusal(answer.error, note);
  // An answer that was lost says nothing; neither does one that lost a race.
  const isSure = answer.ok || (answer.error instanceof AppError && (answer.error.code === "DEPENDENCY_UNAVAILABLE" || answer.error.code === "NOT_FOUND"));
  fates.set(id, isSure ? "destroyed" : "perhaps");
}

async function restart(id: string, note: string): Promise<void> {
  const answer = await world.act("POST restart", (ctx) => restartCloudVm(ctx, id));
  if (!answer.ok) expectRefusal(answer.error, note);
}

async function hurt(random: () => number): Promise<void> {
  const kind = pick<FaultKind>(["refuse", "lose_answer", "status_500", "status_500_after", "status_429", "status_402", "slow", "garbage", "garbage_after", "hang"], random);
  const call = pick<CallKind>(["create", "list", "get", "start", "restart", "destroy", "bash", "bash:setup", "list_workspaces"], random);
  await orgo.arm({ kind, call, times: 1 + Math.floor(random() * 3), nth: Math.floor(random() * 3), ms: 20 });
}

async function befall(random: () => number): Promise<void> {
  const [victim] = (await orgo.alive()).toSorted(() => random() - 0.5);
  if (!victim) return;
  const blow = pick(["lose", "stop", "break", "twin", "twice", "hide", "wipe"], random);
  if (blow === "lose") await orgo.lose(victim.id);
  else if (blow === "stop") await orgo.setStatus(victim.id, "stopped");
  else if (blow === "break") await orgo.setStatus(victim.id, "error");
  else if (blow === "twin") await orgo.addTwin(victim.id);
  else if (blow === "twice") await orgo.showTwice(victim.id, 2);
  else if (blow === "hide") await orgo.hide(victim.id, { lists: 2, gets: 1 });
  else await orgo.wipe(victim.id);
}

async function act(random: () => number, fates: Fates, note: string): Promise<void> {
  const rows = await world.rows();
  const living = rows.filter(({ status }) => status !== "destroyed");
  const one = living[Math.floor(random() * living.length)]?.instance_id;
  const what = pick(["create", "create", "destroy", "restart", "hurt", "hurt", "befall", "kill", "kill", "delivery", "pass", "pass", "jump", "at once"], random);
  const told = `${note}, ${what}`;
  if (what === "create") await create(random, told);
  else if (what === "destroy" && one !== undefined) await destroy(one, fates, told);
  else if (what === "restart" && one !== undefined) await restart(one, told);
  else if (what === "hurt") await hurt(random);
  else if (what === "befall") await befall(random);
  else if (what === "kill") world.counter.arm({ nth: Math.floor(random() * 12), when: pick(["before", "after"], random) });
  else if (what === "delivery") world.delivery = pick(["once", "once", "lost", "twice", "together", "late"], random);
  else if (what === "jump") await world.advanceTo(Date.now() + Math.floor(random() * 20 * 60_000));
  else if (what === "at once" && one !== undefined) await Promise.all([destroy(one, fates, told), restart(one, told), create(random, told), world.deliverDue(), world.reconcile()]);
  const steps = Math.floor(random() * 8);
  for (let i = 0; i < steps; i++) await world.step();
  for (const { instance_id: id } of await world.rows()) if (!fates.has(id)) fates.set(id, "wanted");
  expect((await world.rows()).filter(({ status }) => status !== "destroyed" && status !== "destroying").length, told).toBeLessThanOrEqual(PLACES);
}

it.each(SEEDS)("life %i", async (seed) => {
  const random = randomOf(seed * 7_919);
  await world.begin({ timeoutMs: 500 });
  await orgo.setWays({ boot: { ms: 0, looks: Math.floor(random() * 3) }, deleting: { ms: 0, looks: Math.floor(random() * 3) }, takenStatus: pick([400, 409, 500], random) });
  await orgo.setInstalling({ failures: random() < 0.3 ? [{ at: 1, detail: "no space left" }] : [] });
  const fates: Fates = new Map();
  world.ill();
  for (let turn = 0; turn < ACTS; turn++) await act(random, fates, `seed ${seed}, turn ${turn}`);

  // Peace: what is broken stops being broken.
  world.counter.arm(null);
  world.delivery = "once";
  await orgo.disarm();
  for (const { id } of await orgo.alive()) await orgo.hide(id, { lists: 0, gets: 0 });
  world.well();
  await world.restAndCompare();
  // Of those that failed their owners think again.
  for (let tries = 0; tries < 3; tries++) {
    const failed = (await world.rows()).filter(({ status }) => status === "failed");
    for (const { instance_id: id } of failed) await restart(id, `seed ${seed}`);
    if (failed.length > 0) await world.restAndCompare();
  }
  const rows = await expectSound(world, `seed ${seed}`);
  const dump = `seed ${seed}: ${JSON.stringify([...fates])} ${JSON.stringify(rows)}`;
  expect(rows.filter(({ status }) => status !== "online"), dump).toEqual([]);
  for (const [id, fate] of fates) {
    const isThere = rows.some((row) => row.instance_id === id);
    if (fate === "destroyed") expect(isThere, `${dump} ${id}`).toBe(false);
  }
  if (world.daemons.secrets.size > 0) await expectNoSecrets(world, rows.map(({ instance_id: id }) => id));

  for (const { instance_id: id } of rows) await destroy(id, fates, `seed ${seed}, the end`);
  await world.age();
  await world.restAndCompare();
  await expectNone(world, `seed ${seed}`);
}, 60_000);
