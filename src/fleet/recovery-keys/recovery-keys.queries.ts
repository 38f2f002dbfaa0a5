import type { z } from "zod";
import type { Ctx, OwnerCtx } from "../../kernel/context";
import { unseal } from "../../kernel/crypto/envelope";
import type { RecoveryKeyExistsView, RecoveryKeyRef, RecoveryKeyView } from "./recovery-keys.schemas";
import { toRecoveryKeyView } from "./recovery-keys.schemas";
import { findRecoveryKey, type RecoveryKey } from "./recovery-keys.store";
import { missingKey, recoveryKeySealContext, requireOwn } from "./require-own";

const open = (ctx: Ctx, row: RecoveryKey): Promise<string | null> => unseal(ctx.config.sealKeys, row.sealedKey, recoveryKeySealContext(row.tenantId));

/** The caller's key in the clear. @throws AppError NOT_FOUND (also for other people's) */
export async function getRecoveryKey(ctx: OwnerCtx, ref: z.output<typeof RecoveryKeyRef>): Promise<z.input<typeof RecoveryKeyView>> {
  requireOwn(ctx, ref.user_id);
  const row = await findRecoveryKey(ctx, ref.user_id);
  if (!row) throw missingKey();
  const plaintext = await open(ctx, row);
  if (plaintext === null) throw new Error("a recovery key does not open with any key of the ring");
  return toRecoveryKeyView(row, plaintext);
}

/** Whether the caller has one. @throws AppError NOT_FOUND for other people's ids */
export async function hasRecoveryKey(ctx: OwnerCtx, ref: z.output<typeof RecoveryKeyRef>): Promise<z.input<typeof RecoveryKeyExistsView>> {
  requireOwn(ctx, ref.user_id);
  return { exists: (await findRecoveryKey(ctx, ref.user_id)) !== undefined };
}

/** For whoever just proved to be `tenantId`: the key, or null. One that does not open is logged and stops nobody from signing in. */
export async function findRecoveryKeyText(ctx: Ctx, tenantId: number): Promise<string | null> {
  const row = await findRecoveryKey(ctx, tenantId);
  if (!row) return null;
  const plaintext = await open(ctx, row);
  if (plaintext === null) ctx.log.error("a recovery key does not open", { event: "recovery_key.unreadable", user_id: tenantId });
  return plaintext;
}
