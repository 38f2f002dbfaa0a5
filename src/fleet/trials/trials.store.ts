import { eq } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import { plans } from "../../schema/instances";

/** What people call a plan. Plans are the same for every tenant. */
export async function findPlanName(ctx: Ctx, key: string): Promise<string | undefined> {
  return (await ctx.db.select({ name: plans.name }).from(plans).where(eq(plans.key, key)).limit(1))[0]?.name;
}
