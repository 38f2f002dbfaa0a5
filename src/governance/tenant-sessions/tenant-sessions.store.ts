import { and, count, eq, gt, lt, sql } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import { governanceBrokeredSessions, governanceTokenEpochs } from "../../schema/governance-auth";
import { governanceClusterTenants } from "../../schema/governance-platform";
import { governanceTenants } from "../../schema/governance-tenants";
import { foldAddress } from "../addresses.core";

const ownTenantColumns = {
  name: governanceTenants.name,
  phase: governanceTenants.phase,
  suspended: governanceTenants.suspended,
  bornRevision: governanceTenants.bornRevision,
  epoch: sql<number>`coalesce(${governanceTokenEpochs.epoch}, 0)`,
};

/** A tenant as its people find it. */
export type OwnTenant = Awaited<ReturnType<typeof listTenantsOf>>[number];

/** Tenants of a person's address; two are enough to know that there is more than one. */
export const listTenantsOf = (ctx: Ctx, email: string) =>
  ctx.db
    .select({ ...ownTenantColumns, /** Of the cluster tenant that it is attached to. */ baseDomain: governanceClusterTenants.baseDomain })
    .from(governanceTenants)
    .leftJoin(governanceTokenEpochs, eq(governanceTokenEpochs.tenant, governanceTenants.name))
    .leftJoin(governanceClusterTenants, eq(governanceClusterTenants.name, governanceTenants.clusterTenantRef))
    .where(eq(sql`lower(${governanceTenants.email})`, foldAddress(email)))
    .limit(2);

/** What of a tenant its sessions are about. */
export async function findSessionTenant(ctx: Ctx, name: string) {
  return (
    await ctx.db
      .select(ownTenantColumns)
      .from(governanceTenants)
      .leftJoin(governanceTokenEpochs, eq(governanceTokenEpochs.tenant, governanceTenants.name))
      .where(eq(governanceTenants.name, name))
      .limit(1)
  )[0];
}

export const upsertBrokered = (ctx: Ctx, tenant: string, subject: string, now: number, expiresAt: number) =>
  ctx.db
    .insert(governanceBrokeredSessions)
    .values({ tenant, subject, createdAt: now, updatedAt: now, expiresAt })
    .onConflictDoUpdate({ target: [governanceBrokeredSessions.tenant, governanceBrokeredSessions.subject], set: { updatedAt: now, expiresAt } });

/** How many people hold a live token of a tenant at `now` (ms). */
export async function countBrokered(ctx: Ctx, tenant: string, now: number): Promise<number> {
  const [row] = await ctx.db.select({ total: count() }).from(governanceBrokeredSessions).where(and(eq(governanceBrokeredSessions.tenant, tenant), gt(governanceBrokeredSessions.expiresAt, now)));
  return row?.total ?? 0;
}

export const deleteBrokered = (ctx: Ctx, tenant: string) => ctx.db.delete(governanceBrokeredSessions).where(eq(governanceBrokeredSessions.tenant, tenant));

/** Makes every token of the tenant one of an earlier epoch. */
export const raiseEpoch = (ctx: Ctx, tenant: string, now: number) =>
  ctx.db
    .insert(governanceTokenEpochs)
    .values({ tenant, epoch: 1, createdAt: now, updatedAt: now })
    .onConflictDoUpdate({ target: governanceTokenEpochs.tenant, set: { epoch: sql`${governanceTokenEpochs.epoch} + 1`, updatedAt: now } });

/** Drops what ended before `before` (ms). */
export async function forgetBrokered(ctx: Ctx, before: number): Promise<void> {
  await ctx.db.delete(governanceBrokeredSessions).where(lt(governanceBrokeredSessions.expiresAt, before));
}
