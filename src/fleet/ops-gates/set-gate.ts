import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { isUniqueViolation, LostUpdateError, Plan, retryLostUpdate } from "../../kernel/db/client";
import { forgetGates, type Gate } from "../../kernel/gates/gates";
import { noGate } from "./gates.queries";
import { toGateView, type GateRef, type GateView, type SetGateBody } from "./gates.schemas";
import { deleteGateRow, findGate, insertGate, updateGate } from "./gates.store";

/**
 * Sets a gate as a whole. Other isolates follow within a minute; what changes nothing is not written. Keys that nothing asks may be set, for code
 * that is still to be deployed.
 */
export async function setGate(ctx: OwnerCtx, input: z.output<typeof GateRef> & z.output<typeof SetGateBody>): Promise<z.input<typeof GateView>> {
  const gate = await retryLostUpdate(async () => {
    const now = ctx.clock.now();
    const before = await findGate(ctx, input.key);
    const setting = { enabled: input.enabled, percentage: input.percentage, allowedAccounts: [...new Set(input.allowed_accounts)].sort((a, b) => a - b), note: input.note || null };
    if (before && JSON.stringify(settingOf(before)) === JSON.stringify(setting)) return before;
    const after: Gate = { key: input.key, ...setting, createdAt: before?.createdAt ?? now, updatedAt: now, version: (before?.version ?? 0) + 1 };
    const plan = new Plan(ctx);
    if (before) plan.guarded(updateGate(ctx, before, setting, now));
    else plan.write(insertGate(ctx, input.key, setting, now));
    plan.audit(auditOf("gate.set", input.key, before, after));
    try {
      await plan.commit();
    } catch (error) {
      // Somebody else set it first: read it and go on from there.
      if (isUniqueViolation(error, "feature_gates.key")) throw new LostUpdateError(error);
      throw error;
    }
    return after;
  });
  forgetGates();
  return toGateView(gate);
}

/** Takes a gate's setting away, which opens it. @throws AppError NOT_FOUND */
export async function deleteGate(ctx: OwnerCtx, { key }: z.output<typeof GateRef>): Promise<void> {
  await retryLostUpdate(async () => {
    const before = await findGate(ctx, key);
    if (!before) throw noGate();
    await new Plan(ctx).guarded(deleteGateRow(ctx, before)).audit(auditOf("gate.delete", key, before, undefined)).commit();
  });
  forgetGates();
}

const settingOf = ({ enabled, percentage, allowedAccounts, note }: Gate) => ({ enabled, percentage, allowedAccounts, note });

const auditOf = (action: string, key: string, before: Gate | undefined, after: Gate | undefined) => ({
  action,
  tenantId: null,
  subject: { type: "gate", id: key },
  detail: { before: before ? settingOf(before) : null, after: after ? settingOf(after) : null },
});
