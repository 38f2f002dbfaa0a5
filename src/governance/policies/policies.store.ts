import { desc, eq } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import { governancePolicies } from "../../schema/governance-policies";
import type { Policy } from "./policies.core";

/** All of them, newest first. */
export async function listPolicyRows(ctx: Ctx): Promise<readonly Policy[]> {
  return ctx.db.select().from(governancePolicies).orderBy(desc(governancePolicies.createdAt), desc(governancePolicies.name));
}

export async function findPolicyRow(ctx: Ctx, name: string): Promise<Policy | undefined> {
  return (await ctx.db.select().from(governancePolicies).where(eq(governancePolicies.name, name)).limit(1))[0];
}

export function writePolicyRow(ctx: Ctx, policy: Policy) {
  return ctx.db.insert(governancePolicies).values(policy).onConflictDoUpdate({ target: governancePolicies.name, set: policy });
}

export const deletePolicyRow = (ctx: Ctx, name: string) => ctx.db.delete(governancePolicies).where(eq(governancePolicies.name, name));
