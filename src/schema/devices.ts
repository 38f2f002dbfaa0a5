import { index, integer, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";

/** A phone that may be notified. Its token is an address, not a secret: gateways and homeservers hold the same text. */
export const pushDevices = sqliteTable(
  "push_devices",
  {
    id: integer("id").primaryKey({ autoIncrement: true }),
    tenantId: integer("tenant_id").notNull(),
    /** Unique over all owners: a phone belongs to whoever signed in on it last. */
    deviceToken: text("device_token").notNull(),
    environment: text("environment", { enum: ["production", "sandbox"] }).notNull(),
    platform: text("platform", { enum: ["ios", "android"] }).notNull(),
    appId: text("app_id").notNull(),
    deviceName: text("device_name"),
    appVersion: text("app_version"),
    isActive: integer("is_active", { mode: "boolean" }).notNull(),
    lastUsedAt: integer("last_used_at"),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
    version: integer("version").notNull().default(1),
  },
  (t) => [uniqueIndex("push_devices_token").on(t.deviceToken), index("push_devices_tenant").on(t.tenantId, t.updatedAt)],
);

/** Every attempt to notify somebody's device; `device_id` is null when there was none to try. */
export const notifications = sqliteTable(
  "notifications",
  {
    id: text("id").primaryKey(),
    tenantId: integer("tenant_id").notNull(),
    eventId: text("event_id").notNull(),
    status: text("status", { enum: ["sent", "not_sent", "rejected"] }).notNull(),
    /** Why it was not sent; null when it was. */
    reason: text("reason"),
    deviceId: integer("device_id"),
    platform: text("platform"),
    appId: text("app_id"),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
  },
  (t) => [index("notifications_tenant").on(t.tenantId, t.createdAt)],
);
