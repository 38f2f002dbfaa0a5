import { and, asc, count, desc, eq, inArray, isNotNull, isNull, lte, ne, or, sql, type SQL } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import { users } from "../../schema/accounts";
import { userCloudVmAddons } from "../../schema/billing";
import { cloudVms } from "../../schema/cloud-vms";
import { cliTokens } from "../../schema/accounts";
import { instances } from "../../schema/instances";

/** SQL of cloud machines. What people ask names the tenant; what reconcilers ask goes by the machine's own id. */

export type CloudVm = typeof cloudVms.$inferSelect;
type VmInsert = typeof cloudVms.$inferInsert;

const LIVING = ["booting", "installing", "setup", "online", "failed"] as const;
/** What is being destroyed is still shown, so that nobody thinks that it is gone. */
const SHOWN = [...LIVING, "destroying"] as const;

const ofOwner = (tenantId: number, instanceId: string) => and(eq(cloudVms.tenantId, tenantId), eq(cloudVms.instanceId, instanceId));

export async function findVm(ctx: Ctx, tenantId: number, instanceId: string): Promise<CloudVm | null> {
  return (await ctx.db.select().from(cloudVms).where(and(ofOwner(tenantId, instanceId), inArray(cloudVms.status, [...SHOWN]))).limit(1))[0] ?? null;
}

/** Whoever it belongs to. */
export async function findVmRow(ctx: Ctx, id: string): Promise<CloudVm | null> {
  return (await ctx.db.select().from(cloudVms).where(eq(cloudVms.id, id)).limit(1))[0] ?? null;
}

export async function findVmByWish(ctx: Ctx, tenantId: number, wish: string): Promise<CloudVm | null> {
  return (await ctx.db.select().from(cloudVms).where(and(eq(cloudVms.tenantId, tenantId), eq(cloudVms.wish, wish))).limit(1))[0] ?? null;
}

export async function isVmNameTaken(ctx: Ctx, tenantId: number, name: string): Promise<boolean> {
  return (await ctx.db.select({ id: cloudVms.id }).from(cloudVms).where(and(eq(cloudVms.tenantId, tenantId), eq(cloudVms.name, name), inArray(cloudVms.status, [...SHOWN]))).limit(1)).length > 0;
}

/** Condition for a plan of writes: after it nobody else of the owner's has the name. */
export const nameFree = (ctx: Ctx, tenantId: number, name: string): SQL =>
  sql`(${ctx.db.select({ n: count() }).from(cloudVms).where(and(eq(cloudVms.tenantId, tenantId), eq(cloudVms.name, name), inArray(cloudVms.status, [...SHOWN])))}) = 1`;

export interface ListedVm {
  readonly vm: CloudVm;
  readonly online: boolean;
  readonly addonId: string | null;
  readonly label: string | null;
}

/** Oldest first, with the machines that they are. */
export function listVmRows(ctx: Ctx, tenantId: number, limit: number): Promise<ListedVm[]> {
  return ctx.db
    .select({ vm: cloudVms, online: sql<boolean>`COALESCE(${instances.online}, 0)`.mapWith(Boolean), addonId: instances.vmEntitlementId, label: instances.label })
    .from(cloudVms)
    .leftJoin(instances, eq(instances.cloudVmId, cloudVms.id))
    .where(and(eq(cloudVms.tenantId, tenantId), inArray(cloudVms.status, [...SHOWN])))
    .orderBy(asc(cloudVms.createdAt), asc(cloudVms.id))
    .limit(limit);
}

export const insertVm = (ctx: Ctx, row: VmInsert) => ctx.db.insert(cloudVms).values(row);

/** Guarded by `version`. */
export const updateVm = (ctx: Ctx, row: CloudVm, changes: Partial<VmInsert>) =>
  ctx.db
    .update(cloudVms)
    .set({ ...changes, updatedAt: ctx.clock.now(), version: row.version + 1 })
    .where(and(eq(cloudVms.id, row.id), eq(cloudVms.tenantId, row.tenantId), eq(cloudVms.version, row.version)));

/** Guarded by `version`. */
export const deleteVmRow = (ctx: Ctx, row: CloudVm) => ctx.db.delete(cloudVms).where(and(eq(cloudVms.id, row.id), eq(cloudVms.tenantId, row.tenantId), eq(cloudVms.version, row.version)));

/** Takes a row for one step; null when it is not due, or somebody else was quicker. */
export async function claimVm(ctx: Ctx, id: string, now: number, leaseMs: number): Promise<CloudVm | null> {
  const [row] = await ctx.db
    .update(cloudVms)
    .set({ settleAt: now + leaseMs, version: sql`${cloudVms.version} + 1` })
    .where(and(eq(cloudVms.id, id), isNotNull(cloudVms.settleAt), lte(cloudVms.settleAt, now)))
    .returning();
  return row ?? null;
}

/** Makes a row due at `at`, if it is not due before, and only where its daemon's coming or going matters: a set-up that is under way goes on undisturbed. */
export async function wakeVmOfInstance(ctx: Ctx, tenantId: number, instanceId: string, statuses: readonly CloudVm["status"][], at: number): Promise<string | null> {
  const [row] = await ctx.db
    .update(cloudVms)
    .set({ settleAt: sql`MIN(COALESCE(${cloudVms.settleAt}, ${at}), ${at})`, version: sql`${cloudVms.version} + 1` })
    .where(and(ofOwner(tenantId, instanceId), inArray(cloudVms.status, [...statuses]), or(ne(cloudVms.status, "setup"), eq(cloudVms.step, "online"))))
    .returning({ id: cloudVms.id });
  return row?.id ?? null;
}

/** Ids of machines that somebody must look at, longest due first. */
export async function listVmsToSettle(ctx: Ctx, now: number, limit: number): Promise<string[]> {
  const rows = await ctx.db
    .select({ id: cloudVms.id })
    .from(cloudVms)
    .where(and(isNotNull(cloudVms.settleAt), lte(cloudVms.settleAt, now)))
    .orderBy(asc(cloudVms.settleAt))
    .limit(limit);
  return rows.map(({ id }) => id);
}

/** Ids of all that somebody has, for the end of an account. */
export async function listVmIds(ctx: Ctx, tenantId: number): Promise<string[]> {
  const rows = await ctx.db.select({ id: cloudVms.id }).from(cloudVms).where(and(eq(cloudVms.tenantId, tenantId), inArray(cloudVms.status, [...LIVING]))).orderBy(desc(cloudVms.createdAt));
  return rows.map(({ id }) => id);
}

const machinesWhere = (ctx: Ctx, tenantId: number, condition: SQL | undefined) =>
  ctx.db
    .select({ n: count() })
    .from(instances)
    .where(and(eq(instances.tenantId, tenantId), isNotNull(instances.cloudVmId), condition));

const machinesOf = (ctx: Ctx, tenantId: number, addonId: string) => machinesWhere(ctx, tenantId, eq(instances.vmEntitlementId, addonId));

/** Linked to none, or to one that is over. */
const machinesWithoutAddon = (ctx: Ctx, tenantId: number) => {
  const ended = ctx.db.select({ id: userCloudVmAddons.id }).from(userCloudVmAddons).where(and(eq(userCloudVmAddons.tenantId, tenantId), eq(userCloudVmAddons.status, "expired")));
  return machinesWhere(ctx, tenantId, or(isNull(instances.vmEntitlementId), inArray(instances.vmEntitlementId, ended)));
};

/** How many of somebody's cloud machines no add-on pays for, whether the plan has places for them or not. */
export async function countWithoutAddon(ctx: Ctx, tenantId: number): Promise<number> {
  return (await machinesWithoutAddon(ctx, tenantId))[0]?.n ?? 0;
}

/** Add-ons that pay for a machine already. */
export async function listTakenAddons(ctx: Ctx, tenantId: number): Promise<Set<string>> {
  const rows = await ctx.db.select({ id: instances.vmEntitlementId }).from(instances).where(and(eq(instances.tenantId, tenantId), isNotNull(instances.vmEntitlementId)));
  return new Set(rows.flatMap(({ id }) => (id === null ? [] : [id])));
}

/**
 * Condition for a plan of writes: after it the place is not taken twice, whoever was quicker. With an add-on that also means that no machine
 * lost its own meanwhile: that one needs the add-on more. @param included places of the plan; null: no cap @param withoutAddon {@link countWithoutAddon} before
 */
export function withinPlace(ctx: Ctx, tenantId: number, { addonId, included, withoutAddon }: { readonly addonId: string | null; readonly included: number | null; readonly withoutAddon: number }): SQL {
  if (addonId !== null) return sql`((${machinesOf(ctx, tenantId, addonId)}) = 1 AND (${machinesWithoutAddon(ctx, tenantId)}) <= ${withoutAddon})`;
  return included === null ? sql`1` : sql`(${machinesWithoutAddon(ctx, tenantId)}) <= ${included}`;
}

export const insertCloudInstance = (ctx: Ctx, row: typeof instances.$inferInsert) => ctx.db.insert(instances).values(row);

/** The provider's ids, for those who read machines. */
export const recordComputer = (ctx: Ctx, vm: CloudVm, changes: { readonly orgoComputerId: string | null; readonly orgoWorkspaceId: string | null; readonly orgoWorkspaceName: string | null }) =>
  ctx.db
    .update(instances)
    .set({ ...changes, updatedAt: ctx.clock.now(), version: sql`${instances.version} + 1` })
    .where(and(eq(instances.tenantId, vm.tenantId), eq(instances.cloudVmId, vm.id)));

export const deleteCloudInstance = (ctx: Ctx, vm: CloudVm) => ctx.db.delete(instances).where(and(eq(instances.tenantId, vm.tenantId), eq(instances.cloudVmId, vm.id)));

export async function isInstanceTaken(ctx: Ctx, instanceId: string): Promise<boolean> {
  return (await ctx.db.select({ id: instances.id }).from(instances).where(eq(instances.instanceId, instanceId)).limit(1)).length > 0;
}

/** Condition for a plan of writes: the account that owns it is open. One that ended a moment ago has had its machines counted. */
export const ownerOpen = (ctx: Ctx, tenantId: number): SQL => sql`(${ctx.db.select({ n: count() }).from(users).where(and(eq(users.id, tenantId), eq(users.status, "active")))}) = 1`;

/** Condition for a plan of writes: nobody paid for it since we looked. */
export const stillUnpaid = (ctx: Ctx, row: CloudVm, now: number): SQL =>
  sql`(${ctx.db.select({ n: count() }).from(cloudVms).where(and(eq(cloudVms.id, row.id), eq(cloudVms.tenantId, row.tenantId), lte(cloudVms.destroyAfter, now)))}) = 1`;

/** Whether the daemon's token still speaks for it. */
export async function isTokenAlive(ctx: Ctx, tenantId: number, tokenId: string): Promise<boolean> {
  return (await ctx.db.select({ id: cliTokens.id }).from(cliTokens).where(and(eq(cliTokens.id, tokenId), eq(cliTokens.tenantId, tenantId), isNull(cliTokens.revokedAt))).limit(1)).length > 0;
}
