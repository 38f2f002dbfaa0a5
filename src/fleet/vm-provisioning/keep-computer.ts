import type { Ctx } from "../../kernel/context";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import type { Computer } from "../../kernel/ports/compute";
import { beginStep } from "./provisioning.core";
import { findVmRow, recordComputer, updateVm, type CloudVm } from "./provisioning.store";
import { sendAdvance } from "./send-advance";
import { tellProgress } from "./tell-progress";

/**
 * Stores the id of what the provider made, whatever happened to the row meanwhile: a machine that is being destroyed needs it most. The
 * row as it is then; null when it is gone, or has another computer (then the reconciler sees to this one).
 */
export async function keepComputer(ctx: Ctx, vmId: string, computer: Computer): Promise<CloudVm | null> {
  const kept = await retryLostUpdate(async () => {
    const row = await findVmRow(ctx, vmId);
    if (!row || (row.computerId !== null && row.computerId !== computer.id)) return null;
    const now = ctx.clock.now();
    const place = { computerId: computer.id, workspaceId: computer.workspaceId, workspaceName: computer.workspaceName, createCalledAt: null, missingSince: null };
    const changes = row.step === "create" && row.status === "booting" ? { ...place, ...beginStep("boot", now) } : { ...place, settleAt: row.status === "online" || row.status === "failed" ? row.settleAt : now };
    const plan = new Plan(ctx).guarded(updateVm(ctx, row, changes)).write(recordComputer(ctx, row, { orgoComputerId: computer.id, orgoWorkspaceId: computer.workspaceId, orgoWorkspaceName: computer.workspaceName }));
    await plan.commit();
    return { ...row, ...changes, version: row.version + 1 };
  });
  if (kept) {
    await tellProgress(ctx, kept);
    await sendAdvance(ctx, kept);
  }
  return kept;
}
