import { and, asc, eq, isNotNull, lte, sql } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import { governanceClusterTenants } from "../../schema/governance-platform";
import { governanceTenants } from "../../schema/governance-tenants";

export type ClusterTenantRow = typeof governanceClusterTenants.$inferSelect;
type Db = Pick<Ctx, "db">;

const byName = (name: string) => eq(governanceClusterTenants.name, name);

export const selectClusterTenants = (ctx: Db): Promise<ClusterTenantRow[]> => ctx.db.select().from(governanceClusterTenants).orderBy(asc(governanceClusterTenants.createdAt), asc(governanceClusterTenants.name));

export async function findClusterTenant(ctx: Db, name: string): Promise<ClusterTenantRow | null> {
  const [row] = await ctx.db.select().from(governanceClusterTenants).where(byName(name)).limit(1);
  return row ?? null;
}

export const insertClusterTenant = (ctx: Db, row: typeof governanceClusterTenants.$inferInsert) => ctx.db.insert(governanceClusterTenants).values(row);

/** Guarded by the version that was read; a change of the wish raises it. */
export const updateClusterTenant = (ctx: Db, { name, version }: Pick<ClusterTenantRow, "name" | "version">, change: Partial<ClusterTenantRow>) =>
  ctx.db
    .update(governanceClusterTenants)
    .set(change)
    .where(and(byName(name), eq(governanceClusterTenants.version, version)));

export const deleteClusterTenantRow = (ctx: Db, { name, version }: Pick<ClusterTenantRow, "name" | "version">) => ctx.db.delete(governanceClusterTenants).where(and(byName(name), eq(governanceClusterTenants.version, version)));

/** 1 while no tenant is placed there, for a plan's condition. */
export const isUnused = (name: string) => sql`NOT EXISTS (SELECT 1 FROM ${governanceTenants} WHERE ${governanceTenants.clusterTenantRef} = ${name})`;

/** Names whose placement is to be asked about, longest overdue first. */
export async function selectDueNames(ctx: Db, now: number, limit: number): Promise<readonly string[]> {
  const rows = await ctx.db
    .select({ name: governanceClusterTenants.name })
    .from(governanceClusterTenants)
    .where(and(isNotNull(governanceClusterTenants.checkAt), lte(governanceClusterTenants.checkAt, now)))
    .orderBy(asc(governanceClusterTenants.checkAt))
    .limit(limit);
  return rows.map(({ name }) => name);
}
