import { and, asc, eq, gt, inArray, isNotNull, isNull, lte, or } from "drizzle-orm";
import { botGroups, bots, botShares } from "../../schema/bots";
import type { Ctx } from "../../kernel/context";

/** SQL of bots that talk to each other. */

export type Group = typeof botGroups.$inferSelect;
type GroupInsert = typeof botGroups.$inferInsert;
type BotRow = typeof bots.$inferSelect;

/** One of the tenant's active bots. */
export async function findOwnBot(ctx: Ctx, tenantId: number, matrixId: string): Promise<BotRow | null> {
  return (await ctx.db.select().from(bots).where(and(eq(bots.tenantId, tenantId), eq(bots.matrixId, matrixId), eq(bots.status, "active"))).limit(1))[0] ?? null;
}

/** Ids of those among these bots that somebody shares with the person now. */
export async function listSharedWith(ctx: Ctx, recipientId: number, botIds: readonly string[]): Promise<Set<string>> {
  if (botIds.length === 0) return new Set();
  const lives = and(isNull(botShares.endedAt), or(isNull(botShares.expiresAt), gt(botShares.expiresAt, ctx.clock.now())));
  const rows = await ctx.db.select({ botId: botShares.botId }).from(botShares).where(and(eq(botShares.recipientId, recipientId), inArray(botShares.botId, [...botIds]), lives));
  return new Set(rows.map((row) => row.botId));
}

export const insertGroup = (ctx: Ctx, row: GroupInsert) => ctx.db.insert(botGroups).values(row);

/** Whatever its owner: for the reconciler. */
export async function findGroupRow(ctx: Ctx, id: string): Promise<Group | null> {
  return (await ctx.db.select().from(botGroups).where(eq(botGroups.id, id)).limit(1))[0] ?? null;
}

const unchanged = (group: Group) => and(eq(botGroups.id, group.id), eq(botGroups.tenantId, group.tenantId), eq(botGroups.version, group.version));

/** Guarded by `version`. `updated_at` moves only when it is among the changes: the reconciler counts from it. */
export const updateGroup = (ctx: Ctx, group: Group, changes: Partial<GroupInsert>) => ctx.db.update(botGroups).set({ ...changes, version: group.version + 1 }).where(unchanged(group));

/** Guarded by `version`. */
export const deleteGroup = (ctx: Ctx, group: Group) => ctx.db.delete(botGroups).where(unchanged(group));

/** Groups that the reconciler must look at, longest waiting first. */
export async function listDueGroups(ctx: Ctx, limit: number): Promise<string[]> {
  const rows = await ctx.db.select({ id: botGroups.id }).from(botGroups).where(and(isNotNull(botGroups.settleAt), lte(botGroups.settleAt, ctx.clock.now()))).orderBy(asc(botGroups.settleAt)).limit(limit);
  return rows.map((row) => row.id);
}
