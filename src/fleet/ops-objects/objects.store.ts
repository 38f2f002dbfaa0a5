import { and, eq } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import { users } from "../../schema/accounts";
import { instances } from "../../schema/instances";

export type InspectedInstance = typeof instances.$inferSelect;

export async function findInspected(ctx: Ctx, tenantId: number, instanceId: string): Promise<InspectedInstance | undefined> {
  return (await ctx.db.select().from(instances).where(and(eq(instances.tenantId, tenantId), eq(instances.instanceId, instanceId))).limit(1))[0];
}

export async function isAccount(ctx: Ctx, tenantId: number): Promise<boolean> {
  return (await ctx.db.select({ id: users.id }).from(users).where(eq(users.id, tenantId)).limit(1)).length > 0;
}
