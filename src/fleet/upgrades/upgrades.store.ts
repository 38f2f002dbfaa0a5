import { and, eq, isNull } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import { upgradeRequests } from "../../schema/billing";

/** SQL of upgrades. Every query names the tenant. */

export type UpgradeRow = typeof upgradeRequests.$inferSelect;
type UpgradeInsert = typeof upgradeRequests.$inferInsert;

export async function findUpgrade(ctx: Ctx, tenantId: number, id: string): Promise<UpgradeRow | null> {
  return (await ctx.db.select().from(upgradeRequests).where(and(eq(upgradeRequests.id, id), eq(upgradeRequests.tenantId, tenantId))).limit(1))[0] ?? null;
}

export async function findOpenUpgrade(ctx: Ctx, tenantId: number): Promise<UpgradeRow | null> {
  return (await ctx.db.select().from(upgradeRequests).where(and(eq(upgradeRequests.tenantId, tenantId), isNull(upgradeRequests.resolvedAt))).limit(1))[0] ?? null;
}

/** Whether this very change opened one before. */
export async function isCauseKnown(ctx: Ctx, tenantId: number, cause: string): Promise<boolean> {
  return (await ctx.db.select({ id: upgradeRequests.id }).from(upgradeRequests).where(and(eq(upgradeRequests.tenantId, tenantId), eq(upgradeRequests.cause, cause))).limit(1)).length > 0;
}

/** Meets an index when one is open already, or when its cause is known. */
export const insertUpgrade = (ctx: Ctx, row: UpgradeInsert) => ctx.db.insert(upgradeRequests).values(row);

/** Guarded by `version`. */
export const updateUpgrade = (ctx: Ctx, row: UpgradeRow, changes: Partial<UpgradeInsert>, now: number) =>
  ctx.db
    .update(upgradeRequests)
    .set({ ...changes, updatedAt: now, version: row.version + 1 })
    .where(and(eq(upgradeRequests.id, row.id), eq(upgradeRequests.tenantId, row.tenantId), eq(upgradeRequests.version, row.version)));
