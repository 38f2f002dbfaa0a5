import { and, asc, desc, eq, inArray, isNotNull, isNull, lte, or, sql } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import { users } from "../../schema/accounts";
import { subscriptionAddons, userSubscriptions } from "../../schema/billing";
import type { Subscription } from "../plans";

/** SQL of subscriptions that are paid at Stripe. Rows of other sources are only read here. */

type NewSubscription = typeof userSubscriptions.$inferInsert;

/** Newest first, of every source. */
export function listSubscriptionRows(ctx: Ctx, tenantId: number): Promise<Subscription[]> {
  return ctx.db.select().from(userSubscriptions).where(eq(userSubscriptions.tenantId, tenantId)).orderBy(desc(userSubscriptions.createdAt), desc(userSubscriptions.id)).limit(100);
}

/** Whose-ever it is: the provider names subscriptions, not people. */
export async function findByExternalId(ctx: Ctx, externalId: string): Promise<Subscription | null> {
  return (await ctx.db.select().from(userSubscriptions).where(and(eq(userSubscriptions.source, "stripe"), eq(userSubscriptions.externalId, externalId))).limit(1))[0] ?? null;
}

/** For the reconciler, whose-ever it is. */
export async function findSubscriptionRow(ctx: Ctx, id: string): Promise<Subscription | null> {
  return (await ctx.db.select().from(userSubscriptions).where(eq(userSubscriptions.id, id)).limit(1))[0] ?? null;
}

export const insertSubscription = (ctx: Ctx, row: NewSubscription) => ctx.db.insert(userSubscriptions).values(row);

/** For guarded use: misses when the row changed in between. */
export const updateSubscription = (ctx: Ctx, row: Subscription, change: Partial<NewSubscription>, nowMs: number) =>
  ctx.db
    .update(userSubscriptions)
    .set({ ...change, updatedAt: nowMs, version: row.version + 1 })
    .where(and(eq(userSubscriptions.id, row.id), eq(userSubscriptions.tenantId, row.tenantId), eq(userSubscriptions.version, row.version)));

/** Ends a claim of ours now, so that the reconciler looks at the row; somebody else's stays. */
export const endClaim = (ctx: Ctx, row: Subscription, claim: number, nowMs: number) =>
  ctx.db
    .update(userSubscriptions)
    .set({ changingUntil: nowMs, version: sql`${userSubscriptions.version} + 1` })
    .where(and(eq(userSubscriptions.id, row.id), eq(userSubscriptions.tenantId, row.tenantId), eq(userSubscriptions.changingUntil, claim)));

/** Ends a claim that lapsed. */
export const releaseClaim = (ctx: Ctx, row: Subscription) =>
  ctx.db
    .update(userSubscriptions)
    .set({ changingUntil: null, version: sql`${userSubscriptions.version} + 1` })
    .where(and(eq(userSubscriptions.id, row.id), eq(userSubscriptions.tenantId, row.tenantId), eq(userSubscriptions.version, row.version)));

/** What people's profiles say of their price. */
export const setPriceOfAccount = (ctx: Ctx, tenantId: number, priceId: string | null) => ctx.db.update(users).set({ subscriptionPriceId: priceId }).where(eq(users.id, tenantId));

/** Prices of add-ons: what is bought for them changes no plan. */
export async function isAddonPrice(ctx: Ctx, priceId: string): Promise<boolean> {
  const { stripePriceId, stripePriceIdYearly, stripePriceIdSandbox, stripePriceIdYearlySandbox } = subscriptionAddons;
  const is = [stripePriceId, stripePriceIdYearly, stripePriceIdSandbox, stripePriceIdYearlySandbox].map((column) => eq(column, priceId));
  return (await ctx.db.select({ id: subscriptionAddons.id }).from(subscriptionAddons).where(or(...is)).limit(1)).length > 0;
}

export async function accountExists(ctx: Ctx, tenantId: number): Promise<boolean> {
  return (await ctx.db.select({ id: users.id }).from(users).where(eq(users.id, tenantId)).limit(1)).length > 0;
}

/** Rows to read again, of every owner: a change broke off, a grace is over, or a period ended `lateMs` ago without a word. */
export async function listToSettle(ctx: Ctx, nowMs: number, lateMs: number, limit: number): Promise<{ readonly claims: readonly string[]; readonly graces: readonly string[]; readonly late: readonly string[] }> {
  const paid = and(eq(userSubscriptions.source, "stripe"), isNotNull(userSubscriptions.externalId));
  const ids = { id: userSubscriptions.id };
  const [claims, graces, late] = await ctx.db.batch([
    ctx.db.select(ids).from(userSubscriptions).where(and(paid, lte(userSubscriptions.changingUntil, nowMs))).orderBy(asc(userSubscriptions.changingUntil)).limit(limit),
    ctx.db.select(ids).from(userSubscriptions).where(and(paid, eq(userSubscriptions.status, "past_due"), lte(userSubscriptions.graceUntil, nowMs))).orderBy(asc(userSubscriptions.graceUntil)).limit(limit),
    ctx.db
      .select(ids)
      .from(userSubscriptions)
      .where(and(paid, inArray(userSubscriptions.status, ["active", "trialing"]), lte(userSubscriptions.currentPeriodEnd, nowMs - lateMs), isNull(userSubscriptions.changingUntil)))
      .orderBy(asc(userSubscriptions.currentPeriodEnd))
      .limit(limit),
  ]);
  return { claims: claims.map(({ id }) => id), graces: graces.map(({ id }) => id), late: late.map(({ id }) => id) };
}
