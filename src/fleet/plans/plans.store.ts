import { and, asc, desc, inArray, isNull, sql, type SQLWrapper } from "drizzle-orm";
import { users } from "../../schema/accounts";
import { downgradeRequests, features, planFeatures, plans, userSubscriptions } from "../../schema/billing";
import type { Ctx } from "../../kernel/context";

/** SQL of the catalogue, and of what somebody is on. The catalogue is the same for every tenant. */

export type Plan = typeof plans.$inferSelect;
export type Feature = typeof features.$inferSelect;
export type PlanFeature = typeof planFeatures.$inferSelect;
export type Subscription = typeof userSubscriptions.$inferSelect;

const IN_FORCE = ["trialing", "active", "past_due", "grace"] as const;

/** What plans allow. */
export interface Catalogue {
  /** By tier, lowest first. */
  readonly plans: readonly Plan[];
  readonly features: readonly Feature[];
  readonly values: readonly PlanFeature[];
}

/** What decides about somebody's plan. */
export interface Standing {
  /** What an operator gave. */
  readonly planKey: string | null;
  readonly trialEndsAt: number;
  /** Those that may be in force, newest first. */
  readonly subscriptions: readonly Subscription[];
  /** Where an open downgrade leads. */
  readonly downgradeToPlanId: number | null;
}

/** All plans, features and values: a few dozen rows. */
export async function readCatalogue(ctx: Ctx): Promise<Catalogue> {
  const [planRows, featureRows, values] = await ctx.db.batch([
    ctx.db.select().from(plans).orderBy(asc(plans.tier), asc(plans.id)),
    ctx.db.select().from(features).orderBy(asc(features.id)),
    ctx.db.select().from(planFeatures),
  ]);
  return { plans: planRows, features: featureRows, values };
}

/** Standings by user id; who does not exist is not in the answer. */
export async function readStandings(ctx: Ctx, tenantIds: readonly number[]): Promise<ReadonlyMap<number, Standing>> {
  const wanted = JSON.stringify(tenantIds);
  const among = (column: SQLWrapper) => sql`${column} IN (SELECT value FROM json_each(${wanted}))`;
  const [people, subscriptions, downgrades] = await ctx.db.batch([
    ctx.db.select({ id: users.id, planKey: users.planKey, trialEndsAt: users.trialEndsAt }).from(users).where(among(users.id)),
    ctx.db
      .select()
      .from(userSubscriptions)
      .where(and(among(userSubscriptions.tenantId), inArray(userSubscriptions.status, [...IN_FORCE])))
      .orderBy(desc(userSubscriptions.createdAt), desc(userSubscriptions.id)),
    ctx.db.select({ tenantId: downgradeRequests.tenantId, toPlanId: downgradeRequests.toPlanId }).from(downgradeRequests).where(and(among(downgradeRequests.tenantId), isNull(downgradeRequests.resolvedAt))),
  ]);
  const leads = new Map(downgrades.map((one) => [one.tenantId, one.toPlanId]));
  return new Map(people.map(({ id, planKey, trialEndsAt }) => [id, { planKey, trialEndsAt, subscriptions: subscriptions.filter((one) => one.tenantId === id), downgradeToPlanId: leads.get(id) ?? null }]));
}
