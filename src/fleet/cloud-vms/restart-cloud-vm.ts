import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { AppError, notFound } from "../../kernel/errors/app-error";
import { beginStep, type CloudVm, findVm, isInFlight, isTokenAlive, prepareVmToken, requireCompute, sendAdvance, serverUrlOf, tellProgress, updateVm } from "../vm-provisioning";
import { toCloudVmView, type CloudVmView } from "./cloud-vms.schemas";

/**
 * Restarts a machine that is online or failed, from its boot on; one whose computer is gone is made anew. Asking again while it restarts
 * changes nothing.
 * @throws AppError NOT_FOUND, CLOUD_VM_BUSY (it is being made, or destroyed), DEPENDENCY_UNAVAILABLE (no provider configured)
 */
export async function restartCloudVm(ctx: OwnerCtx, instanceId: string): Promise<z.input<typeof CloudVmView>> {
  const outcome = await retryLostUpdate(async () => {
    const row = await findVm(ctx, ctx.actor.userId, instanceId);
    if (!row) throw notFound("Cloud machine");
    requireCompute(ctx, row.driver);
    if (row.status === "destroying") throw new AppError("CLOUD_VM_BUSY", "This machine is being destroyed.");
    if (isInFlight(row.status)) {
      if (row.installedAt !== null) return { row, isNew: false };
      throw new AppError("CLOUD_VM_BUSY", "This machine is still being made; wait until it is online or has failed.");
    }
    return { row: await begin(ctx, row), isNew: true };
  });
  if (outcome.isNew) {
    await tellProgress(ctx, outcome.row);
    await sendAdvance(ctx, outcome.row);
  }
  return toCloudVmView(outcome.row);
}

async function begin(ctx: OwnerCtx, row: CloudVm): Promise<CloudVm> {
  const now = ctx.clock.now();
  const isThere = row.computerId !== null;
  const plan = new Plan(ctx);
  // An owner who revoked the daemon's token gets it another one by restarting.
  const token = row.tokenId !== null && (await isTokenAlive(ctx, row.tenantId, row.tokenId)) ? null : await prepareVmToken(ctx, row);
  const changes = {
    ...beginStep(isThere ? "boot" : "create", now),
    rebootAt: isThere ? now : null,
    serverUrl: serverUrlOf(ctx),
    missingSince: null,
    lastError: null,
    lastErrorAt: null,
    ...(token === null ? {} : { tokenId: token.tokenId, sealedToken: token.sealedToken }),
  };
  plan.guarded(updateVm(ctx, row, changes)).audit({ action: "cloud_vm.restart", subject: { type: "cloud_vm", id: row.id }, detail: { instance_id: row.instanceId, computer_id: row.computerId, from: row.status } });
  token?.writeTo(plan);
  await plan.commit();
  return { ...row, ...changes, version: row.version + 1 };
}
