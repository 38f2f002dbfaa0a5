import { and, eq } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import { recoveryKeys } from "../../schema/accounts";

export type RecoveryKey = typeof recoveryKeys.$inferSelect;

export async function findRecoveryKey(ctx: Ctx, tenantId: number): Promise<RecoveryKey | undefined> {
  return (await ctx.db.select().from(recoveryKeys).where(eq(recoveryKeys.tenantId, tenantId)).limit(1))[0];
}

export interface SealedRecoveryKey {
  readonly tenantId: number;
  readonly sealedKey: string;
  readonly deviceId: string;
}

/** The commit fails on `recovery_keys.tenant_id` when there is one. */
export const insertRecoveryKey = (ctx: Ctx, key: SealedRecoveryKey, nowMs: number) => ctx.db.insert(recoveryKeys).values({ ...key, createdAt: nowMs, updatedAt: nowMs });

const asRead = (row: RecoveryKey) => and(eq(recoveryKeys.tenantId, row.tenantId), eq(recoveryKeys.version, row.version));

/** Guarded: misses when the key was changed since it was read. */
export const replaceRecoveryKey = (ctx: Ctx, row: RecoveryKey, key: SealedRecoveryKey, nowMs: number) =>
  ctx.db
    .update(recoveryKeys)
    .set({ ...key, createdAt: nowMs, updatedAt: nowMs, version: row.version + 1 })
    .where(asRead(row));

/** Guarded, as {@link replaceRecoveryKey}. */
export const deleteRecoveryKeyRow = (ctx: Ctx, row: RecoveryKey) => ctx.db.delete(recoveryKeys).where(asRead(row));

/** For the end of an account. */
export const forgetRecoveryKey = (ctx: Ctx, tenantId: number) => ctx.db.delete(recoveryKeys).where(eq(recoveryKeys.tenantId, tenantId));
