import { and, asc, count, eq, exists, gt, isNull, ne, notExists, sql } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import { users } from "../../schema/accounts";
import { bots } from "../../schema/bots";
import { governanceMachineContracts, governanceTenantBots, governanceTenantMachines } from "../../schema/governance-contracts";
import { governanceTenants } from "../../schema/governance-tenants";
import { instances } from "../../schema/instances";

export type MachineLink = typeof governanceTenantMachines.$inferSelect;
export type BotLink = typeof governanceTenantBots.$inferSelect;

/** A tenant in its present life. */
export interface LivingTenant {
  readonly name: string;
  readonly email: string;
  readonly born: number;
}

export async function findLivingTenant(ctx: Ctx, name: string): Promise<LivingTenant | null> {
  const [row] = await ctx.db.select({ name: governanceTenants.name, email: governanceTenants.email, born: governanceTenants.bornRevision }).from(governanceTenants).where(eq(governanceTenants.name, name)).limit(1);
  return row ?? null;
}

/** Condition of a plan: the tenant still lives this life. */
export const tenantLives = (ctx: Ctx, { name, born }: LivingTenant) =>
  exists(ctx.db.select({ one: sql`1` }).from(governanceTenants).where(and(eq(governanceTenants.name, name), eq(governanceTenants.bornRevision, born))));

/** Id of the verified, active account with this address. */
export async function findAccountId(ctx: Ctx, email: string): Promise<number | null> {
  const [row] = await ctx.db.select({ id: users.id }).from(users).where(and(eq(users.emailKey, email.toLowerCase()), eq(users.status, "active"), eq(users.accountVerified, true))).limit(1);
  return row?.id ?? null;
}

const machineOf = (userId: number, instanceId: string) => and(eq(instances.tenantId, userId), eq(instances.instanceId, instanceId), isNull(instances.archivedAt));

/** Row of an account's machine. */
export async function findMachineRow(ctx: Ctx, userId: number, instanceId: string): Promise<number | null> {
  const [row] = await ctx.db.select({ id: instances.id }).from(instances).where(machineOf(userId, instanceId)).limit(1);
  return row?.id ?? null;
}

/** Condition of a plan: the machine is still there. */
export const machineIsThere = (ctx: Ctx, instanceRow: number) => exists(ctx.db.select({ one: sql`1` }).from(instances).where(eq(instances.id, instanceRow)));

const owned = (botId: string, userId: number) => and(eq(bots.id, botId), eq(bots.tenantId, userId), eq(bots.status, "active"));

export const hasBot = async (ctx: Ctx, userId: number, botId: string): Promise<boolean> => (await ctx.db.select({ id: bots.id }).from(bots).where(owned(botId, userId)).limit(1)).length > 0;

/** Condition of a plan: the bot is still there. */
export const botIsThere = (ctx: Ctx, botId: string, userId: number) => exists(ctx.db.select({ one: sql`1` }).from(bots).where(owned(botId, userId)));

const lifeOf = (tenant: typeof governanceTenantMachines.tenant | typeof governanceTenantBots.tenant, born: typeof governanceTenantMachines.tenantBorn | typeof governanceTenantBots.tenantBorn) =>
  and(eq(governanceTenants.name, tenant), eq(governanceTenants.bornRevision, born));

/** Who has the machine; a link whose tenant is gone counts for nothing. */
export async function findMachineLink(ctx: Ctx, instanceRow: number): Promise<MachineLink | null> {
  const [row] = await ctx.db
    .select({ link: governanceTenantMachines })
    .from(governanceTenantMachines)
    .innerJoin(governanceTenants, lifeOf(governanceTenantMachines.tenant, governanceTenantMachines.tenantBorn))
    .where(eq(governanceTenantMachines.instanceRow, instanceRow))
    .limit(1);
  return row?.link ?? null;
}

export async function findBotLink(ctx: Ctx, botId: string): Promise<BotLink | null> {
  const [row] = await ctx.db
    .select({ link: governanceTenantBots })
    .from(governanceTenantBots)
    .innerJoin(governanceTenants, lifeOf(governanceTenantBots.tenant, governanceTenantBots.tenantBorn))
    .where(eq(governanceTenantBots.botId, botId))
    .limit(1);
  return row?.link ?? null;
}

/** Deletes a link of a tenant that is gone, so that another may take the machine on. */
export const dropDeadMachineLink = (ctx: Ctx, instanceRow: number) =>
  ctx.db.delete(governanceTenantMachines).where(and(eq(governanceTenantMachines.instanceRow, instanceRow), notExists(ctx.db.select({ one: sql`1` }).from(governanceTenants).where(lifeOf(governanceTenantMachines.tenant, governanceTenantMachines.tenantBorn)))));

export const dropDeadBotLink = (ctx: Ctx, botId: string) =>
  ctx.db.delete(governanceTenantBots).where(and(eq(governanceTenantBots.botId, botId), notExists(ctx.db.select({ one: sql`1` }).from(governanceTenants).where(lifeOf(governanceTenantBots.tenant, governanceTenantBots.tenantBorn)))));

/** Says the same again when the tenant has it already; hits no row when another does. */
export const upsertMachineLink = (ctx: Ctx, row: MachineLink) =>
  ctx.db
    .insert(governanceTenantMachines)
    .values(row)
    .onConflictDoUpdate({ target: governanceTenantMachines.instanceRow, set: { ownerEmail: row.ownerEmail, updatedAt: row.updatedAt }, setWhere: sql`${governanceTenantMachines.tenant} = ${row.tenant} AND ${governanceTenantMachines.tenantBorn} = ${row.tenantBorn}` });

export const upsertBotLink = (ctx: Ctx, row: BotLink) =>
  ctx.db
    .insert(governanceTenantBots)
    .values(row)
    .onConflictDoUpdate({ target: governanceTenantBots.botId, set: { ownerEmail: row.ownerEmail, updatedAt: row.updatedAt }, setWhere: sql`${governanceTenantBots.tenant} = ${row.tenant} AND ${governanceTenantBots.tenantBorn} = ${row.tenantBorn}` });

export const deleteMachineLink = (ctx: Ctx, { instanceRow, tenant, tenantBorn }: MachineLink) =>
  ctx.db.delete(governanceTenantMachines).where(and(eq(governanceTenantMachines.instanceRow, instanceRow), eq(governanceTenantMachines.tenant, tenant), eq(governanceTenantMachines.tenantBorn, tenantBorn)));

export const deleteBotLink = (ctx: Ctx, { botId, tenant, tenantBorn }: BotLink) =>
  ctx.db.delete(governanceTenantBots).where(and(eq(governanceTenantBots.botId, botId), eq(governanceTenantBots.tenant, tenant), eq(governanceTenantBots.tenantBorn, tenantBorn)));

/** A tenant's link to the machine of this name, gone machines included: what is gone can be let go of. */
export async function findMachineLinkByName(ctx: Ctx, { name, born }: LivingTenant, instanceId: string): Promise<MachineLink | null> {
  const { tenant, tenantBorn } = governanceTenantMachines;
  const [row] = await ctx.db
    .select()
    .from(governanceTenantMachines)
    .where(and(eq(tenant, name), eq(tenantBorn, born), eq(governanceTenantMachines.instanceId, instanceId)))
    .orderBy(sql`instance_row DESC`)
    .limit(1);
  return row ?? null;
}

export async function countMachines(ctx: Ctx, name: string): Promise<number> {
  return (await ctx.db.select({ n: count() }).from(governanceTenantMachines).where(eq(governanceTenantMachines.tenant, name)))[0]?.n ?? 0;
}

export async function countBots(ctx: Ctx, name: string): Promise<number> {
  return (await ctx.db.select({ n: count() }).from(governanceTenantBots).where(eq(governanceTenantBots.tenant, name)))[0]?.n ?? 0;
}

const listedMachine = {
  instanceId: instances.instanceId,
  userId: instances.tenantId,
  owner: governanceTenantMachines.ownerEmail,
  attachedAt: governanceTenantMachines.createdAt,
  label: instances.label,
  online: instances.online,
  contractId: governanceMachineContracts.contractId,
  revision: governanceMachineContracts.revision,
  deliveredRevision: governanceMachineContracts.deliveredRevision,
};

/** A tenant's machines that exist, by name. @param only one of them */
export async function listMachines(ctx: Ctx, { name, born }: LivingTenant, { after, limit, only }: { readonly after: string; readonly limit: number; readonly only?: string }) {
  const { tenant, tenantBorn, instanceId, instanceRow } = governanceTenantMachines;
  return ctx.db
    .select(listedMachine)
    .from(governanceTenantMachines)
    .innerJoin(instances, eq(instances.id, instanceRow))
    .leftJoin(governanceMachineContracts, and(eq(governanceMachineContracts.instanceRow, instanceRow), eq(governanceMachineContracts.tenant, tenant)))
    .where(and(eq(tenant, name), eq(tenantBorn, born), only === undefined ? gt(instanceId, after) : eq(instanceId, only)))
    .orderBy(asc(instanceId))
    .limit(limit);
}

export type ListedMachine = Awaited<ReturnType<typeof listMachines>>[number];

const botFields = { botId: bots.id, name: bots.name, username: bots.username, matrixId: bots.matrixId, runtime: bots.runtime, instanceId: bots.instanceId };

/** Bots that a tenant owns by name. */
export async function listOwnBots(ctx: Ctx, { name, born }: LivingTenant) {
  return ctx.db
    .select({ ...botFields, owner: governanceTenantBots.ownerEmail })
    .from(governanceTenantBots)
    .innerJoin(bots, and(eq(bots.id, governanceTenantBots.botId), eq(bots.tenantId, governanceTenantBots.userId)))
    .where(and(eq(governanceTenantBots.tenant, name), eq(governanceTenantBots.tenantBorn, born), ne(bots.status, "deleted")));
}

/** Bots that live on a tenant's machines. */
export async function listBotsOfMachines(ctx: Ctx, { name, born }: LivingTenant, limit: number) {
  return ctx.db
    .select({ ...botFields, owner: governanceTenantMachines.ownerEmail })
    .from(governanceTenantMachines)
    .innerJoin(instances, eq(instances.id, governanceTenantMachines.instanceRow))
    .innerJoin(bots, and(eq(bots.tenantId, instances.tenantId), eq(bots.instanceId, instances.instanceId)))
    .where(and(eq(governanceTenantMachines.tenant, name), eq(governanceTenantMachines.tenantBorn, born), eq(bots.status, "active")))
    .limit(limit);
}

export type ListedBot = Awaited<ReturnType<typeof listOwnBots>>[number];
