import { and, asc, eq, isNotNull, isNull, lt, lte, sql } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import { webhookEvents } from "../../schema/billing";

/** SQL of what Apple told us. Notifications belong to no tenant: whom one is about shows when it is worked off. */

export type NotificationRow = typeof webhookEvents.$inferSelect;

const isApple = eq(webhookEvents.provider, "apple");

export async function findNotification(ctx: Ctx, id: string): Promise<NotificationRow | null> {
  return (await ctx.db.select().from(webhookEvents).where(and(eq(webhookEvents.id, id), isApple)).limit(1))[0] ?? null;
}

/** The first word about a notification stays; a repeat changes nothing. */
export const insertNotification = (ctx: Ctx, row: Pick<NotificationRow, "id" | "type" | "sealedPayload">, now: number) =>
  ctx.db.insert(webhookEvents).values({ ...row, provider: "apple", receivedAt: now }).onConflictDoNothing();

/** It is worked off; `note` says why without effect. */
export const markProcessed = (ctx: Ctx, id: string, note: string | null, now: number) => ctx.db.update(webhookEvents).set({ processedAt: now, lastError: note }).where(and(eq(webhookEvents.id, id), isApple));

export const markFailed = (ctx: Ctx, id: string, error: string) =>
  ctx.db
    .update(webhookEvents)
    .set({ attempts: sql`${webhookEvents.attempts} + 1`, lastError: error })
    .where(and(eq(webhookEvents.id, id), isApple));

/** Ids of notifications that came before `before` (ms), were tried fewer than `attempts` times and are not worked off, oldest first. */
export async function listOpenNotifications(ctx: Ctx, before: number, attempts: number, limit: number): Promise<string[]> {
  const rows = await ctx.db
    .select({ id: webhookEvents.id })
    .from(webhookEvents)
    .where(and(isApple, isNull(webhookEvents.processedAt), lte(webhookEvents.receivedAt, before), lt(webhookEvents.attempts, attempts)))
    .orderBy(asc(webhookEvents.receivedAt))
    .limit(limit);
  return rows.map((row) => row.id);
}

/** Forgets notifications that were worked off before `before` (ms). */
export async function forgetNotifications(ctx: Ctx, before: number): Promise<void> {
  await ctx.db.delete(webhookEvents).where(and(isApple, isNotNull(webhookEvents.processedAt), lt(webhookEvents.processedAt, before)));
}
