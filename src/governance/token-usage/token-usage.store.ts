import { desc, eq, inArray, lt } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import { governanceTokenUsage } from "../../schema/governance-budgets";

export type UsageRecord = typeof governanceTokenUsage.$inferSelect;

/** Most rows that one clean-up forgets. */
const FORGET_MAX = 5_000;

/** Newest first. */
export const listUsageRows = (ctx: Ctx, tenant: string | undefined, limit: number): Promise<UsageRecord[]> =>
  ctx.db
    .select()
    .from(governanceTokenUsage)
    .where(tenant === undefined ? undefined : eq(governanceTokenUsage.tenant, tenant))
    .orderBy(desc(governanceTokenUsage.recordedAt), desc(governanceTokenUsage.id))
    .limit(limit);

/** One that is known stays as it is. */
export const insertUsage = (ctx: Ctx, row: typeof governanceTokenUsage.$inferInsert) => ctx.db.insert(governanceTokenUsage).values(row).onConflictDoNothing();

/** Forgets calls recorded before `before` (ms), the oldest first. */
export async function deleteUsageBefore(ctx: Ctx, before: number): Promise<void> {
  const old = ctx.db.select({ id: governanceTokenUsage.id }).from(governanceTokenUsage).where(lt(governanceTokenUsage.recordedAt, before)).orderBy(governanceTokenUsage.recordedAt).limit(FORGET_MAX);
  await ctx.db.delete(governanceTokenUsage).where(inArray(governanceTokenUsage.id, old));
}
