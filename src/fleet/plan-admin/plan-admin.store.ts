import { and, asc, count, eq, sql, type SQL } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import { features, planFeatures, plans, subscriptionAddons } from "../../schema/billing";
import type { Feature, Plan, PlanFeature } from "../plans";

/** Writes of the catalogue, which is the same for every tenant. */

export type Addon = typeof subscriptionAddons.$inferSelect;

export const listAddonRows = (ctx: Ctx): Promise<Addon[]> => ctx.db.select().from(subscriptionAddons).orderBy(asc(subscriptionAddons.id));

/** Rises with every change of a plan or an add-on. */
export const priceStampOf = (plansNow: readonly Plan[], addons: readonly Addon[]): number => [...plansNow, ...addons].reduce((sum, row) => sum + row.version, 0);

/** Condition for a plan of writes, after its own change: no other price changed since the stamp was read, so that none is given away twice. */
export const isOnlyPriceChangeSince = (stamp: number): SQL =>
  sql`((SELECT coalesce(sum(version), 0) FROM ${plans}) + (SELECT coalesce(sum(version), 0) FROM ${subscriptionAddons})) = ${stamp + 1}`;

const touched = (row: { readonly version: number }, nowMs: number) => ({ updatedAt: nowMs, version: row.version + 1 });

/** Guarded by `version`. */
export const updatePlanRow = (ctx: Ctx, row: Plan, change: Partial<Plan>, nowMs: number) =>
  ctx.db
    .update(plans)
    .set({ ...change, ...touched(row, nowMs) })
    .where(and(eq(plans.id, row.id), eq(plans.version, row.version)));

/** Guarded by `version`. */
export const updateAddonRow = (ctx: Ctx, row: Addon, change: Partial<Addon>, nowMs: number) =>
  ctx.db
    .update(subscriptionAddons)
    .set({ ...change, ...touched(row, nowMs) })
    .where(and(eq(subscriptionAddons.id, row.id), eq(subscriptionAddons.version, row.version)));

interface NewValue {
  readonly planId: number;
  readonly featureId: number;
  readonly value: string;
  readonly displayLabel: string | null;
}

/** Answers its row from the commit. */
export const insertValue = (ctx: Ctx, value: NewValue, nowMs: number) =>
  ctx.db
    .insert(planFeatures)
    .values({ ...value, createdAt: nowMs, updatedAt: nowMs })
    .returning();

/** Guarded by `version`. */
export const updateValue = (ctx: Ctx, row: PlanFeature, change: Pick<NewValue, "value" | "displayLabel">, nowMs: number) =>
  ctx.db
    .update(planFeatures)
    .set({ ...change, ...touched(row, nowMs) })
    .where(and(eq(planFeatures.id, row.id), eq(planFeatures.version, row.version)));

const unchangedFeature = (row: Feature) => and(eq(features.id, row.id), eq(features.version, row.version));

/** Condition for a plan of writes: the feature is still as we read it. */
export const isUnchangedFeature = (ctx: Ctx, row: Feature): SQL => sql`(${ctx.db.select({ n: count() }).from(features).where(unchangedFeature(row))}) = 1`;

/** Answers its row from the commit. */
export const insertFeature = (ctx: Ctx, feature: Pick<Feature, "key" | "name" | "featureType" | "defaultValue">, nowMs: number) =>
  ctx.db
    .insert(features)
    .values({ ...feature, createdAt: nowMs, updatedAt: nowMs })
    .returning();

/** Guarded by `version`. */
export const deleteFeatureRow = (ctx: Ctx, row: Feature) => ctx.db.delete(features).where(unchangedFeature(row));

/** Every plan's value of a feature. */
export const deleteValuesOf = (ctx: Ctx, featureId: number) => ctx.db.delete(planFeatures).where(eq(planFeatures.featureId, featureId));
