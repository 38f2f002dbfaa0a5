import { sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";

/** Contents of skills that lie in the file store under `skills/{tenant}/{digest}`. */
export const skillContents = sqliteTable(
  "skill_contents",
  {
    tenantId: integer("tenant_id").notNull(),
    /** SHA-256 of the bytes, lower-case hexadecimal. */
    digest: text("digest").notNull(),
    sizeBytes: integer("size_bytes").notNull(),
    format: text("format", { enum: ["bundle", "text"] }).notNull(),
    createdAt: integer("created_at").notNull(),
    /** When a transfer last asked for it; what nobody asks for goes. */
    usedAt: integer("used_at").notNull(),
  },
  (t) => [primaryKey({ columns: [t.tenantId, t.digest] }), index("skill_contents_age").on(t.usedAt)],
);

/** A skill on its way from one machine of an owner to another. */
export const skillTransfers = sqliteTable(
  "skill_transfers",
  {
    id: text("id").primaryKey(),
    tenantId: integer("tenant_id").notNull(),
    skillName: text("skill_name").notNull(),
    description: text("description").notNull(),
    sourceInstanceId: text("source_instance_id").notNull(),
    targetInstanceId: text("target_instance_id").notNull(),
    /** Of the content: as the source's beat said, then as it arrived. */
    digest: text("digest").notNull(),
    state: text("state", { enum: ["waiting_source", "sending", "installed", "failed", "expired"] }).notNull(),
    exportCommandId: text("export_command_id"),
    installCommandId: text("install_command_id"),
    /** Why it failed, for people. */
    failure: text("failure"),
    /** When somebody should look after it again, ms; null when it is over. */
    checkAt: integer("check_at"),
    expiresAt: integer("expires_at").notNull(),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
    version: integer("version").notNull().default(1),
  },
  (t) => [
    uniqueIndex("skill_transfers_open").on(t.tenantId, t.targetInstanceId, t.skillName).where(sql`check_at IS NOT NULL`),
    index("skill_transfers_check").on(t.checkAt).where(sql`check_at IS NOT NULL`),
    index("skill_transfers_content").on(t.tenantId, t.digest),
    index("skill_transfers_age").on(t.updatedAt),
  ],
);
