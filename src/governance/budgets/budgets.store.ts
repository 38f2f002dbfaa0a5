import { eq } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import { governanceTenants } from "../../schema/governance-tenants";
import { limitMicros } from "./money.core";

/** What the ledger must know of a tenant. */
export interface TenantBudget {
  readonly name: string;
  readonly phase: string;
  /** Micro-USD a month; null: no limit. */
  readonly limit: number | null;
}

/** A tenant as D1 shows it; null when there is none. */
export async function findTenantBudget(ctx: Ctx, name: string): Promise<TenantBudget | null> {
  const [row] = await ctx.db
    .select({ name: governanceTenants.name, phase: governanceTenants.phase, monthlyBudgetUsd: governanceTenants.monthlyBudgetUsd })
    .from(governanceTenants)
    .where(eq(governanceTenants.name, name))
    .limit(1);
  return row ? { name: row.name, phase: row.phase, limit: row.monthlyBudgetUsd === null ? null : limitMicros(row.monthlyBudgetUsd) } : null;
}
