import { and, eq, isNull } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import { cliTokens } from "../../schema/accounts";
import { governanceTenantMachines } from "../../schema/governance-contracts";
import { governanceTenants } from "../../schema/governance-tenants";
import { instances } from "../../schema/instances";

/** Of a tenant, what decides about its calls. */
export interface CallingTenant {
  readonly name: string;
  readonly team: string | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly policyRef: string | null;
  readonly suspended: boolean;
  readonly bornRevision: number;
}

export async function findCallingTenant(ctx: Ctx, name: string): Promise<CallingTenant | null> {
  const { team, labels, policyRef, suspended, bornRevision } = governanceTenants;
  const [row] = await ctx.db.select({ name: governanceTenants.name, team, labels, policyRef, suspended, bornRevision }).from(governanceTenants).where(eq(governanceTenants.name, name));
  return row ?? null;
}

/** The tenant that governs the machine to which a CLI token is bound; null when none does. A tenant that came later under the same name is another one. */
export async function findTenantOfToken(ctx: Ctx, userId: number, tokenId: string): Promise<string | null> {
  const [row] = await ctx.db
    .select({ tenant: governanceTenantMachines.tenant })
    .from(cliTokens)
    .innerJoin(instances, and(eq(instances.tenantId, cliTokens.tenantId), eq(instances.instanceId, cliTokens.boundInstanceId), isNull(instances.archivedAt)))
    .innerJoin(governanceTenantMachines, eq(governanceTenantMachines.instanceRow, instances.id))
    .innerJoin(governanceTenants, and(eq(governanceTenants.name, governanceTenantMachines.tenant), eq(governanceTenants.bornRevision, governanceTenantMachines.tenantBorn)))
    .where(and(eq(cliTokens.id, tokenId), eq(cliTokens.tenantId, userId)));
  return row?.tenant ?? null;
}
