import { and, asc, count, desc, eq, inArray, isNotNull, isNull, lte, ne, or, sql, type SQL } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import { users } from "../../schema/accounts";
import { subscriptionAddons, userCloudVmAddons } from "../../schema/billing";
import { instances } from "../../schema/instances";
import type { AddonState } from "./vm-addons.core";

/** SQL of add-ons. Providers know no tenants: what they tell is found by their own ids. */

export type Addon = typeof userCloudVmAddons.$inferSelect;
export type AddonOffer = typeof subscriptionAddons.$inferSelect;
export type CloudInstance = typeof instances.$inferSelect;

const ofOwner = (tenantId: number, id: string) => and(eq(userCloudVmAddons.tenantId, tenantId), eq(userCloudVmAddons.id, id));

/** What is sold; the same for every tenant. */
export async function findAddonOffer(ctx: Ctx): Promise<AddonOffer | null> {
  return (await ctx.db.select().from(subscriptionAddons).where(eq(subscriptionAddons.key, "cloud_vm")).limit(1))[0] ?? null;
}

export async function findAddon(ctx: Ctx, tenantId: number, id: string): Promise<Addon | null> {
  return (await ctx.db.select().from(userCloudVmAddons).where(ofOwner(tenantId, id)).limit(1))[0] ?? null;
}

/** Whoever it belongs to: for the sweep. */
export async function findAddonRow(ctx: Ctx, id: string): Promise<Addon | null> {
  return (await ctx.db.select().from(userCloudVmAddons).where(eq(userCloudVmAddons.id, id)).limit(1))[0] ?? null;
}

/** Whoever it belongs to. */
export async function findByExternalId(ctx: Ctx, source: Addon["source"], externalId: string): Promise<Addon | null> {
  return (await ctx.db.select().from(userCloudVmAddons).where(and(eq(userCloudVmAddons.source, source), eq(userCloudVmAddons.externalId, externalId))).limit(1))[0] ?? null;
}

/** An owner's Apple add-on in force; there is at most one. */
export async function findAppleAddonInForce(ctx: Ctx, tenantId: number): Promise<Addon | null> {
  const [row] = await ctx.db
    .select()
    .from(userCloudVmAddons)
    .where(and(eq(userCloudVmAddons.tenantId, tenantId), eq(userCloudVmAddons.source, "apple"), inArray(userCloudVmAddons.status, ["active", "grace"])))
    .limit(1);
  return row ?? null;
}

/** Not those known to have expired, oldest first, with the machines that they pay for. */
export function listAddonRows(ctx: Ctx, tenantId: number, limit: number): Promise<{ addon: Addon; instanceId: string | null; label: string | null }[]> {
  return ctx.db
    .select({ addon: userCloudVmAddons, instanceId: instances.instanceId, label: instances.label })
    .from(userCloudVmAddons)
    .leftJoin(instances, and(eq(instances.tenantId, tenantId), eq(instances.vmEntitlementId, userCloudVmAddons.id)))
    .where(and(eq(userCloudVmAddons.tenantId, tenantId), ne(userCloudVmAddons.status, "expired")))
    .orderBy(asc(userCloudVmAddons.createdAt), asc(userCloudVmAddons.id))
    .limit(limit);
}

/** Not those known to have expired, and those of these ids. */
export function listAddonsInForceOrNamed(ctx: Ctx, tenantId: number, ids: readonly string[]): Promise<Addon[]> {
  const named = sql`${userCloudVmAddons.id} IN (SELECT value FROM json_each(${JSON.stringify(ids)}))`;
  return ctx.db.select().from(userCloudVmAddons).where(and(eq(userCloudVmAddons.tenantId, tenantId), or(ne(userCloudVmAddons.status, "expired"), named)));
}

/** All that somebody ever had. */
export async function countAddons(ctx: Ctx, tenantId: number): Promise<number> {
  return (await ctx.db.select({ n: count() }).from(userCloudVmAddons).where(eq(userCloudVmAddons.tenantId, tenantId)))[0]?.n ?? 0;
}

export const insertAddon = (ctx: Ctx, row: Addon) => ctx.db.insert(userCloudVmAddons).values(row);

type Change = AddonState & Pick<Addon, "productId" | "warnedAt">;

/** Guarded by `version`. */
export const updateAddon = (ctx: Ctx, row: Addon, { status, periodEnd, graceUntil, endedAt, providerReadAt, productId, warnedAt }: Change, now: number) =>
  ctx.db
    .update(userCloudVmAddons)
    .set({ status, periodEnd, graceUntil, endedAt, providerReadAt, productId, warnedAt, updatedAt: now, version: row.version + 1 })
    .where(and(ofOwner(row.tenantId, row.id), eq(userCloudVmAddons.version, row.version)));

/** Condition for a plan of writes: the add-on is as it was read. */
export const isUnchanged = (ctx: Ctx, row: Addon): SQL => sql`(${ctx.db.select({ n: count() }).from(userCloudVmAddons).where(and(ofOwner(row.tenantId, row.id), eq(userCloudVmAddons.version, row.version)))}) = 1`;

/**
 * Ids of add-ons to look at, of every owner: overdue ones (those of `lateBefore` or older are asked for at their provider), and those that
 * end until `warnUntil` and whose owner does not know.
 */
export async function listDueAddons(ctx: Ctx, now: number, lateBefore: number, warnUntil: number, limit: number): Promise<string[]> {
  const { status, periodEnd, graceUntil, warnedAt } = userCloudVmAddons;
  const rows = await ctx.db
    .select({ id: userCloudVmAddons.id })
    .from(userCloudVmAddons)
    .where(
      or(
        and(eq(status, "cancelled"), lte(periodEnd, now)),
        and(eq(status, "cancelled"), lte(periodEnd, warnUntil), isNull(warnedAt)),
        and(eq(status, "grace"), lte(graceUntil, now)),
        and(eq(status, "grace"), lte(graceUntil, warnUntil), isNull(warnedAt)),
        and(eq(status, "active"), lte(periodEnd, lateBefore)),
      ),
    )
    .orderBy(asc(periodEnd))
    .limit(limit);
  return rows.map((row) => row.id);
}

export async function findCloudInstance(ctx: Ctx, tenantId: number, instanceId: string): Promise<CloudInstance | null> {
  const [row] = await ctx.db
    .select()
    .from(instances)
    .where(and(eq(instances.tenantId, tenantId), eq(instances.instanceId, instanceId), isNotNull(instances.cloudVmId), isNull(instances.archivedAt)))
    .limit(1);
  return row ?? null;
}

/** The newest machine that an add-on pays for. */
export async function findInstanceOfAddon(ctx: Ctx, tenantId: number, addonId: string): Promise<CloudInstance | null> {
  return (await ctx.db.select().from(instances).where(and(eq(instances.tenantId, tenantId), eq(instances.vmEntitlementId, addonId))).orderBy(desc(instances.id)).limit(1))[0] ?? null;
}

/** Guarded by `version`. */
export const linkInstance = (ctx: Ctx, row: CloudInstance, addonId: string | null, now: number) =>
  ctx.db
    .update(instances)
    .set({ vmEntitlementId: addonId, updatedAt: now, version: row.version + 1 })
    .where(and(eq(instances.id, row.id), eq(instances.tenantId, row.tenantId), eq(instances.version, row.version)));

/** An add-on pays for one machine: takes it from all others. */
export const unlinkOthers = (ctx: Ctx, tenantId: number, addonId: string, keep: number, now: number) =>
  ctx.db
    .update(instances)
    .set({ vmEntitlementId: null, updatedAt: now, version: sql`${instances.version} + 1` })
    .where(and(eq(instances.tenantId, tenantId), eq(instances.vmEntitlementId, addonId), ne(instances.id, keep)));

/** Where to write to somebody; null when the account is gone. */
export async function findMailAddress(ctx: Ctx, tenantId: number) {
  return (await ctx.db.select({ email: users.email, username: users.username }).from(users).where(and(eq(users.id, tenantId), eq(users.status, "active"))).limit(1))[0] ?? null;
}
