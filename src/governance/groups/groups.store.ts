import { and, asc, desc, eq, sql } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import type { Plan } from "../../kernel/db/client";
import { governanceGroupMembers, governanceGroups } from "../../schema/governance-mcp";

export type Group = typeof governanceGroups.$inferSelect;
type NewGroup = typeof governanceGroups.$inferInsert;

/** A group and who belongs to it, in order. */
export interface ListedGroup {
  readonly group: Group;
  readonly members: readonly string[];
}

/** Name of the index that keeps names apart, for the verb that names the refusal. */
export const GROUP_NAME_INDEX = "governance_groups.name";

/** All groups, newest first. */
export async function listGroupRows(ctx: Ctx): Promise<readonly ListedGroup[]> {
  const [groups, members] = await Promise.all([
    ctx.db.select().from(governanceGroups).orderBy(desc(governanceGroups.createdAt), desc(governanceGroups.id)),
    ctx.db.select().from(governanceGroupMembers).orderBy(asc(governanceGroupMembers.member)),
  ]);
  const byGroup = new Map<string, string[]>();
  for (const { groupId, member } of members) {
    const list = byGroup.get(groupId);
    if (list) list.push(member);
    else byGroup.set(groupId, [member]);
  }
  return groups.map((group) => ({ group, members: byGroup.get(group.id) ?? [] }));
}

/** One group, or null. */
export async function findGroup(ctx: Ctx, id: string): Promise<ListedGroup | null> {
  const [[group], members] = await Promise.all([
    ctx.db.select().from(governanceGroups).where(eq(governanceGroups.id, id)),
    ctx.db.select().from(governanceGroupMembers).where(eq(governanceGroupMembers.groupId, id)).orderBy(asc(governanceGroupMembers.member)),
  ]);
  return group ? { group, members: members.map(({ member }) => member) } : null;
}

export const insertGroup = (ctx: Ctx, group: NewGroup) => ctx.db.insert(governanceGroups).values(group);

/** Updates the group as it was read, or hits no row. */
export const updateGroupRow = (ctx: Ctx, { id, version }: Group, change: Partial<NewGroup>) =>
  ctx.db
    .update(governanceGroups)
    .set({ ...change, version: version + 1 })
    .where(and(eq(governanceGroups.id, id), eq(governanceGroups.version, version)));

/** Deletes the group as it was read, or hits no row. */
export const deleteGroupRow = (ctx: Ctx, { id, version }: Group) => ctx.db.delete(governanceGroups).where(and(eq(governanceGroups.id, id), eq(governanceGroups.version, version)));

/** Adds to the plan: these and nobody else belong to the group. One statement, however many they are. */
export function replaceMembers(ctx: Ctx, plan: Plan, groupId: string, members: readonly string[]): void {
  plan.write(ctx.db.delete(governanceGroupMembers).where(eq(governanceGroupMembers.groupId, groupId)));
  if (members.length > 0) plan.write(ctx.db.insert(governanceGroupMembers).select(sql`SELECT ${groupId}, value FROM json_each(${JSON.stringify(members)})`));
}
