import { MINUTE_MS, SECOND_MS } from "../../kernel/clock";
import type { Ctx } from "../../kernel/context";
import { describeError } from "../../kernel/logging/logger";
import type { CloudVm } from "./provisioning.store";

/** What is due later than this needs no message of its own: the sweep is exact enough. */
const SWEPT_MS = 10 * MINUTE_MS;

/** Asks for the next look at a machine when it is due. Best effort: the sweep finds it too, within a minute. */
export async function sendAdvance(ctx: Ctx, vm: Pick<CloudVm, "id" | "version" | "settleAt">): Promise<void> {
  if (vm.settleAt === null || vm.settleAt > ctx.clock.now() + SWEPT_MS) return;
  try {
    await ctx.services.jobs.send({ v: 1, id: `cloud_vm.advance:${vm.id}:${vm.version}`, type: "cloud_vm.advance", payload: vm.id }, Math.max(0, vm.settleAt - ctx.clock.now()) / SECOND_MS);
  } catch (error) {
    ctx.log.warn("the next look was left to the sweep", { event: "cloud_vm.send_failed", cloud_vm_id: vm.id, ...describeError(error) });
  }
}
