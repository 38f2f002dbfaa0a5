import { and, asc, desc, eq, inArray, lte } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import { users } from "../../schema/accounts";
import { userSubscriptions } from "../../schema/billing";
import type { AppleState } from "./apple-purchases.core";

/** SQL of subscriptions bought in the App Store. Apple knows no tenants: what it tells is found by its transaction. */

export type AppleSubscription = typeof userSubscriptions.$inferSelect;

/** Whoever it belongs to. */
export async function findByTransaction(ctx: Ctx, originalTransactionId: string): Promise<AppleSubscription | null> {
  const [row] = await ctx.db.select().from(userSubscriptions).where(and(eq(userSubscriptions.source, "apple"), eq(userSubscriptions.externalId, originalTransactionId))).limit(1);
  return row ?? null;
}

/** Whoever it belongs to: for the sweep. */
export async function findSubscriptionRow(ctx: Ctx, id: string): Promise<AppleSubscription | null> {
  return (await ctx.db.select().from(userSubscriptions).where(and(eq(userSubscriptions.id, id), eq(userSubscriptions.source, "apple"))).limit(1))[0] ?? null;
}

/** Somebody's, of every source. */
export function listSubscriptionRows(ctx: Ctx, tenantId: number): Promise<AppleSubscription[]> {
  return ctx.db.select().from(userSubscriptions).where(eq(userSubscriptions.tenantId, tenantId)).orderBy(desc(userSubscriptions.createdAt)).limit(100);
}

export const insertSubscription = (ctx: Ctx, row: AppleSubscription) => ctx.db.insert(userSubscriptions).values(row);

/** Guarded by `version`. */
export const updateSubscription = (ctx: Ctx, row: AppleSubscription, state: AppleState & { readonly interval: "month" | "year" | null }, now: number) =>
  ctx.db
    .update(userSubscriptions)
    .set({ ...state, updatedAt: now, version: row.version + 1 })
    .where(and(eq(userSubscriptions.id, row.id), eq(userSubscriptions.tenantId, row.tenantId), eq(userSubscriptions.version, row.version)));

/** What people's profiles say of their price. */
export const setPriceOfAccount = (ctx: Ctx, tenantId: number, priceId: string | null) => ctx.db.update(users).set({ subscriptionPriceId: priceId }).where(eq(users.id, tenantId));

/** Ids of subscriptions in force whose paid period is over, longest first: whoever they belong to. */
export async function listDueSubscriptions(ctx: Ctx, now: number, limit: number): Promise<string[]> {
  const rows = await ctx.db
    .select({ id: userSubscriptions.id })
    .from(userSubscriptions)
    .where(and(eq(userSubscriptions.source, "apple"), inArray(userSubscriptions.status, ["trialing", "active", "grace"]), lte(userSubscriptions.currentPeriodEnd, now)))
    .orderBy(asc(userSubscriptions.currentPeriodEnd))
    .limit(limit);
  return rows.map((row) => row.id);
}
