import { and, asc, desc, eq, exists, inArray, ne, sql } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import { governanceClusterTenants } from "../../schema/governance-platform";
import { governanceParticipation } from "../../schema/governance-policies";
import { governanceTenants } from "../../schema/governance-tenants";
import { phaseOf, type TenantState } from "./tenants.core";

export type TenantRow = typeof governanceTenants.$inferSelect;

/** A tenant with the base domain of the cluster tenant that it is attached to. */
export interface PlacedTenant {
  readonly tenant: TenantRow;
  readonly baseDomain: string | null;
}

const placed = (ctx: Ctx) =>
  ctx.db.select({ tenant: governanceTenants, baseDomain: governanceClusterTenants.baseDomain }).from(governanceTenants).leftJoin(governanceClusterTenants, eq(governanceClusterTenants.name, governanceTenants.clusterTenantRef));

/** Newest first. */
export const listTenants = (ctx: Ctx): Promise<PlacedTenant[]> => placed(ctx).orderBy(desc(governanceTenants.createdAt), asc(governanceTenants.name));

export async function findTenant(ctx: Ctx, name: string): Promise<PlacedTenant | undefined> {
  return (await placed(ctx).where(eq(governanceTenants.name, name)).limit(1))[0];
}

export const listTenantRows = (ctx: Ctx): Promise<TenantRow[]> => ctx.db.select().from(governanceTenants);

/** @param names at most 100: D1 binds no more */
export const listTenantRowsOf = (ctx: Ctx, names: readonly string[]): Promise<TenantRow[]> => ctx.db.select().from(governanceTenants).where(inArray(governanceTenants.name, [...names]));

/** Whether a tenant can be attached to `ref`. */
export async function isClusterTenant(ctx: Ctx, ref: string): Promise<boolean> {
  const found = await ctx.db.select({ name: governanceClusterTenants.name }).from(governanceClusterTenants).where(eq(governanceClusterTenants.name, ref)).limit(1);
  return found.length > 0;
}

/** The row that shows a tenant. */
export function toRow({ name, spec, datasets, resolution, revision, bornRevision, createdAt, updatedAt }: TenantState): typeof governanceTenants.$inferInsert {
  return {
    ...spec,
    name,
    datasets,
    phase: phaseOf(spec, resolution),
    policyName: resolution?.name ?? null,
    policySource: resolution?.source ?? null,
    policyState: resolution?.state ?? null,
    policyMessage: resolution?.message ?? null,
    revision,
    bornRevision,
    createdAt,
    updatedAt,
  };
}

export function upsertTenantRow(ctx: Ctx, state: TenantState) {
  const { name: _, ...row } = toRow(state);
  return ctx.db.insert(governanceTenants).values(toRow(state)).onConflictDoUpdate({ target: governanceTenants.name, set: row });
}

/** Condition: D1 shows an earlier tenant of this name. */
export const isAnotherLife = (ctx: Ctx, { name, bornRevision }: TenantState) =>
  exists(ctx.db.select({ one: sql`1` }).from(governanceTenants).where(and(eq(governanceTenants.name, name), ne(governanceTenants.bornRevision, bornRevision))));

export const deleteTenantRow = (ctx: Ctx, name: string) => ctx.db.delete(governanceTenants).where(eq(governanceTenants.name, name));

export const deleteParticipationRow = (ctx: Ctx, tenant: string) => ctx.db.delete(governanceParticipation).where(eq(governanceParticipation.tenant, tenant));
