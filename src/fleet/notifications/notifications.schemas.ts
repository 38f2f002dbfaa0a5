import { z } from "zod";
import { iso } from "../../kernel/clock";
import type { Notification } from "./notifications.store";

export const ListNotificationsQuery = z.object({ limit: z.coerce.number().int().min(1).max(50).default(10) });

export const NotificationView = z
  .object({
    id: z.string(),
    event_id: z.string(),
    status: z.enum(["sent", "not_sent", "rejected"]),
    reason: z.string().nullable(),
    device_id: z.int().nullable(),
    platform: z.string().nullable(),
    app_id: z.string().nullable(),
    created_at: z.iso.datetime(),
  })
  .meta({ id: "NotificationHistoryItem" });

export const NotificationHistoryView = z.object({ success: z.boolean(), notifications: z.array(NotificationView), count: z.int() }).meta({ id: "NotificationHistoryResponse" });

export const RecipientRef = z.object({ user_id: z.coerce.number().int() });

export const TestNotificationView = z
  .object({
    success: z.boolean(),
    message: z.string(),
    result: z.object({ sent: z.int(), rejected: z.int(), not_sent: z.int(), notifications: z.array(NotificationView) }).nullable(),
  })
  .meta({ id: "TestNotificationResponse" });

export const toNotificationView = (row: Omit<Notification, "tenantId" | "updatedAt">): z.input<typeof NotificationView> => ({
  id: row.id,
  event_id: row.eventId,
  status: row.status,
  reason: row.reason,
  device_id: row.deviceId,
  platform: row.platform,
  app_id: row.appId,
  created_at: iso(row.createdAt),
});
