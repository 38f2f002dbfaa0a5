import type { Ctx, OwnerCtx } from "../../kernel/context";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { AppError, notFound } from "../../kernel/errors/app-error";
import { isAccountActive } from "../accounts";
import { addCliTokenEnd } from "../cli-tokens";
import { claimVm, type CloudVm, findVm, findVmRow, LEASE_MS, listVmIds, sendAdvance, settleEnd, stillUnpaid, tellProgress, updateVm } from "../vm-provisioning";

type Reason = "owner" | "unpaid" | "account_ended";

/**
 * Destroys one of the caller's cloud machines, whatever it is doing: the intent is committed first, then the provider is asked. Returns once
 * it has taken it. Repeating it goes on where it stands.
 * @throws AppError NOT_FOUND; DEPENDENCY_UNAVAILABLE when the provider did not take it yet: it is tried until it does
 */
export async function destroyCloudVm(ctx: OwnerCtx, instanceId: string): Promise<void> {
  const row = await retryLostUpdate(async () => {
    const found = await findVm(ctx, ctx.actor.userId, instanceId);
    if (!found) throw notFound("Cloud machine");
    return intend(ctx, found, "owner");
  });
  const after = (await settleEnd(ctx, row)) ?? (await goOn(ctx, row.id));
  if (after?.status !== "destroying") return;
  await sendAdvance(ctx, after);
  throw new AppError("DEPENDENCY_UNAVAILABLE", "The machine is being destroyed: the provider did not confirm it yet, and is asked until it does.", { retryAfterSeconds: 30 });
}

/** Somebody else changed the row meanwhile, for example by storing the id of what was just made: goes on with it as it is now. */
async function goOn(ctx: Ctx, vmId: string): Promise<CloudVm | null> {
  const claimed = await claimVm(ctx, vmId, ctx.clock.now(), LEASE_MS);
  const after = claimed?.status === "destroying" ? await settleEnd(ctx, claimed) : null;
  return after ?? findVmRow(ctx, vmId);
}

/** Destroys a machine of which nobody pays any more, or whose account ended. Harmless when repeated, and for one that is gone. What the provider does not take now the sweep sees to. */
export async function destroyVmFor(ctx: Ctx, vmId: string, reason: Exclude<Reason, "owner">): Promise<void> {
  const row = await retryLostUpdate(async () => {
    const found = await findVmRow(ctx, vmId);
    const isPaid = reason === "unpaid" && (found?.destroyAfter ?? Number.POSITIVE_INFINITY) > ctx.clock.now();
    return !found || isPaid || found.status === "destroyed" || found.status === "destroying" ? null : intend(ctx, found, reason);
  });
  if (!row) return;
  const after = await settleEnd(ctx, row);
  if (after) await sendAdvance(ctx, after);
}

/** {@link destroyVmFor} of one that nobody pays for. */
export const destroyUnpaidVm = (ctx: Ctx, vmId: string): Promise<void> => destroyVmFor(ctx, vmId, "unpaid");

/** Effect `cloud_vms.destroy_all` {userId}: all cloud machines of an account that ended, unless it was let in again meanwhile. */
export async function destroyCloudVmsOf(ctx: Ctx, payload: unknown): Promise<void> {
  const { userId } = payload as { readonly userId: number };
  if (await isAccountActive(ctx, userId)) return;
  for (const id of await listVmIds(ctx, userId)) await destroyVmFor(ctx, id, "account_ended");
}

/** Commits that it is to go, and claims it. No step overwrites that, and its daemon's token dies with it. */
async function intend(ctx: Ctx, row: CloudVm, reason: Reason): Promise<CloudVm> {
  const now = ctx.clock.now();
  const changes = { status: "destroying" as const, detail: "Being destroyed", wish: null, sealedLlmKey: null, sealedToken: null, rebootAt: null, stepStartedAt: row.status === "destroying" ? row.stepStartedAt : now, settleAt: now + LEASE_MS, settleAttempts: 0 };
  const plan = new Plan(ctx).guarded(updateVm(ctx, row, changes));
  if (reason === "unpaid") plan.require(stillUnpaid(ctx, row, now));
  if (row.status !== "destroying") {
    plan.audit({ action: "cloud_vm.destroy", tenantId: row.tenantId, subject: { type: "cloud_vm", id: row.id }, detail: { instance_id: row.instanceId, computer_id: row.computerId, from: row.status, reason } });
    if (row.tokenId !== null) await addCliTokenEnd(ctx, plan, row.tenantId, row.tokenId, "cloud_vm_destroyed");
  }
  await plan.commit();
  const after = { ...row, ...changes, version: row.version + 1 };
  await tellProgress(ctx, after);
  return after;
}
