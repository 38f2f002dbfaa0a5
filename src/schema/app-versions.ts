import { sql } from "drizzle-orm";
import { integer, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";

/** Releases of the apps, by platform. The same for every tenant. */
export const appVersions = sqliteTable(
  "app_versions",
  {
    id: integer("id").primaryKey({ autoIncrement: true }),
    /** Lower case. */
    platform: text("platform").notNull(),
    /** The app's own version; `version` counts changes of the row, as everywhere. */
    appVersion: text("app_version").notNull(),
    buildNumber: integer("build_number"),
    minVersion: text("min_version").notNull(),
    isForceUpdate: integer("is_force_update", { mode: "boolean" }).notNull(),
    isMaintenanceMode: integer("is_maintenance_mode", { mode: "boolean" }).notNull(),
    releaseNotes: text("release_notes"),
    downloadUrl: text("download_url"),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
    version: integer("version").notNull().default(1),
  },
  // NULLs are all different to an index, hence the second one.
  (t) => [uniqueIndex("app_versions_build").on(t.platform, t.appVersion, t.buildNumber), uniqueIndex("app_versions_release").on(t.platform, t.appVersion).where(sql`build_number IS NULL`)],
);
