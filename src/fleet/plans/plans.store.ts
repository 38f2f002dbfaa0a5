import { eq } from "drizzle-orm";
import { users } from "../../schema/accounts";
import { plans } from "../../schema/instances";
import type { Ctx } from "../../kernel/context";

/** What a plan allows; a null limit means no cap. */
export interface PlanLimits {
  readonly key: string;
  readonly maxInstances: number | null;
  readonly maxBots: number | null;
  readonly maxBotShares: number | null;
  readonly botDashboardAccess: boolean;
}

/** A plan that an operator removed from the catalogue allows nothing. */
const NOTHING = { maxInstances: 0, maxBots: 0, maxBotShares: 0, botDashboardAccess: false };

/** The plan an account is on: its own key, else the trial while it lasts, else free. */
export async function getPlanOf(ctx: Ctx, tenantId: number): Promise<PlanLimits> {
  const [user] = await ctx.db.select({ planKey: users.planKey, trialEndsAt: users.trialEndsAt }).from(users).where(eq(users.id, tenantId)).limit(1);
  const key = user?.planKey ?? ((user?.trialEndsAt ?? 0) > ctx.clock.now() ? "free_trial" : "free");
  const [plan] = await ctx.db.select().from(plans).where(eq(plans.key, key)).limit(1);
  if (!plan) return { key, ...NOTHING };
  const { maxInstances, maxBots, maxBotShares, botDashboardAccess } = plan;
  return { key, maxInstances, maxBots, maxBotShares, botDashboardAccess };
}
