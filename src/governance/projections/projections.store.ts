import { and, eq, sql } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import { governanceProjections } from "../../schema/governance-tenants";

/**
 * For guarded use: misses when D1 shows a newer revision already, and, unless `again`, when it shows this very one.
 */
export function markProjected(ctx: Ctx, kind: string, key: string, revision: number, again: boolean) {
  const projectedAt = ctx.clock.now();
  return ctx.db
    .insert(governanceProjections)
    .values({ kind, key, revision, projectedAt })
    .onConflictDoUpdate({
      target: [governanceProjections.kind, governanceProjections.key],
      set: { revision, projectedAt },
      setWhere: again ? sql`${governanceProjections.revision} <= ${revision}` : sql`${governanceProjections.revision} < ${revision}`,
    });
}

/** When each copy of a kind was made, ms. */
export async function listProjectedAt(ctx: Ctx, kind: string): Promise<ReadonlyMap<string, number>> {
  const rows = await ctx.db.select({ key: governanceProjections.key, projectedAt: governanceProjections.projectedAt }).from(governanceProjections).where(eq(governanceProjections.kind, kind));
  return new Map(rows.map(({ key, projectedAt }) => [key, projectedAt]));
}

/** The revision that D1 shows of a source, also of one that is gone; 0 for one that it never showed. */
export async function findShownRevision(ctx: Ctx, kind: string, key: string): Promise<number> {
  const [row] = await ctx.db
    .select({ revision: governanceProjections.revision })
    .from(governanceProjections)
    .where(and(eq(governanceProjections.kind, kind), eq(governanceProjections.key, key)))
    .limit(1);
  return row?.revision ?? 0;
}
