import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { createCloudVm } from "../../src/fleet/cloud-vms/create-cloud-vm";
import { listCloudVms } from "../../src/fleet/cloud-vms/cloud-vms.queries";
import { assignAddon } from "../../src/fleet/vm-addons/assign-addon";
import { AppError } from "../../src/kernel/errors/app-error";
import { insertAddon } from "../support/cloud-machines";
import { bindings, handBack } from "../support/cloud/time";
import { openWorld, wish } from "../support/cloud/wishes";
import type { World } from "../support/cloud/world";
import { setPlan } from "../support/plans";

/** Who pays for how many machines: nobody has more of them than places, however places are moved. */

let world: World;
beforeAll(async () => {
  world = await openWorld();
  await setPlan(world.owner, "free");
});
beforeEach(() => world.begin());
afterAll(handBack);

const post = (name: string) => world.act("POST", (ctx) => createCloudVm(ctx, wish({ name })));
const assign = (instanceId: string, addonId: string | null) => world.act("POST assign", (ctx) => assignAddon(ctx, { instance_id: instanceId, addon_id: addonId }));
const codeOf = (answer: Awaited<ReturnType<typeof post>>): string => (answer.ok ? "ok" : answer.error instanceof AppError ? answer.error.code : String(answer.error));
const linksOf = async () => (await bindings.DB.prepare("SELECT v.name, i.vm_entitlement_id AS addon FROM cloud_vms v JOIN instances i ON i.cloud_vm_id = v.id ORDER BY v.created_at").all<{ name: string; addon: string | null }>()).results.map(({ name, addon }) => [name, addon]);
async function availableOf(): Promise<number> {
  const listed = await world.act("GET", (ctx) => listCloudVms(ctx));
  if (!listed.ok) throw listed.error;
  return listed.value.available;
}

async function made(name: string): Promise<string> {
  const answer = await post(name);
  if (!answer.ok) throw answer.error;
  return answer.value.instance_id;
}

it("an add-on that its machine gave back pays for no other while that one has no place", async () => {
  const addon = await insertAddon(world.owner);
  const id = await made("first");
  expect(await availableOf()).toBe(0);
  expect((await assign(id, null)).ok).toBe(true);
  expect(await availableOf()).toBe(0);
  const refused = await post("second");
  expect(codeOf(refused)).toBe("PLAN_LIMIT");
  expect(!refused.ok && refused.error instanceof AppError && refused.error.extras).toMatchObject({ limit: 1, current: 1 });
  await world.rest();
  expect(await linksOf()).toEqual([["first", addon]]);
});

it("an add-on that was just bought pays first for a machine whose own has ended, and another one for a new one", async () => {
  const over = await insertAddon(world.owner, { created_at: 1 });
  await made("first");
  await bindings.DB.prepare("UPDATE user_cloud_vm_addons SET status = 'expired', ended_at = 1 WHERE id = ?").bind(over).run();
  const next = await insertAddon(world.owner, { created_at: 2 });
  expect([await availableOf(), codeOf(await post("second"))]).toEqual([0, "PLAN_LIMIT"]);
  const third = await insertAddon(world.owner, { created_at: 3 });
  expect([await availableOf(), codeOf(await post("second")), codeOf(await post("third"))]).toEqual([1, "ok", "PLAN_LIMIT"]);
  await world.rest();
  await world.checkEverybody();
  await world.rest();
  expect((await linksOf()).map(([, addon]) => addon).sort()).toEqual([next, third].sort());
});

it("no machine slips in while another one's add-on is taken away, at whatever moment", async () => {
  for (let place = 0; ; place++) {
    await world.begin();
    await insertAddon(world.owner);
    const id = await made("first");
    let calls = 0;
    let note: string | null = null;
    world.counter.pace = async ({ name }, run) => {
      if (note !== null || calls++ !== place) return;
      note = `before call ${place}, ${run.label}: ${name}`;
      await assign(id, null);
    };
    const code = codeOf(await post("second"));
    world.counter.pace = null;
    expect(["PLAN_LIMIT", "CONFLICT"], String(note)).toContain(code);
    expect(await linksOf(), String(note)).toHaveLength(1);
    if (note === null) {
      expect(place).toBeGreaterThan(4);
      return;
    }
  }
});
