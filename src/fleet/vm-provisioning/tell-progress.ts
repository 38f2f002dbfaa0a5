import { instanceObject } from "../../../durable-objects/stubs";
import type { Ctx } from "../../kernel/context";
import { describeError } from "../../kernel/logging/logger";
import { percentOf } from "./provisioning.core";
import type { CloudVm } from "./provisioning.store";

/** What a machine is called by version until its daemon says its own. */
export const UNKNOWN_VERSION = "0.0.0";

/** Shows people how far a machine is. Best effort: whoever looks reads the row. `version` orders what they are told. */
export async function tellProgress(ctx: Ctx, vm: CloudVm): Promise<void> {
  const ref = { userId: vm.tenantId, instanceId: vm.instanceId };
  try {
    await instanceObject(ctx.objects, ref).setProvisioning(ref, { seq: vm.version, status: vm.status, step: vm.step, percent: percentOf(vm), stepPercent: vm.stepPercent, detail: vm.detail, at: ctx.clock.now() });
  } catch (error) {
    ctx.log.warn("progress was not shown", { event: "cloud_vm.progress_failed", instance_id: vm.instanceId, ...describeError(error) });
  }
}

/** By which published clients tell cloud machines, whatever the driver. */
export const CLOUD_PROVIDER = "orgo";
