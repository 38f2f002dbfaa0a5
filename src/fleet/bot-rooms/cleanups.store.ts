import { and, asc, eq, isNotNull, isNull, lte, or, sql } from "drizzle-orm";
import { botGroups, botRooms, roomCleanups } from "../../schema/bots";
import type { Ctx } from "../../kernel/context";

/** SQL of rooms that only bots were left in. They may hold bots of several owners, so nothing here names a tenant. */

export type RoomCleanup = typeof roomCleanups.$inferSelect;

const managedRoom = (roomId: string) => and(eq(botRooms.roomId, roomId), eq(botRooms.state, "joined"));
const managedGroup = (roomId: string) => and(eq(botGroups.roomId, roomId), eq(botGroups.state, "open"));

/** Owners whose rows know the room; none means that it is none of our business. */
export async function listOwnersOfRoom(ctx: Ctx, roomId: string): Promise<number[]> {
  const [rooms, groups] = await Promise.all([
    ctx.db.selectDistinct({ tenantId: botRooms.tenantId }).from(botRooms).where(managedRoom(roomId)),
    ctx.db.selectDistinct({ tenantId: botGroups.tenantId }).from(botGroups).where(managedGroup(roomId)),
  ]);
  return [...new Set([...rooms, ...groups].map((row) => row.tenantId))];
}

export async function findCleanup(ctx: Ctx, roomId: string): Promise<RoomCleanup | null> {
  return (await ctx.db.select().from(roomCleanups).where(eq(roomCleanups.roomId, roomId)).limit(1))[0] ?? null;
}

/** Takes the room until `until` (ms); takes nothing while somebody else has it. */
export const takeCleanup = (ctx: Ctx, roomId: string, until: number) => {
  const now = ctx.clock.now();
  return ctx.db
    .insert(roomCleanups)
    .values({ roomId, settleAt: until, createdAt: now, updatedAt: now })
    .onConflictDoUpdate({
      target: roomCleanups.roomId,
      set: { settleAt: until, settleAttempts: sql`${roomCleanups.settleAttempts} + 1`, updatedAt: now },
      setWhere: sql`${or(isNull(roomCleanups.settleAt), lte(roomCleanups.settleAt, now))}`,
    });
};

/** Gives it back to the reconciler, if it is still held until `held`. */
export const releaseCleanup = (ctx: Ctx, roomId: string, held: number) =>
  ctx.db.update(roomCleanups).set({ settleAt: ctx.clock.now() }).where(and(eq(roomCleanups.roomId, roomId), eq(roomCleanups.settleAt, held)));

/** A room whose deletion has begun is looked at again at `at` (ms), until it is gone. */
export const watchDeletion = (ctx: Ctx, roomId: string, at: number) => {
  const now = ctx.clock.now();
  return ctx.db
    .insert(roomCleanups)
    .values({ roomId, settleAt: at, createdAt: now, updatedAt: now })
    .onConflictDoUpdate({ target: roomCleanups.roomId, set: { settleAt: at, updatedAt: now } });
};

export const deleteCleanup = (ctx: Ctx, roomId: string) => ctx.db.delete(roomCleanups).where(eq(roomCleanups.roomId, roomId));
export const deleteRoomRows = (ctx: Ctx, roomId: string) => ctx.db.delete(botRooms).where(managedRoom(roomId));
export const deleteGroupRows = (ctx: Ctx, roomId: string) => ctx.db.delete(botGroups).where(managedGroup(roomId));

/** Rooms that the reconciler must look at, longest waiting first. */
export async function listDueCleanups(ctx: Ctx, limit: number): Promise<string[]> {
  const rows = await ctx.db.select({ roomId: roomCleanups.roomId }).from(roomCleanups).where(and(isNotNull(roomCleanups.settleAt), lte(roomCleanups.settleAt, ctx.clock.now()))).orderBy(asc(roomCleanups.settleAt)).limit(limit);
  return rows.map((row) => row.roomId);
}
