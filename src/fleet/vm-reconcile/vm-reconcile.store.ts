import { and, asc, count, eq, gt, inArray, isNull, lte, ne, notInArray, or, sql, type SQL } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import { users } from "../../schema/accounts";
import { downgradeRequests, userCloudVmAddons } from "../../schema/billing";
import { cloudVms } from "../../schema/cloud-vms";
import { instances } from "../../schema/instances";

/** SQL of comparing machines with the provider and with what is paid for. What is about one person names the tenant. */

const GONE = ["destroying", "destroyed"] as const;
const facts = { id: cloudVms.id, tag: cloudVms.tag, status: cloudVms.status, computerId: cloudVms.computerId, stepStartedAt: cloudVms.stepStartedAt, updatedAt: cloudVms.updatedAt, unpaidSince: cloudVms.unpaidSince };

/** Rows of a provider that are no tombstones, by id. @param after the last id of the page before */
export const listVmFacts = (ctx: Ctx, driver: string, after: string, limit: number) =>
  ctx.db
    .select(facts)
    .from(cloudVms)
    .where(and(gt(cloudVms.id, after), eq(cloudVms.driver, driver), ne(cloudVms.status, "destroyed")))
    .orderBy(asc(cloudVms.id))
    .limit(limit);

/** At most a chunk of ids; tombstones too. */
export const listVmFactsOf = (ctx: Ctx, ids: readonly string[]) => ctx.db.select(facts).from(cloudVms).where(inArray(cloudVms.id, [...ids]));

/** As it is at this moment: for whoever is about to destroy something for good. */
export async function findVmFacts(ctx: Ctx, id: string) {
  return (await ctx.db.select({ ...facts, driver: cloudVms.driver, tenantId: cloudVms.tenantId }).from(cloudVms).where(eq(cloudVms.id, id)).limit(1))[0] ?? null;
}

export async function findVmIdByTag(ctx: Ctx, tag: string): Promise<string | null> {
  return (await ctx.db.select({ id: cloudVms.id }).from(cloudVms).where(eq(cloudVms.tag, tag)).limit(1))[0]?.id ?? null;
}

/** Makes a machine that should be up due now; its version then, null when it is not up any more, or somebody looks at it already. @param leasedUntil dues until then may be somebody's lease */
export async function wakeVm(ctx: Ctx, id: string, now: number, leasedUntil: number): Promise<number | null> {
  const [row] = await ctx.db
    .update(cloudVms)
    .set({ settleAt: now, version: sql`${cloudVms.version} + 1` })
    .where(and(eq(cloudVms.id, id), eq(cloudVms.status, "online"), or(isNull(cloudVms.settleAt), gt(cloudVms.settleAt, leasedUntil))))
    .returning({ version: cloudVms.version });
  return row?.version ?? null;
}

/** Everything that decides who pays for somebody's machines, as of one moment. */
export async function readPaidMachines(ctx: Ctx, tenantId: number) {
  const [people, machines, downgrades] = await ctx.db.batch([
    ctx.db.select({ email: users.email, username: users.username, status: users.status }).from(users).where(eq(users.id, tenantId)).limit(1),
    ctx.db
      .select({
        vmId: cloudVms.id,
        name: cloudVms.name,
        driver: cloudVms.driver,
        status: cloudVms.status,
        createdAt: cloudVms.createdAt,
        unpaidSince: cloudVms.unpaidSince,
        destroyAfter: cloudVms.destroyAfter,
        // A batch answers by column names, which must differ.
        rowId: sql<number | null>`${instances.id}`.as("row_id"),
        instanceId: cloudVms.instanceId,
        addonId: instances.vmEntitlementId,
        rowVersion: instances.version,
      })
      .from(cloudVms)
      .leftJoin(instances, and(eq(instances.instanceId, cloudVms.instanceId), eq(instances.tenantId, tenantId)))
      .where(and(eq(cloudVms.tenantId, tenantId), ne(cloudVms.status, "destroyed")))
      .orderBy(asc(cloudVms.createdAt), asc(cloudVms.id)),
    ctx.db.select({ graceEndsAt: downgradeRequests.graceEndsAt }).from(downgradeRequests).where(and(eq(downgradeRequests.tenantId, tenantId), isNull(downgradeRequests.resolvedAt))).limit(1),
  ]);
  return { person: people[0] ?? null, machines, graceUntil: downgrades[0]?.graceEndsAt ?? null };
}
export type MachineRow = Awaited<ReturnType<typeof readPaidMachines>>["machines"][number];

type Times = { readonly unpaidSince: number | null; readonly destroyAfter: number | null };

/** Guarded by what it was. Steps of the machine go on beside it, so its version stays. */
export const setUnpaid = (ctx: Ctx, tenantId: number, row: MachineRow, { unpaidSince, destroyAfter }: Times) =>
  ctx.db
    .update(cloudVms)
    .set({ unpaidSince, destroyAfter })
    .where(and(isAsRead(tenantId, row), notInArray(cloudVms.status, [...GONE])));

const isAsRead = (tenantId: number, { vmId, unpaidSince, destroyAfter }: MachineRow) =>
  and(eq(cloudVms.id, vmId), eq(cloudVms.tenantId, tenantId), sql`${cloudVms.unpaidSince} IS ${unpaidSince}`, sql`${cloudVms.destroyAfter} IS ${destroyAfter}`);

/** Condition for a plan of writes: it is still unpaid, and nobody is destroying it. */
export const isStillUnpaid = (ctx: Ctx, tenantId: number, vmId: string, { unpaidSince, destroyAfter }: Times): SQL =>
  sql`(${ctx.db
    .select({ n: count() })
    .from(cloudVms)
    .where(and(eq(cloudVms.id, vmId), eq(cloudVms.tenantId, tenantId), notInArray(cloudVms.status, [...GONE]), sql`${cloudVms.unpaidSince} IS ${unpaidSince}`, sql`${cloudVms.destroyAfter} IS ${destroyAfter}`))}) = 1`;

/** Guarded by `version`. */
export const setLink = (ctx: Ctx, tenantId: number, { rowId, rowVersion }: MachineRow, addonId: string | null, now: number) =>
  ctx.db
    .update(instances)
    .set({ vmEntitlementId: addonId, updatedAt: now, version: (rowVersion ?? 0) + 1 })
    .where(and(eq(instances.id, rowId ?? -1), eq(instances.tenantId, tenantId), eq(instances.version, rowVersion ?? -1)));

/** Condition for a plan of writes: after it the add-on, which has not ended, pays for one machine. */
export function paysForOne(ctx: Ctx, tenantId: number, addonId: string): SQL {
  const machines = ctx.db.select({ n: count() }).from(instances).where(and(eq(instances.tenantId, tenantId), eq(instances.vmEntitlementId, addonId)));
  const living = ctx.db.select({ n: count() }).from(userCloudVmAddons).where(and(eq(userCloudVmAddons.tenantId, tenantId), eq(userCloudVmAddons.id, addonId), ne(userCloudVmAddons.status, "expired")));
  return sql`((${machines}) = 1 AND (${living}) = 1)`;
}

/** Condition for a plan of writes: after it no more machines hold a place of the plan than it has. */
export function withinIncluded(ctx: Ctx, tenantId: number, included: number): SQL {
  const held = ctx.db
    .select({ n: count() })
    .from(cloudVms)
    .innerJoin(instances, eq(instances.instanceId, cloudVms.instanceId))
    .where(and(eq(cloudVms.tenantId, tenantId), ne(cloudVms.status, "destroyed"), isNull(cloudVms.unpaidSince), isNull(instances.vmEntitlementId)));
  return sql`(${held}) <= ${included}`;
}

export async function hasMachines(ctx: Ctx, tenantId: number): Promise<boolean> {
  return (await ctx.db.select({ id: cloudVms.id }).from(cloudVms).where(and(eq(cloudVms.tenantId, tenantId), notInArray(cloudVms.status, [...GONE]))).limit(1)).length > 0;
}

/** People whose machines are to be destroyed by now, because nobody pays; longest due first. One of them may be there twice. */
export async function listDueDestroys(ctx: Ctx, now: number, limit: number): Promise<number[]> {
  const rows = await ctx.db
    .select({ tenantId: cloudVms.tenantId })
    .from(cloudVms)
    .where(and(lte(cloudVms.destroyAfter, now), notInArray(cloudVms.status, [...GONE])))
    .orderBy(asc(cloudVms.destroyAfter))
    .limit(limit);
  return rows.map(({ tenantId }) => tenantId);
}

/** People with a machine whose add-on is over, or would be by the clock, and who were not told yet. @param endedSince of those that are known to be over, the ones whose time ended since then */
export async function listEndedLinks(ctx: Ctx, now: number, endedSince: number, limit: number): Promise<number[]> {
  const { status, periodEnd, graceUntil } = userCloudVmAddons;
  const linked = (condition: SQL | undefined) =>
    ctx.db
      .selectDistinct({ tenantId: userCloudVmAddons.tenantId })
      .from(userCloudVmAddons)
      .innerJoin(instances, and(eq(instances.tenantId, userCloudVmAddons.tenantId), eq(instances.vmEntitlementId, userCloudVmAddons.id)))
      .innerJoin(cloudVms, eq(cloudVms.instanceId, instances.instanceId))
      .where(and(condition, isNull(cloudVms.unpaidSince), notInArray(cloudVms.status, [...GONE])))
      .limit(limit);
  const found = await ctx.db.batch([
    linked(and(eq(status, "expired"), gt(periodEnd, endedSince))),
    linked(and(eq(status, "cancelled"), lte(periodEnd, now))),
    linked(and(eq(status, "grace"), lte(graceUntil, now))),
  ]);
  return [...new Set(found.flat().map(({ tenantId }) => tenantId))];
}

/** People with cloud machines, by id. @param after the last one of the page before */
export async function listOwners(ctx: Ctx, after: number, limit: number): Promise<number[]> {
  const rows = await ctx.db
    .selectDistinct({ tenantId: cloudVms.tenantId })
    .from(cloudVms)
    .where(and(gt(cloudVms.tenantId, after), notInArray(cloudVms.status, [...GONE])))
    .orderBy(asc(cloudVms.tenantId))
    .limit(limit);
  return rows.map(({ tenantId }) => tenantId);
}
