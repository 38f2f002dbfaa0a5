import { and, asc, eq, inArray, isNotNull, isNull, lte, ne, sql } from "drizzle-orm";
import { botRooms, bots } from "../../schema/bots";
import type { Ctx } from "../../kernel/context";

/** SQL of bots in rooms. Every look-up names the tenant, save the reconciler's and those that ask about a room. */

export type BotRoom = typeof botRooms.$inferSelect;
type BotRoomInsert = typeof botRooms.$inferInsert;

export async function findBotRoom(ctx: Ctx, tenantId: number, botId: string, roomId: string): Promise<BotRoom | null> {
  return (await ctx.db.select().from(botRooms).where(and(eq(botRooms.tenantId, tenantId), eq(botRooms.botId, botId), eq(botRooms.roomId, roomId))).limit(1))[0] ?? null;
}

/** Whatever its owner: for the reconciler and for effects. */
export async function findBotRoomRow(ctx: Ctx, id: number): Promise<BotRoom | null> {
  return (await ctx.db.select().from(botRooms).where(eq(botRooms.id, id)).limit(1))[0] ?? null;
}

/** Rooms that a bot is in, oldest first. */
export function listBotRoomRows(ctx: Ctx, tenantId: number, botId: string): Promise<BotRoom[]> {
  return ctx.db.select().from(botRooms).where(and(eq(botRooms.tenantId, tenantId), eq(botRooms.botId, botId), eq(botRooms.state, "joined"))).orderBy(asc(botRooms.createdAt), asc(botRooms.id));
}

export const insertBotRoom = (ctx: Ctx, row: BotRoomInsert) => ctx.db.insert(botRooms).values(row);

const unchanged = (row: BotRoom) => and(eq(botRooms.id, row.id), eq(botRooms.tenantId, row.tenantId), eq(botRooms.version, row.version));

/** Guarded by `version`. `updated_at` moves only when it is among the changes: the reconciler counts from it. */
export const updateBotRoom = (ctx: Ctx, row: BotRoom, changes: Partial<BotRoomInsert>) => ctx.db.update(botRooms).set({ ...changes, version: row.version + 1 }).where(unchanged(row));

/** Guarded by `version`. */
export const deleteBotRoom = (ctx: Ctx, row: BotRoom) => ctx.db.delete(botRooms).where(unchanged(row));

const isUp = and(eq(bots.status, "active"), isNull(bots.planDisabledAt), eq(bots.matrixState, "up"));
const isIn = (roomId: string) => and(eq(botRooms.roomId, roomId), eq(botRooms.state, "joined"), isNull(botRooms.settleAt));

/** Matrix id of another bot in the room that could invite: of `tenantId`, or with null of anybody. The one that is in there longest. */
export async function findInviter(ctx: Ctx, roomId: string, exceptBotId: string, tenantId: number | null): Promise<string | null> {
  const [row] = await ctx.db
    .select({ matrixId: bots.matrixId })
    .from(botRooms)
    .innerJoin(bots, eq(bots.id, botRooms.botId))
    .where(and(isIn(roomId), isUp, ne(botRooms.botId, exceptBotId), tenantId === null ? undefined : eq(botRooms.tenantId, tenantId)))
    .orderBy(asc(botRooms.createdAt), asc(botRooms.id))
    .limit(1);
  return row?.matrixId ?? null;
}

/** One of the tenant's bots that should be in the room. */
export async function findOwnBotIn(ctx: Ctx, tenantId: number, roomId: string): Promise<typeof bots.$inferSelect | null> {
  const [row] = await ctx.db
    .select({ bot: bots })
    .from(botRooms)
    .innerJoin(bots, eq(bots.id, botRooms.botId))
    .where(and(isIn(roomId), isUp, eq(botRooms.tenantId, tenantId)))
    .orderBy(asc(botRooms.createdAt), asc(botRooms.id))
    .limit(1);
  return row?.bot ?? null;
}

/** Rooms of a bot that came back: the reconciler, or whoever comes first, brings it in again. */
export const flagForReentry = (ctx: Ctx, botId: string, now: number) =>
  ctx.db
    .update(botRooms)
    .set({ settleAt: now, settleAttempts: 0, version: sql`${botRooms.version} + 1` })
    .where(and(eq(botRooms.botId, botId), eq(botRooms.state, "joined"), isNull(botRooms.settleAt)));

/** Ids of a bot's rooms that are due, longest waiting first. */
export async function listDueRoomsOf(ctx: Ctx, botId: string, limit: number): Promise<number[]> {
  const rows = await ctx.db.select({ id: botRooms.id }).from(botRooms).where(and(eq(botRooms.botId, botId), isNotNull(botRooms.settleAt), lte(botRooms.settleAt, ctx.clock.now()))).orderBy(asc(botRooms.settleAt)).limit(limit);
  return rows.map((row) => row.id);
}

/** Ids of rows that the reconciler must look at, longest waiting first. */
export async function listDueBotRooms(ctx: Ctx, limit: number): Promise<number[]> {
  const rows = await ctx.db.select({ id: botRooms.id }).from(botRooms).where(and(isNotNull(botRooms.settleAt), lte(botRooms.settleAt, ctx.clock.now()))).orderBy(asc(botRooms.settleAt)).limit(limit);
  return rows.map((row) => row.id);
}

/** Which of these rooms the bot has a row for. */
export async function listKnownRooms(ctx: Ctx, botMatrixId: string, roomIds: readonly string[]): Promise<Set<string>> {
  const known = new Set<string>();
  // D1 takes at most 100 parameters.
  for (let i = 0; i < roomIds.length; i += 90) {
    const rows = await ctx.db.select({ roomId: botRooms.roomId }).from(botRooms).innerJoin(bots, eq(bots.id, botRooms.botId)).where(and(eq(bots.matrixId, botMatrixId), inArray(botRooms.roomId, roomIds.slice(i, i + 90))));
    for (const row of rows) known.add(row.roomId);
  }
  return known;
}
