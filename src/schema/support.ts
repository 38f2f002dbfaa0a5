import { index, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

/** What people report, and what became of it. */
export const supportReports = sqliteTable(
  "support_reports",
  {
    id: integer("id").primaryKey({ autoIncrement: true }),
    tenantId: integer("tenant_id").notNull(),
    text: text("text").notNull(),
    canContact: integer("can_contact", { mode: "boolean" }).notNull(),
    contactEmail: text("contact_email"),
    appVersion: text("app_version"),
    os: text("os"),
    deviceId: text("device_id"),
    status: text("status", { enum: ["open", "in_progress", "resolved", "closed"] }).notNull(),
    /** What the owner's plan granted on the day of the report. */
    prioritySupport: integer("priority_support", { mode: "boolean" }).notNull(),
    adminNotes: text("admin_notes"),
    resolvedAt: integer("resolved_at"),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
    version: integer("version").notNull().default(1),
  },
  (t) => [index("support_reports_queue").on(t.prioritySupport, t.id), index("support_reports_status").on(t.status, t.prioritySupport, t.id), index("support_reports_tenant").on(t.tenantId, t.id)],
);

/** Questions to the assistant within the last hour: what its limit counts. */
export const assistantTurns = sqliteTable(
  "assistant_turns",
  {
    id: text("id").primaryKey(),
    tenantId: integer("tenant_id").notNull(),
    createdAt: integer("created_at").notNull(),
  },
  (t) => [index("assistant_turns_tenant").on(t.tenantId, t.createdAt)],
);
