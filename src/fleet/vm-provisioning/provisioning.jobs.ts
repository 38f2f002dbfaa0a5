import { MINUTE_MS } from "../../kernel/clock";
import type { Ctx } from "../../kernel/context";
import { AppError } from "../../kernel/errors/app-error";
import { advanceVm } from "./advance-vm";
import { SILENCE_MS } from "./provisioning.core";
import { findVm, listVmsToSettle, wakeVmOfInstance } from "./provisioning.store";

const SWEEP_LIMIT = 200;

/** The sweep's tick: one message for every machine that is due and that no message of its own reached. */
export async function enqueueVmsToSettle(ctx: Ctx): Promise<void> {
  if (!ctx.services.compute) return;
  const now = ctx.clock.now();
  const ids = await listVmsToSettle(ctx, now, SWEEP_LIMIT);
  const minute = Math.floor(now / MINUTE_MS);
  await Promise.all(ids.map((id) => ctx.services.jobs.send({ v: 1, id: `cloud_vm.advance:${id}:m${minute}`, type: "cloud_vm.advance", payload: id })));
  if (ids.length > 0) ctx.log.info("cloud machines to settle enqueued", { event: "cloud_vms.swept", count: ids.length });
}

/** Job `cloud_vm.advance`: a machine is due. */
export async function advanceVmJob(ctx: Ctx, payload: unknown): Promise<void> {
  if (typeof payload !== "string") throw new AppError("MALFORMED_REQUEST", "not a cloud machine");
  await advanceVm(ctx, payload);
}

/**
 * A machine went online or offline ({@link recordInstanceProjection} of instances tells first): one that waits for its first heartbeat goes on
 * at once, one that fell silent is looked at when it has been silent for long enough. Does nothing for machines that people brought.
 */
export async function followInstance(ctx: Ctx, payload: unknown): Promise<void> {
  const { userId, instanceId, online } = (payload ?? {}) as Record<string, unknown>;
  if (typeof userId !== "number" || typeof instanceId !== "string" || typeof online !== "boolean") return;
  const vm = await findVm(ctx, userId, instanceId);
  if (!vm) return;
  const now = ctx.clock.now();
  if (online) {
    const isAwaited = (vm.status === "setup" && vm.step === "online") || vm.status === "failed";
    if (isAwaited && (await wakeVmOfInstance(ctx, userId, instanceId, ["setup", "failed"], now)) !== null) await advanceVm(ctx, vm.id);
    return;
  }
  if (vm.status === "online") await wakeVmOfInstance(ctx, userId, instanceId, ["online"], now + SILENCE_MS);
}
