import type { Ctx } from "../../kernel/context";
import { LostUpdateError, Plan } from "../../kernel/db/client";
import { MINUTE_MS } from "../../kernel/clock";
import { describeError } from "../../kernel/logging/logger";
import { ComputeError, type Compute } from "../../kernel/ports/compute";
import { closePairingsOfInstance, listBotRows, projectEffect, settleBot, unpairBotsOf } from "../bots";
import { LATE_EFFECT_MS, retryMs } from "./provisioning.core";
import { deleteCloudInstance, deleteVmRow, updateVm, type CloudVm } from "./provisioning.store";
import { requireCompute } from "./require-compute";
import { tellProgress } from "./tell-progress";

/** How often a tombstone is looked at. */
const LOOK_AGAIN_MS = 5 * MINUTE_MS;

/**
 * Brings a claimed row's end about at the provider: takes down what it has of it, then takes the machine out of everything, and keeps the row
 * as a tombstone until nothing of it can come to be there any more. The row as it is then; null when it is gone, or somebody else goes on.
 */
export async function settleEnd(ctx: Ctx, row: CloudVm): Promise<CloudVm | null> {
  const now = ctx.clock.now();
  try {
    const found = await takeDown(requireCompute(ctx, row.driver), row);
    if (row.status === "destroying") return await bury(ctx, row);
    const isOver = !found && now - (row.destroyedAt ?? now) >= LATE_EFFECT_MS;
    if (isOver) {
      await new Plan(ctx).guarded(deleteVmRow(ctx, row)).commit();
      return null;
    }
    return await keep(ctx, row, { settleAt: now + LOOK_AGAIN_MS, settleAttempts: 0 });
  } catch (error) {
    if (error instanceof LostUpdateError) return null;
    const attempts = row.settleAttempts + 1;
    ctx.log[attempts % 10 === 0 ? "error" : "warn"]("a cloud machine was not taken down yet", { event: "cloud_vm.destroy_failed", cloud_vm_id: row.id, computer_id: row.computerId, attempts, provider_request_id: error instanceof ComputeError ? error.providerRequestId : null, ...describeError(error) });
    const said = error instanceof ComputeError ? error.message : "The provider of cloud machines is not available.";
    return keep(ctx, row, { settleAt: now + retryMs(attempts), settleAttempts: attempts, lastError: said, lastErrorAt: now });
  }
}

/** Destroys what the provider has of it; whether it had anything. @throws ComputeError */
async function takeDown(compute: Compute, row: CloudVm): Promise<boolean> {
  const ids = new Set<string>();
  if (row.computerId !== null && (row.status === "destroying" || (await isThere(compute, row.computerId)))) ids.add(row.computerId);
  // Without an id, or after a call of which nobody knows what came, only its tag tells.
  if (row.computerId === null || row.createCalledAt !== null || row.status === "destroyed") {
    for (const { id, tag, status } of await compute.list()) if (tag === row.tag && status !== "deleting") ids.add(id);
  }
  for (const id of ids) await compute.destroy(id);
  return ids.size > 0;
}

async function isThere(compute: Compute, computerId: string): Promise<boolean> {
  const computer = await compute.find(computerId);
  return computer !== null && computer.status !== "deleting";
}

async function keep(ctx: Ctx, row: CloudVm, changes: Partial<CloudVm>): Promise<CloudVm | null> {
  try {
    await new Plan(ctx).guarded(updateVm(ctx, row, changes)).commit();
  } catch (error) {
    if (error instanceof LostUpdateError) return null;
    throw error;
  }
  const after = { ...row, ...changes, version: row.version + 1 };
  if (after.status === "destroying") await tellProgress(ctx, after);
  return after;
}

/** The provider took it: the machine goes out of everything in one commit. @throws LostUpdateError */
async function bury(ctx: Ctx, row: CloudVm): Promise<CloudVm> {
  const now = ctx.clock.now();
  const { tenantId, instanceId } = row;
  const orphaned = await listBotRows(ctx, tenantId, instanceId);
  const changes = { status: "destroyed" as const, destroyedAt: now, detail: null, settleAt: now + LOOK_AGAIN_MS, settleAttempts: 0, unpaidSince: null, destroyAfter: null };
  await new Plan(ctx)
    .guarded(updateVm(ctx, row, changes))
    .write(deleteCloudInstance(ctx, row))
    .write(unpairBotsOf(ctx, tenantId, instanceId))
    .write(closePairingsOfInstance(ctx, tenantId, instanceId))
    .audit({ action: "cloud_vm.destroyed", tenantId, subject: { type: "cloud_vm", id: row.id }, detail: { instance_id: instanceId, computer_id: row.computerId } })
    .effect({ type: "instance.purge", payload: { userId: tenantId, instanceId } })
    .effect(projectEffect(tenantId, []))
    .commit();
  // The tokens that the machine still has die now, or with the bots' reconciler.
  ctx.defer(Promise.all(orphaned.map((bot) => settleBot(ctx, bot.id))));
  return { ...row, ...changes, version: row.version + 1 };
}
