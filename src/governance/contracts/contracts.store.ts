import { and, asc, eq, exists, gt, isNull, lt, not, or, sql } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import { governanceMachineContracts, governanceTenantBots, governanceTenantMachines } from "../../schema/governance-contracts";
import { governanceMcpServers } from "../../schema/governance-mcp";
import { governanceSkillBundles } from "../../schema/governance-skills";
import { governanceTenants } from "../../schema/governance-tenants";
import { instances } from "../../schema/instances";
import type { McpServerFacts, SkillFacts } from "./effective-contract.core";

export type MachineContractRow = typeof governanceMachineContracts.$inferSelect;

/** What of a tenant its contract is made of. */
export type ContractTenant = Pick<typeof governanceTenants.$inferSelect, "name" | "team" | "labels" | "policyRef" | "wave" | "suspended" | "datasets" | "bornRevision" | "skillAllowlist">;

export async function findContractTenant(ctx: Ctx, name: string): Promise<ContractTenant | null> {
  const { team, labels, policyRef, wave, suspended, datasets, bornRevision, skillAllowlist } = governanceTenants;
  const [row] = await ctx.db.select({ name: governanceTenants.name, team, labels, policyRef, wave, suspended, datasets, bornRevision, skillAllowlist }).from(governanceTenants).where(eq(governanceTenants.name, name)).limit(1);
  return row ?? null;
}

/** Names after `after`, in order. */
export async function listTenantNamesAfter(ctx: Ctx, after: string, limit: number): Promise<string[]> {
  const rows = await ctx.db.select({ name: governanceTenants.name }).from(governanceTenants).where(gt(governanceTenants.name, after)).orderBy(asc(governanceTenants.name)).limit(limit);
  return rows.map(({ name }) => name);
}

/** One parameter, however many ids. */
const among = (ids: readonly string[]) => sql`(SELECT value FROM json_each(${JSON.stringify(ids)}))`;

export async function listServerFacts(ctx: Ctx, ids: readonly string[]): Promise<McpServerFacts[]> {
  const { id, name, transport, endpoint } = governanceMcpServers;
  return ids.length === 0 ? [] : ctx.db.select({ id, name, transport, endpoint }).from(governanceMcpServers).where(sql`${id} IN ${among(ids)}`);
}

export async function listSkillFacts(ctx: Ctx, ids: readonly string[]): Promise<SkillFacts[]> {
  const { id, name, scope, release, digest } = governanceSkillBundles;
  const rows = ids.length === 0 ? [] : await ctx.db.select({ id, name, scope, version: release, digest }).from(governanceSkillBundles).where(sql`${id} IN ${among(ids)}`);
  return rows.map((row) => ({ ...row, scope: row.scope === "team" ? "department" : row.scope }));
}

export const hasServers = async (ctx: Ctx): Promise<boolean> => (await ctx.db.select({ id: governanceMcpServers.id }).from(governanceMcpServers).limit(1)).length > 0;
export const hasSkills = async (ctx: Ctx): Promise<boolean> => (await ctx.db.select({ id: governanceSkillBundles.id }).from(governanceSkillBundles).limit(1)).length > 0;

/** Ids of the bots that a tenant owns by name. */
export async function listOwnedBotIds(ctx: Ctx, tenant: string, born: number): Promise<string[]> {
  const { botId } = governanceTenantBots;
  return (await ctx.db.select({ botId }).from(governanceTenantBots).where(and(eq(governanceTenantBots.tenant, tenant), eq(governanceTenantBots.tenantBorn, born)))).map((row) => row.botId);
}

/** A machine that a tenant governs, with the contract that it has so far. */
export interface GovernedMachine {
  readonly instanceRow: number;
  readonly instanceId: string;
  readonly userId: number;
  readonly contract: MachineContractRow | null;
}

/** Machines of a tenant that still exist. @param born the life of the tenant */
export async function listGovernedMachines(ctx: Ctx, tenant: string, born: number): Promise<GovernedMachine[]> {
  return ctx.db
    .select({ instanceRow: instances.id, instanceId: instances.instanceId, userId: instances.tenantId, contract: governanceMachineContracts })
    .from(governanceTenantMachines)
    .innerJoin(instances, eq(instances.id, governanceTenantMachines.instanceRow))
    .leftJoin(governanceMachineContracts, eq(governanceMachineContracts.instanceRow, governanceTenantMachines.instanceRow))
    .where(and(eq(governanceTenantMachines.tenant, tenant), eq(governanceTenantMachines.tenantBorn, born)))
    .orderBy(asc(instances.id));
}

/** Contracts of a tenant for machines that it governs no longer. @param born null: the tenant is gone */
export async function listContractsToRelease(ctx: Ctx, tenant: string, born: number | null): Promise<MachineContractRow[]> {
  const governed = ctx.db
    .select({ one: sql`1` })
    .from(governanceTenantMachines)
    .where(and(eq(governanceTenantMachines.instanceRow, governanceMachineContracts.instanceRow), eq(governanceTenantMachines.tenant, tenant), born === null ? sql`0` : eq(governanceTenantMachines.tenantBorn, born)));
  return ctx.db
    .select()
    .from(governanceMachineContracts)
    .where(and(eq(governanceMachineContracts.tenant, tenant), eq(governanceMachineContracts.released, false), not(exists(governed))));
}

/** The first contract of a machine; hits no row when there is one by now. */
export const insertContract = (ctx: Ctx, row: MachineContractRow) => ctx.db.insert(governanceMachineContracts).values(row).onConflictDoNothing();

/** A newer contract in the place of the one that was read, or no row. */
export function replaceContract(ctx: Ctx, row: MachineContractRow, expectedRevision: number) {
  const { createdAt: _, deliveredRevision: __, ...changes } = row;
  return ctx.db
    .update(governanceMachineContracts)
    .set(changes)
    .where(and(eq(governanceMachineContracts.instanceRow, row.instanceRow), eq(governanceMachineContracts.revision, expectedRevision)));
}

const isUndelivered = lt(governanceMachineContracts.deliveredRevision, governanceMachineContracts.revision);

/** A contract on its way to the machine that was registered then, ms: another may have its id by now. */
export interface UndeliveredContract {
  readonly contract: MachineContractRow;
  readonly registeredAt: number;
}

/** Of machines that still exist. */
export const listUndelivered = (ctx: Ctx, tenant: string): Promise<UndeliveredContract[]> =>
  ctx.db
    .select({ contract: governanceMachineContracts, registeredAt: instances.createdAt })
    .from(governanceMachineContracts)
    .innerJoin(instances, eq(instances.id, governanceMachineContracts.instanceRow))
    .where(and(eq(governanceMachineContracts.tenant, tenant), isUndelivered));

/** What became of a delivery: which revision the object has. */
export const recordDelivery = (ctx: Ctx, { instanceRow }: MachineContractRow, revision: number) =>
  ctx.db
    .update(governanceMachineContracts)
    .set({ deliveredRevision: revision, triedAt: ctx.clock.now() })
    .where(and(eq(governanceMachineContracts.instanceRow, instanceRow), lt(governanceMachineContracts.deliveredRevision, revision)));

/** It did not work out: others come first now. */
export const recordTry = (ctx: Ctx, { instanceRow }: MachineContractRow) => ctx.db.update(governanceMachineContracts).set({ triedAt: ctx.clock.now() }).where(eq(governanceMachineContracts.instanceRow, instanceRow));

/** The object is ahead of D1: the next contract has to be newer than `revision`. */
export const outdateContract = (ctx: Ctx, row: MachineContractRow, revision: number) =>
  ctx.db
    .update(governanceMachineContracts)
    .set({ revision, contentHash: "", triedAt: ctx.clock.now() })
    .where(and(eq(governanceMachineContracts.instanceRow, row.instanceRow), eq(governanceMachineContracts.revision, row.revision)));

/** Tenants with contracts whose delivery was not tried since `before`, longest waiting first. */
export async function listTenantsToRefresh(ctx: Ctx, before: number, limit: number): Promise<string[]> {
  const rows = await ctx.db
    .select({ tenant: governanceMachineContracts.tenant })
    .from(governanceMachineContracts)
    .where(and(isUndelivered, lt(governanceMachineContracts.triedAt, before)))
    .orderBy(asc(governanceMachineContracts.triedAt))
    .limit(limit);
  return [...new Set(rows.map(({ tenant }) => tenant))];
}

export async function listTenantsSignedOtherwise(ctx: Ctx, kid: string, limit: number): Promise<string[]> {
  const { signingKid, released, tenant } = governanceMachineContracts;
  // Two ranges of the index instead of a look at every row.
  const rows = await ctx.db
    .selectDistinct({ tenant })
    .from(governanceMachineContracts)
    .where(and(or(lt(signingKid, kid), gt(signingKid, kid)), eq(released, false)))
    .limit(limit);
  return rows.map((row) => row.tenant);
}

/** Rows swept at once. */
const SWEEP_ROWS = 1_000;

/** Forgets what belongs to machines, bots or lives of tenants that are gone. @returns how many rows */
export async function deleteDangling(ctx: Ctx): Promise<number> {
  const machineGone = (table: string) => sql.raw(`NOT EXISTS (SELECT 1 FROM instances WHERE instances.id = ${table}.instance_row)`);
  const tenantGone = (table: string) => sql.raw(`NOT EXISTS (SELECT 1 FROM governance_tenants t WHERE t.name = ${table}.tenant AND t.born_revision = ${table}.tenant_born)`);
  const botGone = sql.raw("NOT EXISTS (SELECT 1 FROM bots WHERE bots.id = governance_tenant_bots.bot_id AND bots.tenant_id = governance_tenant_bots.user_id AND bots.status <> 'deleted')");
  const statements = [
    sql`DELETE FROM governance_tenant_machines WHERE instance_row IN (SELECT instance_row FROM governance_tenant_machines WHERE ${machineGone("governance_tenant_machines")} OR ${tenantGone("governance_tenant_machines")} LIMIT ${SWEEP_ROWS})`,
    sql`DELETE FROM governance_tenant_bots WHERE bot_id IN (SELECT bot_id FROM governance_tenant_bots WHERE ${botGone} OR ${tenantGone("governance_tenant_bots")} LIMIT ${SWEEP_ROWS})`,
    sql`DELETE FROM governance_machine_contracts WHERE instance_row IN (SELECT instance_row FROM governance_machine_contracts WHERE ${machineGone("governance_machine_contracts")} LIMIT ${SWEEP_ROWS})`,
  ];
  let deleted = 0;
  for (const statement of statements) deleted += (await ctx.db.run(statement)).meta.changes;
  return deleted;
}

/** Tenants whose contracts are in force although the tenant is gone. */
export async function listTenantsToRelease(ctx: Ctx, limit: number): Promise<string[]> {
  const { tenant, released } = governanceMachineContracts;
  const rows = await ctx.db
    .selectDistinct({ tenant })
    .from(governanceMachineContracts)
    .leftJoin(governanceTenants, eq(governanceTenants.name, tenant))
    .where(and(isNull(governanceTenants.name), eq(released, false)))
    .limit(limit);
  return rows.map((row) => row.tenant);
}
