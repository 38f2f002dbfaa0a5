import { and, desc, eq, isNull } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import { governanceModelKeys } from "../../schema/governance-budgets";
import { governanceTenants } from "../../schema/governance-tenants";

export type ModelKey = typeof governanceModelKeys.$inferSelect;

/** A tenant as its key needs it. */
interface KeyedTenant {
  readonly bornRevision: number;
  readonly monthlyBudgetUsd: number | null;
  /** The newest. */
  readonly key: ModelKey | null;
}

/** What a key is to whoever shows it, in one read. `phase` is null when its tenant is gone. */
export interface PresentedKey {
  readonly id: string;
  readonly tenant: string;
  readonly revokedAt: number | null;
  readonly phase: string | null;
}

/** A key belongs to one life of its tenant's name. */
const isSameLife = and(eq(governanceModelKeys.tenant, governanceTenants.name), eq(governanceModelKeys.tenantBornRevision, governanceTenants.bornRevision));

export async function findKeyByHash(ctx: Ctx, keyHash: string): Promise<PresentedKey | null> {
  const [row] = await ctx.db
    .select({ id: governanceModelKeys.id, tenant: governanceModelKeys.tenant, revokedAt: governanceModelKeys.revokedAt, phase: governanceTenants.phase })
    .from(governanceModelKeys)
    .leftJoin(governanceTenants, isSameLife)
    .where(eq(governanceModelKeys.keyHash, keyHash))
    .limit(1);
  return row ?? null;
}

/** A tenant and its newest key; null when there is no such tenant. */
export async function findTenantWithKey(ctx: Ctx, name: string): Promise<KeyedTenant | null> {
  const [row] = await ctx.db
    .select({ bornRevision: governanceTenants.bornRevision, monthlyBudgetUsd: governanceTenants.monthlyBudgetUsd, key: governanceModelKeys })
    .from(governanceTenants)
    .leftJoin(governanceModelKeys, isSameLife)
    .where(eq(governanceTenants.name, name))
    .orderBy(desc(governanceModelKeys.issuedAt), desc(governanceModelKeys.id))
    .limit(1);
  return row ?? null;
}

export const insertKey = (ctx: Ctx, row: typeof governanceModelKeys.$inferInsert) => ctx.db.insert(governanceModelKeys).values(row);

/** Ends the tenant's living key, if there is one. */
export const revokeLivingKey = (ctx: Ctx, tenant: string, now: number) =>
  ctx.db.update(governanceModelKeys).set({ revokedAt: now, updatedAt: now }).where(and(eq(governanceModelKeys.tenant, tenant), isNull(governanceModelKeys.revokedAt)));
