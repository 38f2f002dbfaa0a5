import { and, asc, eq, gt, lte, sql } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import { assistantTurns } from "../../schema/support";

const within = (tenantId: number, sinceMs: number) => and(eq(assistantTurns.tenantId, tenantId), gt(assistantTurns.createdAt, sinceMs));

export const insertTurn = (ctx: Ctx, turn: typeof assistantTurns.$inferInsert) => ctx.db.insert(assistantTurns).values(turn);

/** A condition for `Plan.require`: at most `max` turns of this owner since `sinceMs`, those of this very batch included. */
export const turnsWithin = (tenantId: number, sinceMs: number, max: number) => sql`(SELECT count(*) <= ${max} FROM ${assistantTurns} WHERE ${within(tenantId, sinceMs)})`;

/** Forgets turns that no longer count. */
export const deleteOldTurns = (ctx: Ctx, tenantId: number, untilMs: number) => ctx.db.delete(assistantTurns).where(and(eq(assistantTurns.tenantId, tenantId), lte(assistantTurns.createdAt, untilMs)));

export async function findOldestTurn(ctx: Ctx, tenantId: number, sinceMs: number): Promise<number | undefined> {
  const [row] = await ctx.db.select({ createdAt: assistantTurns.createdAt }).from(assistantTurns).where(within(tenantId, sinceMs)).orderBy(asc(assistantTurns.createdAt)).limit(1);
  return row?.createdAt;
}

export async function deleteTurn(ctx: Ctx, tenantId: number, id: string): Promise<void> {
  await ctx.db.delete(assistantTurns).where(and(eq(assistantTurns.tenantId, tenantId), eq(assistantTurns.id, id)));
}
