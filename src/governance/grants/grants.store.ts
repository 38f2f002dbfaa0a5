import { and, asc, eq, inArray, or, sql, type SQL } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import { chunked } from "../../kernel/db/chunked";
import type { Plan } from "../../kernel/db/client";
import { newId } from "../../kernel/ids/ids";
import { governanceGrants, governanceGroupMembers, governanceGroups, governanceSessionScopes } from "../../schema/governance-mcp";
import type { Access, GrantScope, PayloadType, RankedGrant, SubjectType } from "./grants.core";

export type Grant = typeof governanceGrants.$inferSelect;

/** A grant that is to be written. Without `subjectId` its `subjectName` identifies the subject. */
export interface GrantInput {
  readonly scope: GrantScope;
  readonly subjectType: SubjectType;
  readonly subjectId?: string | undefined;
  readonly subjectName?: string | undefined;
  readonly access: Access;
  readonly priority?: number | undefined;
  readonly note?: string | undefined;
}

/** A grant through a group, which says itself what it is about. */
export interface GroupGrantInput extends GrantInput {
  readonly payloadId: string;
}

/** Grants of these payloads, oldest first; every id has its list. */
export async function listGrantsOf(ctx: Ctx, type: PayloadType, payloadIds: readonly string[]): Promise<ReadonlyMap<string, readonly Grant[]>> {
  const lists = await Promise.all(
    chunked(payloadIds).map((ids) =>
      ctx.db.select().from(governanceGrants).where(and(eq(governanceGrants.payloadType, type), inArray(governanceGrants.payloadId, ids))).orderBy(asc(governanceGrants.seq)),
    ),
  );
  return byKey(payloadIds, lists.flat(), ({ payloadId }) => payloadId);
}

/** Every grant of one type by its payload, for lists of everything. */
export async function listAllGrants(ctx: Ctx, type: PayloadType): Promise<ReadonlyMap<string, readonly Grant[]>> {
  const grants = await ctx.db.select().from(governanceGrants).where(eq(governanceGrants.payloadType, type)).orderBy(asc(governanceGrants.seq));
  return byKey([], grants, ({ payloadId }) => payloadId);
}

/** Grants written through these groups, oldest first; every id has its list. Without ids those of all groups. */
export async function listGrantsThrough(ctx: Ctx, groupIds?: readonly string[]): Promise<ReadonlyMap<string, readonly Grant[]>> {
  const lists = await Promise.all(
    (groupIds === undefined ? [undefined] : chunked(groupIds)).map((ids) =>
      ctx.db.select().from(governanceGrants).where(ids === undefined ? sql`via_group_id IS NOT NULL` : inArray(governanceGrants.viaGroupId, ids)).orderBy(asc(governanceGrants.seq)),
    ),
  );
  return byKey(groupIds ?? [], lists.flat(), ({ viaGroupId }) => viaGroupId ?? "");
}

/** Adds to the plan: this payload has these grants and no others. */
export function replaceGrants(ctx: Ctx, plan: Plan, type: PayloadType, payloadId: string, grants: readonly GrantInput[]): void {
  deleteGrantsOf(ctx, plan, type, payloadId);
  insertGrants(ctx, plan, type, grants.map((grant) => ({ ...grant, payloadId })), null);
}

/** Adds to the plan: no grant names this payload any more. */
export function deleteGrantsOf(ctx: Ctx, plan: Plan, type: PayloadType, payloadId: string): void {
  plan.write(ctx.db.delete(governanceGrants).where(and(eq(governanceGrants.payloadType, type), eq(governanceGrants.payloadId, payloadId))));
}

/** Adds to the plan: the awareness grants written through this group are these. Grants of others that name it stay. */
export function replaceGrantsThrough(ctx: Ctx, plan: Plan, groupId: string, grants: readonly GroupGrantInput[]): void {
  plan.write(ctx.db.delete(governanceGrants).where(eq(governanceGrants.viaGroupId, groupId)));
  insertGrants(ctx, plan, "awareness", grants, groupId);
}

/** Adds to the plan: grants that called a group by its name now hold its id, which neither a new name nor another group of this name changes. */
export function fixGroupName(ctx: Ctx, plan: Plan, group: { readonly id: string; readonly name: string }): void {
  plan.write(ctx.db.update(governanceGrants).set({ subjectId: group.id }).where(and(eq(governanceGrants.subjectType, "group"), eq(governanceGrants.subjectId, group.name))));
}

/**
 * Adds to the plan: nothing is granted to this principal, no group lists it and no session is bound in its name. Whoever gets the name
 * later begins with nothing.
 * @param onlyIf condition under which the principal is gone; it is, without one
 */
export function forgetPrincipal(ctx: Ctx, plan: Plan, principal: string, onlyIf?: SQL): void {
  const { subjectType, subjectId } = governanceGrants;
  plan.write(ctx.db.delete(governanceGrants).where(and(inArray(subjectType, ["tenant", "user"]), eq(subjectId, principal), onlyIf)));
  plan.write(ctx.db.delete(governanceGroupMembers).where(and(eq(governanceGroupMembers.member, principal), onlyIf)));
  plan.write(ctx.db.delete(governanceSessionScopes).where(and(eq(governanceSessionScopes.principal, principal), onlyIf)));
}

/** Every grant that touches a principal: those to it, whether as tenant or as user, and those to the groups that list it, called by id or by name. */
export async function listGrantsFor(ctx: Ctx, principal: string): Promise<readonly RankedGrant[]> {
  const groups = ctx.db.select({ id: governanceGroupMembers.groupId }).from(governanceGroupMembers).where(eq(governanceGroupMembers.member, principal));
  const names = ctx.db
    .select({ name: governanceGroups.name })
    .from(governanceGroupMembers)
    .innerJoin(governanceGroups, eq(governanceGroups.id, governanceGroupMembers.groupId))
    .where(eq(governanceGroupMembers.member, principal));
  return ctx.db
    .select()
    .from(governanceGrants)
    .where(
      or(
        and(eq(governanceGrants.subjectType, "tenant"), eq(governanceGrants.subjectId, principal)),
        and(eq(governanceGrants.subjectType, "user"), eq(governanceGrants.subjectId, principal)),
        and(eq(governanceGrants.subjectType, "group"), inArray(governanceGrants.subjectId, groups)),
        and(eq(governanceGrants.subjectType, "group"), inArray(governanceGrants.subjectId, names)),
      ),
    );
}

/** All grants in one statement, in their order, however many: a statement's parameters are few. */
function insertGrants(ctx: Ctx, plan: Plan, payloadType: PayloadType, grants: readonly GroupGrantInput[], viaGroupId: string | null): void {
  if (grants.length === 0) return;
  const now = ctx.clock.now();
  const rows = grants.map((grant) => ({
    id: newId("grt", now),
    payload_id: grant.payloadId,
    subject_type: grant.subjectType,
    subject_id: grant.subjectId ?? grant.subjectName ?? "",
    subject_name: grant.subjectName ?? null,
    access: grant.access,
    priority: grant.priority ?? 0,
    scope: grant.scope,
    note: grant.note ?? null,
  }));
  const field = (name: keyof (typeof rows)[number]) => sql`json_extract(value, ${sql.raw(`'$.${name}'`)})`;
  plan.write(
    ctx.db.insert(governanceGrants).select(
      sql`SELECT NULL, ${field("id")}, ${payloadType}, ${field("payload_id")}, ${field("subject_type")}, ${field("subject_id")}, ${field("subject_name")}, ${field("access")}, ${field("priority")}, ${field("scope")}, ${field("note")}, ${viaGroupId}, ${now} FROM json_each(${JSON.stringify(rows)}) ORDER BY key`,
    ),
  );
}

function byKey<T>(keys: readonly string[], rows: readonly T[], keyOf: (row: T) => string): ReadonlyMap<string, readonly T[]> {
  const lists = new Map<string, T[]>(keys.map((key) => [key, []]));
  for (const row of rows) {
    const list = lists.get(keyOf(row));
    if (list) list.push(row);
    else lists.set(keyOf(row), [row]);
  }
  return lists;
}
