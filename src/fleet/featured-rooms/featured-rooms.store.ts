import { and, asc, eq, isNull, sql } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import { users } from "../../schema/accounts";
import { featuredRooms } from "../../schema/bots";

/** Featured rooms belong to no tenant: everybody reads them, administrators write them. */
export type FeaturedRoom = typeof featuredRooms.$inferSelect;
type NewFeaturedRoom = typeof featuredRooms.$inferInsert;

/** More than anybody looks through. */
const LIST_MAX = 500;

export const listFeaturedRoomRows = (ctx: Ctx): Promise<FeaturedRoom[]> =>
  ctx.db.select().from(featuredRooms).orderBy(asc(featuredRooms.displayOrder), asc(featuredRooms.createdAt), asc(featuredRooms.roomId)).limit(LIST_MAX);

export async function findFeaturedRoom(ctx: Ctx, roomId: string): Promise<FeaturedRoom | undefined> {
  return (await ctx.db.select().from(featuredRooms).where(eq(featuredRooms.roomId, roomId)).limit(1))[0];
}

/** Without a place it comes last. Answers the row from the commit. */
export const insertFeaturedRoom = (ctx: Ctx, row: Omit<NewFeaturedRoom, "displayOrder"> & { readonly displayOrder: number | null }) =>
  ctx.db
    .insert(featuredRooms)
    .values({ ...row, displayOrder: row.displayOrder ?? sql<number>`(SELECT coalesce(max(display_order) + 1, 0) FROM featured_rooms)` })
    .returning();

const unchanged = (row: FeaturedRoom) => and(eq(featuredRooms.roomId, row.roomId), eq(featuredRooms.version, row.version), eq(featuredRooms.createdAt, row.createdAt));

/** For guarded use: misses when the row changed in between. */
export const updateFeaturedRoomRow = (ctx: Ctx, row: FeaturedRoom, change: Partial<NewFeaturedRoom>, nowMs: number) =>
  ctx.db
    .update(featuredRooms)
    .set({ ...change, updatedAt: nowMs, version: row.version + 1 })
    .where(unchanged(row));

/** For guarded use, like {@link updateFeaturedRoomRow}. */
export const deleteFeaturedRoomRow = (ctx: Ctx, row: FeaturedRoom) => ctx.db.delete(featuredRooms).where(unchanged(row));

/** When a person first closed the list; null when that is still to come, undefined when the person is gone. */
export async function findOnboardedAt(ctx: Ctx, tenantId: number): Promise<number | null | undefined> {
  const [row] = await ctx.db.select({ at: users.onboardedRoomsAt }).from(users).where(eq(users.id, tenantId)).limit(1);
  return row?.at;
}

/** For guarded use: misses when somebody was faster. Never competes with other changes of the account, so it leaves `version` alone. */
export const markOnboarded = (ctx: Ctx, tenantId: number, nowMs: number) =>
  ctx.db
    .update(users)
    .set({ onboardedRoomsAt: nowMs })
    .where(and(eq(users.id, tenantId), isNull(users.onboardedRoomsAt)));
