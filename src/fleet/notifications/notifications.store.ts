import { and, desc, eq, notInArray } from "drizzle-orm";
import type { Ctx } from "../../kernel/context";
import { notifications } from "../../schema/devices";

export type Notification = typeof notifications.$inferSelect;
export type NewNotification = typeof notifications.$inferInsert;

export const insertNotification = (ctx: Ctx, row: NewNotification) => ctx.db.insert(notifications).values(row);

/** What became of an attempt. */
export const settleNotification = (ctx: Ctx, tenantId: number, id: string, outcome: Pick<Notification, "status" | "reason">, nowMs: number) =>
  ctx.db
    .update(notifications)
    .set({ ...outcome, updatedAt: nowMs })
    .where(and(eq(notifications.tenantId, tenantId), eq(notifications.id, id)));

/** Newest first; ids of one instant sort as they were made. */
export function listNotificationRows(ctx: Ctx, tenantId: number, limit: number): Promise<Notification[]> {
  return ctx.db.select().from(notifications).where(eq(notifications.tenantId, tenantId)).orderBy(desc(notifications.createdAt), desc(notifications.id)).limit(limit);
}

/** Forgets all but the newest `keep`. */
export const pruneNotifications = (ctx: Ctx, tenantId: number, keep: number) =>
  ctx.db.delete(notifications).where(
    and(
      eq(notifications.tenantId, tenantId),
      notInArray(
        notifications.id,
        ctx.db.select({ id: notifications.id }).from(notifications).where(eq(notifications.tenantId, tenantId)).orderBy(desc(notifications.createdAt), desc(notifications.id)).limit(keep),
      ),
    ),
  );
