import { and, asc, count, desc, eq, gt, inArray, isNotNull, isNull, lte, or, sql, type SQL } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import { users } from "../../schema/accounts";
import { bots, botShares } from "../../schema/bots";
import type { EndReason } from "./bot-shares.core";

/** SQL of shares. Every look-up names the tenant or the recipient, save what the sweep and effects need. */

export type Share = typeof botShares.$inferSelect;
type ShareInsert = typeof botShares.$inferInsert;

/** Active and not overdue. */
const living = (now: number) => and(isNull(botShares.endedAt), or(isNull(botShares.expiresAt), gt(botShares.expiresAt, now)));
const overdue = (now: number) => and(isNull(botShares.endedAt), isNotNull(botShares.expiresAt), lte(botShares.expiresAt, now));

/** Who may be given a bot: an account in use. */
export async function findRecipient(ctx: Ctx, matrixId: string) {
  const [row] = await ctx.db
    .select({ id: users.id, matrixId: users.matrixId, name: users.name, displayName: users.displayName })
    .from(users)
    .where(and(eq(users.matrixId, matrixId), eq(users.status, "active")))
    .limit(1);
  return row ?? null;
}

/** A share that has not ended, overdue ones too. */
export async function findOpenShare(ctx: Ctx, botId: string, recipientId: number): Promise<Share | null> {
  return (await ctx.db.select().from(botShares).where(and(eq(botShares.botId, botId), eq(botShares.recipientId, recipientId), isNull(botShares.endedAt))).limit(1))[0] ?? null;
}

export async function findShareOfBot(ctx: Ctx, tenantId: number, botId: string, shareId: number): Promise<Share | null> {
  return (await ctx.db.select().from(botShares).where(and(eq(botShares.id, shareId), eq(botShares.botId, botId), eq(botShares.tenantId, tenantId))).limit(1))[0] ?? null;
}

export async function findShareWith(ctx: Ctx, recipientId: number, shareId: number): Promise<Share | null> {
  return (await ctx.db.select().from(botShares).where(and(eq(botShares.id, shareId), eq(botShares.recipientId, recipientId))).limit(1))[0] ?? null;
}

/** Whatever its owner and state: for effects. */
export async function findShareRow(ctx: Ctx, shareId: number): Promise<Share | null> {
  return (await ctx.db.select().from(botShares).where(eq(botShares.id, shareId)).limit(1))[0] ?? null;
}

/** A bot's living shares with the names of their recipients, newest first. */
export function listSharesOfBot(ctx: Ctx, tenantId: number, botId: string, now: number, limit: number) {
  return ctx.db
    .select({ share: botShares, name: users.name, displayName: users.displayName })
    .from(botShares)
    .leftJoin(users, eq(users.id, botShares.recipientId))
    .where(and(eq(botShares.tenantId, tenantId), eq(botShares.botId, botId), living(now)))
    .orderBy(desc(botShares.id))
    .limit(limit);
}

/** Living shares with a person, of bots that can be used, with their bots and owners, newest first. */
export function listSharesWith(ctx: Ctx, recipientId: number, now: number, limit: number) {
  return ctx.db
    .select({ share: botShares, botName: bots.name, botMatrixId: bots.matrixId, ownerName: users.name, ownerDisplayName: users.displayName })
    .from(botShares)
    .innerJoin(bots, and(eq(bots.id, botShares.botId), eq(bots.status, "active")))
    .leftJoin(users, eq(users.id, botShares.tenantId))
    .where(and(eq(botShares.recipientId, recipientId), living(now)))
    .orderBy(desc(botShares.id))
    .limit(limit);
}

/** All living shares of an owner with their bots, oldest first. */
export function listSharesOf(ctx: Ctx, tenantId: number, now: number, limit: number) {
  return ctx.db
    .select({ share: botShares, botMatrixId: bots.matrixId })
    .from(botShares)
    .innerJoin(bots, eq(bots.id, botShares.botId))
    .where(and(eq(botShares.tenantId, tenantId), living(now)))
    .orderBy(asc(botShares.id))
    .limit(limit);
}

/** For effects: what of a bot's shares lives now. */
export function listLivingShares(ctx: Ctx, botId: string, now: number): Promise<Share[]> {
  return ctx.db.select().from(botShares).where(and(eq(botShares.botId, botId), living(now))).orderBy(asc(botShares.id));
}

/** For effects: which of a bot's shares ended at that very time. */
export function listSharesEndedAt(ctx: Ctx, botId: string, endedAt: number): Promise<Share[]> {
  return ctx.db.select().from(botShares).where(and(eq(botShares.botId, botId), eq(botShares.endedAt, endedAt))).orderBy(asc(botShares.id));
}

const livingOf = (ctx: Ctx, tenantId: number, now: number) => ctx.db.select({ n: count() }).from(botShares).where(and(eq(botShares.tenantId, tenantId), living(now)));

export async function countShares(ctx: Ctx, tenantId: number, now: number): Promise<number> {
  return (await livingOf(ctx, tenantId, now))[0]?.n ?? 0;
}

/** Condition for a plan of writes: the cap is kept even if another share slipped in after we looked. */
export const withinShareCap = (ctx: Ctx, tenantId: number, now: number, cap: number): SQL => sql`(${livingOf(ctx, tenantId, now)}) <= ${cap}`;

/** Condition for a plan of writes: the bot may still be shared. Whoever turns sharing off then meets this share, or this share meets that. */
export const isShareable = (ctx: Ctx, tenantId: number, botId: string): SQL =>
  sql`(${ctx.db
    .select({ n: count() })
    .from(bots)
    .where(and(eq(bots.id, botId), eq(bots.tenantId, tenantId), eq(bots.status, "active"), isNull(bots.planDisabledAt), eq(bots.sharingEnabled, true)))}) = 1`;

/** Answers its row from the commit. */
export const insertShare = (ctx: Ctx, row: ShareInsert) => ctx.db.insert(botShares).values(row).returning();

/** Guarded by `version`. */
export const endShareRow = (ctx: Ctx, share: Share, end: { readonly endedAt: number; readonly endReason: EndReason }) =>
  ctx.db
    .update(botShares)
    .set({ ...end, updatedAt: end.endedAt, version: share.version + 1 })
    .where(and(eq(botShares.id, share.id), eq(botShares.tenantId, share.tenantId), eq(botShares.version, share.version), isNull(botShares.endedAt)));

/** Ends all shares of a bot; those that were overdue have expired. */
export const endSharesOfBot = (ctx: Ctx, tenantId: number, botId: string, endReason: EndReason, now: number) =>
  ctx.db
    .update(botShares)
    .set({ endedAt: now, endReason: sql`CASE WHEN ${botShares.expiresAt} <= ${now} THEN 'expired' ELSE ${endReason} END`, updatedAt: now, version: sql`${botShares.version} + 1` })
    .where(and(eq(botShares.tenantId, tenantId), eq(botShares.botId, botId), isNull(botShares.endedAt)));

/** An owner's overdue shares with their bots, whatever became of these, longest overdue first. */
export function listOverdueShares(ctx: Ctx, tenantId: number, now: number, limit: number) {
  return ctx.db
    .select({ share: botShares, botMatrixId: bots.matrixId, instanceId: bots.instanceId })
    .from(botShares)
    .innerJoin(bots, eq(bots.id, botShares.botId))
    .where(and(eq(botShares.tenantId, tenantId), overdue(now)))
    .orderBy(asc(botShares.expiresAt))
    .limit(limit);
}

/** Misses those that ended meanwhile. */
export const expireShareRows = (ctx: Ctx, tenantId: number, ids: readonly number[], now: number) =>
  ctx.db
    .update(botShares)
    .set({ endedAt: now, endReason: "expired", updatedAt: now, version: sql`${botShares.version} + 1` })
    .where(and(eq(botShares.tenantId, tenantId), inArray(botShares.id, [...ids]), isNull(botShares.endedAt)));

/** Condition right after {@link expireShareRows}: it met all of them, so nobody else ended one meanwhile. */
export const isExpiredNow = (shares: number): SQL => sql`changes() = ${shares}`;

/** At most a chunk of ids; misses those that ended meanwhile. */
export const endShareRowsForPlan = (ctx: Ctx, tenantId: number, ids: readonly number[], now: number) =>
  ctx.db
    .update(botShares)
    .set({ endedAt: now, endReason: "plan", updatedAt: now, version: sql`${botShares.version} + 1` })
    .where(and(eq(botShares.tenantId, tenantId), inArray(botShares.id, [...ids]), isNull(botShares.endedAt)));

/** Owners with overdue shares. */
export async function listOwnersWithOverdueShares(ctx: Ctx, now: number, limit: number): Promise<number[]> {
  return (await ctx.db.selectDistinct({ tenantId: botShares.tenantId }).from(botShares).where(overdue(now)).limit(limit)).map((row) => row.tenantId);
}
