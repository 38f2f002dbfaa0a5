import { afterAll, beforeAll, expect, it } from "vitest";
import { createCloudVm } from "../../src/fleet/cloud-vms/create-cloud-vm";
import { destroyCloudVm } from "../../src/fleet/cloud-vms/destroy-cloud-vm";
import { AppError } from "../../src/kernel/errors/app-error";
import { expectNone } from "../support/cloud/checks";
import { orgo } from "../support/cloud/provider";
import { handBack } from "../support/cloud/time";
import { openWorld, wish } from "../support/cloud/wishes";
import type { World } from "../support/cloud/world";

/** What callers are told is what becomes of it, also when two ask at once and when something comes in between. */

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(handBack);

const post = (more: object = {}) => world.act("POST", (ctx) => createCloudVm(ctx, wish({ name: "den", ...more })));
type Answer = Awaited<ReturnType<typeof post>> | { readonly ok: boolean; readonly error?: unknown };
const codeOf = (answer: Answer): string => (answer.ok ? "ok" : "error" in answer && answer.error instanceof AppError ? answer.error.code : "other");

it("whom the provider refuses hears so, whichever of two clicks asked", async () => {
  await world.begin();
  await orgo.arm({ call: "create", kind: "status_402", times: 5 });
  const answers = await Promise.all([post(), post(), post()]);
  expect(answers.map(codeOf)).toEqual(["PROVIDER_CAPACITY", "PROVIDER_CAPACITY", "PROVIDER_CAPACITY"]);
  expect(await world.rows()).toEqual([]);
  await expectNone(world, "refused");
});

it("two machines never have one name", async () => {
  await world.begin();
  const answers = await Promise.all([post({ cpu: 2 }), post({ cpu: 4 }), post({ cpu: 8 })]);
  expect(answers.map(codeOf).sort()).toEqual(["CLOUD_VM_NAME_TAKEN", "CLOUD_VM_NAME_TAKEN", "ok"]);
  expect((await world.rows()).map(({ name }) => name)).toEqual(["den"]);
});

it("destroyed means destroyed, also when the provider's id comes in between", async () => {
  for (let place = 0; place < 4; place++) {
    await world.begin();
    let destroyed: Promise<{ readonly ok: boolean }> | null = null;
    let calls = 0;
    world.counter.pace = async ({ name }, run) => {
      // The intent is committed while the computer is being made; its id is stored right before the destroyer's n-th next call.
      if (destroyed === null && name.includes("create") && run.label === "POST") {
        const [row] = await world.rows();
        if (row) destroyed = world.act("DELETE", (ctx) => destroyCloudVm(ctx, row.instance_id));
      }
      if (run.label === "DELETE" && calls++ === place) await new Promise((resolve) => setTimeout(resolve, 50));
    };
    await post();
    world.counter.pace = null;
    const answer = await (destroyed as Promise<{ readonly ok: boolean }> | null);
    if (answer?.ok === true) expect((await world.rows()).filter(({ status }) => status !== "destroyed"), `place ${place}`).toEqual([]);
    await world.calm();
    await expectNone(world, `place ${place}`);
  }
});
