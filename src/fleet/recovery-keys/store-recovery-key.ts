import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { seal } from "../../kernel/crypto/envelope";
import { isUniqueViolation, Plan, retryLostUpdate } from "../../kernel/db/client";
import { AppError } from "../../kernel/errors/app-error";
import type { RecoveryKeyRef, RecoveryKeyStoredView, StoreRecoveryKeyBody, UpdateRecoveryKeyBody } from "./recovery-keys.schemas";
import { deleteRecoveryKeyRow, findRecoveryKey, insertRecoveryKey, replaceRecoveryKey, type SealedRecoveryKey } from "./recovery-keys.store";
import { missingKey, recoveryKeySealContext, requireOwn } from "./require-own";

type Ref = z.output<typeof RecoveryKeyRef>;
type Stored = z.input<typeof RecoveryKeyStoredView>;

const subjectOf = (ref: Ref) => ({ type: "recovery_key", id: ref.user_id });

async function sealKey(ctx: OwnerCtx, input: z.output<typeof StoreRecoveryKeyBody>): Promise<SealedRecoveryKey> {
  const tenantId = ctx.actor.userId;
  return { tenantId, sealedKey: await seal(ctx.config.sealKeys, input.recovery_key, recoveryKeySealContext(tenantId)), deviceId: input.device_id };
}

/** Keeps the caller's first key. @throws AppError NOT_FOUND (not the caller), RECOVERY_KEY_EXISTS */
export async function storeRecoveryKey(ctx: OwnerCtx, input: Ref & z.output<typeof StoreRecoveryKeyBody>): Promise<Stored> {
  requireOwn(ctx, input.user_id);
  const key = await sealKey(ctx, input);
  try {
    await new Plan(ctx)
      .write(insertRecoveryKey(ctx, key, ctx.clock.now()))
      .audit({ action: "recovery_key.store", subject: subjectOf(input), detail: { device_id: input.device_id } })
      .commit();
  } catch (error) {
    if (isUniqueViolation(error, "recovery_keys.tenant_id")) throw new AppError("RECOVERY_KEY_EXISTS", "A recovery key is stored already; update it instead.", { cause: error });
    throw error;
  }
  return { success: true, message: "Recovery key stored." };
}

/** Replaces the caller's key; the old one is gone. @throws AppError NOT_FOUND */
export function updateRecoveryKey(ctx: OwnerCtx, input: Ref & z.output<typeof UpdateRecoveryKeyBody>): Promise<Stored> {
  return retryLostUpdate(async () => {
    requireOwn(ctx, input.user_id);
    const key = await sealKey(ctx, input);
    const row = await findRecoveryKey(ctx, input.user_id);
    if (!row) throw missingKey();
    await new Plan(ctx)
      .guarded(replaceRecoveryKey(ctx, row, key, ctx.clock.now()))
      .audit({ action: "recovery_key.update", subject: subjectOf(input), detail: { device_id: input.device_id, reason: input.reason ?? null } })
      .commit();
    return { success: true, message: "Recovery key updated." };
  });
}

/** Forgets the caller's key. @throws AppError NOT_FOUND */
export function deleteRecoveryKey(ctx: OwnerCtx, ref: Ref): Promise<Stored> {
  return retryLostUpdate(async () => {
    requireOwn(ctx, ref.user_id);
    const row = await findRecoveryKey(ctx, ref.user_id);
    if (!row) throw missingKey();
    await new Plan(ctx)
      .guarded(deleteRecoveryKeyRow(ctx, row))
      .audit({ action: "recovery_key.delete", subject: subjectOf(ref) })
      .commit();
    return { success: true, message: "Recovery key deleted." };
  });
}
