import { and, count, eq, inArray, isNotNull, isNull, lte, ne, sql, type SQL } from "drizzle-orm";
import { fingerprintHistory, instances } from "../../schema/instances";
import type { Ctx } from "../../kernel/context";

/** SQL of the instances feature. Every look-up names the tenant, save the two that must see all owners: taken ids and fingerprints. */

export type InstanceRow = typeof instances.$inferSelect;
type InstanceInsert = typeof instances.$inferInsert;

const mine = (tenantId: number, instanceId: string) => and(eq(instances.tenantId, tenantId), eq(instances.instanceId, instanceId));

export async function findInstance(ctx: Ctx, tenantId: number, instanceId: string): Promise<InstanceRow | null> {
  return (await ctx.db.select().from(instances).where(mine(tenantId, instanceId)).limit(1))[0] ?? null;
}

export async function findInstanceByFingerprint(ctx: Ctx, tenantId: number, fingerprint: string): Promise<InstanceRow | null> {
  return (await ctx.db.select().from(instances).where(and(eq(instances.tenantId, tenantId), eq(instances.machineFingerprint, fingerprint))).limit(1))[0] ?? null;
}

/** Whether anybody has this id. */
export async function isInstanceIdTaken(ctx: Ctx, instanceId: string): Promise<boolean> {
  return (await ctx.db.select({ id: instances.id }).from(instances).where(eq(instances.instanceId, instanceId)).limit(1)).length > 0;
}

export function listInstanceRows(ctx: Ctx, tenantId: number): Promise<InstanceRow[]> {
  return ctx.db.select().from(instances).where(eq(instances.tenantId, tenantId)).orderBy(instances.createdAt, instances.id);
}

/** Machines that count against the cap: local (cloud ones count apart, and are those that we rent, whatever a client calls itself), neither archived nor parked. */
const counted = (tenantId: number) => and(eq(instances.tenantId, tenantId), isNull(instances.archivedAt), isNull(instances.planDisabledAt), isNull(instances.cloudVmId));

export async function countLocalInstances(ctx: Ctx, tenantId: number): Promise<number> {
  const [row] = await ctx.db.select({ n: count() }).from(instances).where(counted(tenantId));
  return row?.n ?? 0;
}

/** Condition for a plan of writes: the cap is kept even if another registration slipped in after we looked. */
export const withinCap = (ctx: Ctx, tenantId: number, cap: number): SQL => sql`(${ctx.db.select({ n: count() }).from(instances).where(counted(tenantId))}) <= ${cap}`;

/** Whether this fingerprint ever belonged to another account. */
export async function isFingerprintOfOther(ctx: Ctx, tenantId: number, fingerprint: string): Promise<boolean> {
  return (await ctx.db.select({ t: fingerprintHistory.tenantId }).from(fingerprintHistory).where(and(eq(fingerprintHistory.fingerprint, fingerprint), ne(fingerprintHistory.tenantId, tenantId))).limit(1)).length > 0;
}

export const insertInstance = (ctx: Ctx, row: InstanceInsert) => ctx.db.insert(instances).values(row);

/** Guarded by `version`. */
export const updateInstance = (ctx: Ctx, row: InstanceRow, changes: Partial<InstanceInsert>) =>
  ctx.db
    .update(instances)
    .set({ ...changes, updatedAt: ctx.clock.now(), version: row.version + 1 })
    .where(and(eq(instances.id, row.id), eq(instances.tenantId, row.tenantId), eq(instances.version, row.version)));

/** Guarded by `version`. */
export const deleteInstanceRow = (ctx: Ctx, row: InstanceRow) =>
  ctx.db.delete(instances).where(and(eq(instances.id, row.id), eq(instances.tenantId, row.tenantId), eq(instances.version, row.version)));

export async function isParkedInstance(ctx: Ctx, tenantId: number, instanceId: string): Promise<boolean> {
  return (await ctx.db.select({ id: instances.id }).from(instances).where(and(mine(tenantId, instanceId), isNotNull(instances.planDisabledAt))).limit(1)).length > 0;
}

/** At most a chunk of ids. */
export const parkInstanceRows = (ctx: Ctx, tenantId: number, ids: readonly string[], now: number) =>
  ctx.db
    .update(instances)
    .set({ planDisabledAt: now, updatedAt: now, version: sql`${instances.version} + 1` })
    .where(and(eq(instances.tenantId, tenantId), inArray(instances.instanceId, [...ids]), isNull(instances.planDisabledAt)));

/** At most a chunk of ids. */
export const unparkInstanceRows = (ctx: Ctx, tenantId: number, ids: readonly string[], now: number) =>
  ctx.db
    .update(instances)
    .set({ planDisabledAt: null, updatedAt: now, version: sql`${instances.version} + 1` })
    .where(and(eq(instances.tenantId, tenantId), inArray(instances.instanceId, [...ids]), isNotNull(instances.planDisabledAt)));

/** Append-only; the same sighting twice is one row. */
export const appendFingerprint = (ctx: Ctx, tenantId: number, instanceId: string, fingerprint: string) =>
  ctx.db.insert(fingerprintHistory).values({ fingerprint, tenantId, instanceId, firstSeenAt: ctx.clock.now() }).onConflictDoNothing();

/** Moves the projected online flag, unless a newer transition was recorded already. */
export const updateProjection = (ctx: Ctx, tenantId: number, instanceId: string, online: boolean, at: number) =>
  ctx.db
    .update(instances)
    .set({ online, onlineChangedAt: at })
    .where(and(mine(tenantId, instanceId), lte(instances.onlineChangedAt, at)));
