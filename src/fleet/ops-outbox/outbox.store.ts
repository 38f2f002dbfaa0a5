import { and, asc, count, desc, eq, gt, isNotNull, sql } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import { behind, type Cursor } from "../../kernel/db/cursor";
import { outbox } from "../../schema/kernel";

/** Effects belong to nobody: these are for administrators only. The payload is sealed and never read here. */

const shown = { id: outbox.id, type: outbox.type, dueAt: outbox.dueAt, attempts: outbox.attempts, lastError: outbox.lastError, parkedAt: outbox.parkedAt, createdAt: outbox.createdAt };
export type ShownEffect = Pick<typeof outbox.$inferSelect, keyof typeof shown>;

const ofType = (type: string | undefined) => (type === undefined ? undefined : eq(outbox.type, type));

/**
 * Effects that wait, oldest first. By id, which begins with when it was made: `due_at` moves with every try. The sign keeps it on that
 * index, so what gave up is passed over; there is little of it, or something is very wrong.
 */
export const selectPending = (ctx: Pick<Ctx, "db">, type: string | undefined, after: Cursor | null, limit: number) =>
  ctx.db
    .select(shown)
    .from(outbox)
    .where(and(sql`+${outbox.parkedAt} IS NULL`, ofType(type), after ? gt(outbox.id, after.id) : undefined))
    .orderBy(asc(outbox.id))
    .limit(limit);

/** Effects that gave up, newest first. */
export const selectParked = (ctx: Pick<Ctx, "db">, type: string | undefined, after: Cursor | null, limit: number) =>
  ctx.db
    .select(shown)
    .from(outbox)
    .where(and(gt(outbox.parkedAt, 0), ofType(type), behind(outbox.parkedAt, outbox.id, after)))
    .orderBy(desc(outbox.parkedAt), desc(outbox.id))
    .limit(limit);

export async function findShownEffect(ctx: Ctx, id: string): Promise<ShownEffect | undefined> {
  return (await ctx.db.select(shown).from(outbox).where(eq(outbox.id, id)).limit(1))[0];
}

/** By type: how many wait, are due and gave up, and since when the oldest is due (ms). */
export const countEffects = (ctx: Ctx, nowMs: number) =>
  ctx.db
    .select({
      type: outbox.type,
      pending: count(sql`CASE WHEN ${outbox.parkedAt} IS NULL THEN 1 END`),
      due: count(sql`CASE WHEN ${outbox.parkedAt} IS NULL AND ${outbox.dueAt} <= ${nowMs} THEN 1 END`),
      parked: count(outbox.parkedAt),
      oldestDueAt: sql<number | null>`min(CASE WHEN ${outbox.parkedAt} IS NULL AND ${outbox.dueAt} <= ${nowMs} THEN ${outbox.dueAt} END)`,
    })
    .from(outbox)
    .groupBy(outbox.type)
    .orderBy(asc(outbox.type));

const asRead = (effect: ShownEffect) => and(eq(outbox.id, effect.id), isNotNull(outbox.parkedAt), eq(outbox.parkedAt, effect.parkedAt ?? -1));

/** For guarded use: misses when it is parked no more, or anew. */
export const unpark = (ctx: Ctx, effect: ShownEffect, nowMs: number) => ctx.db.update(outbox).set({ parkedAt: null, attempts: 0, dueAt: nowMs }).where(asRead(effect));

/** For guarded use, like {@link unpark}. */
export const deleteParked = (ctx: Ctx, effect: ShownEffect) => ctx.db.delete(outbox).where(asRead(effect));
