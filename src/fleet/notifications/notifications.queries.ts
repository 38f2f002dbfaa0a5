import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { toNotificationView, type ListNotificationsQuery, type NotificationHistoryView } from "./notifications.schemas";
import { listNotificationRows } from "./notifications.store";

/** Attempts to notify the caller's devices, newest first. */
export async function listNotifications(ctx: OwnerCtx, query: z.output<typeof ListNotificationsQuery>): Promise<z.input<typeof NotificationHistoryView>> {
  const rows = await listNotificationRows(ctx, ctx.actor.userId, query.limit);
  return { success: true, notifications: rows.map(toNotificationView), count: rows.length };
}
