import { and, asc, eq, isNotNull, isNull, lt, lte, sql } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import { webhookEvents } from "../../schema/billing";

/** SQL of what Stripe told us. It belongs to no tenant until it is read. */

export type WebhookEvent = typeof webhookEvents.$inferSelect;

const isStripe = eq(webhookEvents.provider, "stripe");

/** One row per event, however often it comes. */
export const insertEvent = (ctx: Ctx, event: Pick<WebhookEvent, "id" | "type" | "sealedPayload" | "receivedAt">) =>
  ctx.db.insert(webhookEvents).values({ ...event, provider: "stripe" }).onConflictDoNothing();

export async function findEvent(ctx: Ctx, id: string): Promise<WebhookEvent | null> {
  return (await ctx.db.select().from(webhookEvents).where(and(isStripe, eq(webhookEvents.id, id))).limit(1))[0] ?? null;
}

export const markProcessed = (ctx: Ctx, id: string, nowMs: number) =>
  ctx.db.update(webhookEvents).set({ processedAt: nowMs, lastError: null, attempts: sql`${webhookEvents.attempts} + 1` }).where(and(isStripe, eq(webhookEvents.id, id), isNull(webhookEvents.processedAt)));

export const markFailed = (ctx: Ctx, id: string, reason: string) =>
  ctx.db.update(webhookEvents).set({ lastError: reason.slice(0, 500), attempts: sql`${webhookEvents.attempts} + 1` }).where(and(isStripe, eq(webhookEvents.id, id), isNull(webhookEvents.processedAt)));

/** Stored before `before` (ms) and not dealt with, oldest first. */
export function listOpenEvents(ctx: Ctx, before: number, attemptsMax: number, limit: number): Promise<Pick<WebhookEvent, "id" | "receivedAt" | "attempts">[]> {
  return ctx.db
    .select({ id: webhookEvents.id, receivedAt: webhookEvents.receivedAt, attempts: webhookEvents.attempts })
    .from(webhookEvents)
    .where(and(isStripe, isNull(webhookEvents.processedAt), lte(webhookEvents.receivedAt, before), lt(webhookEvents.attempts, attemptsMax)))
    .orderBy(asc(webhookEvents.receivedAt))
    .limit(limit);
}

/** Forgets events that were dealt with before `before` (ms). */
export async function forgetEvents(ctx: Ctx, before: number): Promise<void> {
  await ctx.db.delete(webhookEvents).where(and(isStripe, isNotNull(webhookEvents.processedAt), lt(webhookEvents.processedAt, before)));
}
