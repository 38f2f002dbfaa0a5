import type { OwnerCtx } from "../../kernel/context";
import { AppError, notFound } from "../../kernel/errors/app-error";

export const missingKey = (): AppError => notFound("Recovery key");

/** Only its owner reaches a recovery key, administrators included among the others. @throws AppError NOT_FOUND */
export function requireOwn(ctx: OwnerCtx, userId: number): void {
  if (ctx.actor.userId !== userId) throw missingKey();
}

/** Binds a sealed key to its person: copied to another row it does not open. */
export const recoveryKeySealContext = (tenantId: number): string => `recovery_key:${tenantId}`;
