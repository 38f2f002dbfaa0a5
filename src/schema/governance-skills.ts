import { sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";

const SCOPES = ["org", "team", "project", "personal"] as const;

/** Skills that tenants may be granted: what one version is, and the digest of its content. */
export const governanceSkillBundles = sqliteTable(
  "governance_skill_bundles",
  {
    id: text("id").primaryKey(),
    name: text("name").notNull(),
    description: text("description").notNull(),
    /** The skill's own version, as its author writes it. */
    release: text("release").notNull(),
    /** As it was given. */
    digest: text("digest").notNull(),
    /** The digest in one spelling: lower-case hexadecimal SHA-256, or as given when it is none. */
    digestKey: text("digest_key").notNull(),
    scope: text("scope", { enum: SCOPES }).notNull(),
    status: text("status", { enum: ["draft", "review", "published", "deprecated"] }).notNull(),
    tags: text("tags", { mode: "json" }).$type<readonly string[]>().notNull(),
    sourceId: text("source_id"),
    /** Where the content can be fetched while it is not stored. */
    contentUrl: text("content_url"),
    publishedAt: integer("published_at"),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
    version: integer("version").notNull().default(1),
  },
  (t) => [
    uniqueIndex("governance_skill_bundles_name").on(t.name, t.release, t.digestKey),
    index("governance_skill_bundles_digest").on(t.digestKey),
    index("governance_skill_bundles_age").on(t.createdAt),
    index("governance_skill_bundles_status").on(t.status, t.id),
    index("governance_skill_bundles_source").on(t.sourceId),
  ],
);

/** Contents under `governance/skills/<sha256>` of the file store. A row is there before its bytes and goes after them. */
export const governanceSkillContents = sqliteTable(
  "governance_skill_contents",
  {
    /** Lower-case hexadecimal. */
    sha256: text("sha256").primaryKey(),
    state: text("state", { enum: ["storing", "stored", "removing"] }).notNull(),
    sizeBytes: integer("size_bytes").notNull(),
    contentType: text("content_type").notNull(),
    createdAt: integer("created_at").notNull(),
    /** When somebody last stored it, ms. */
    updatedAt: integer("updated_at").notNull(),
  },
  (t) => [index("governance_skill_contents_age").on(t.updatedAt)],
);

/** Who moved a skill to a wider scope, and what became of it. History: it decides nothing. */
export const governanceSkillPromotions = sqliteTable(
  "governance_skill_promotions",
  {
    seq: integer("seq").primaryKey({ autoIncrement: true }),
    id: text("id").notNull(),
    bundleId: text("bundle_id").notNull(),
    fromScope: text("from_scope", { enum: SCOPES }).notNull(),
    toScope: text("to_scope", { enum: SCOPES }).notNull(),
    promotedBy: text("promoted_by").notNull(),
    status: text("status", { enum: ["proposed", "approved", "rejected"] }).notNull(),
    notes: text("notes"),
    createdAt: integer("created_at").notNull(),
  },
  (t) => [uniqueIndex("governance_skill_promotions_id").on(t.id), index("governance_skill_promotions_bundle").on(t.bundleId)],
);

/** What the last scan of a skill's content said, by digest: other content has to be scanned itself. */
export const governanceSkillScans = sqliteTable(
  "governance_skill_scans",
  {
    bundleId: text("bundle_id").notNull(),
    digestKey: text("digest_key").notNull(),
    status: text("status", { enum: ["passed", "failed"] }).notNull(),
    scanner: text("scanner").notNull(),
    findings: text("findings", { mode: "json" }).$type<readonly ScanFindingRow[]>().notNull(),
    reason: text("reason"),
    scannedAt: integer("scanned_at").notNull(),
  },
  (t) => [primaryKey({ columns: [t.bundleId, t.digestKey] })],
);

interface ScanFindingRow {
  readonly id: string;
  readonly description: string;
  readonly severity: "critical" | "high" | "medium" | "low" | "unknown";
  readonly location: string;
}

/** Catalogues of others that are looked through for skills and MCP servers. */
export const governanceSources = sqliteTable(
  "governance_sources",
  {
    id: text("id").primaryKey(),
    name: text("name").notNull(),
    kind: text("kind", { enum: ["mcp-registry", "anthropic-skills", "git-repository", "manual-upload"] }).notNull(),
    originUrl: text("origin_url").notNull(),
    syncMode: text("sync_mode", { enum: ["scheduled", "manual"] }).notNull(),
    status: text("status", { enum: ["healthy", "syncing", "error", "pending-approval"] }).notNull(),
    syncIntervalMinutes: integer("sync_interval_minutes").notNull(),
    lastSyncedAt: integer("last_synced_at"),
    /** When the next sync is due, ms. */
    nextRunAt: integer("next_run_at"),
    notes: text("notes"),
    /** Why the last sync failed, for people. */
    syncError: text("sync_error"),
    failures: integer("failures").notNull().default(0),
    /** When somebody last asked for a sync that has not begun, ms. */
    requestedAt: integer("requested_at"),
    /** The sync that runs now, and until when it counts as alive, ms. */
    leaseId: text("lease_id"),
    leaseUntil: integer("lease_until"),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
    version: integer("version").notNull().default(1),
  },
  (t) => [
    uniqueIndex("governance_sources_name").on(t.name),
    index("governance_sources_age").on(t.createdAt),
    index("governance_sources_due").on(t.nextRunAt).where(sql`next_run_at IS NOT NULL`),
    index("governance_sources_requested").on(t.requestedAt).where(sql`requested_at IS NOT NULL`),
  ],
);

/** What a source offers. Nothing of it is installed until somebody approves it. */
export const governanceSourceItems = sqliteTable(
  "governance_source_items",
  {
    id: text("id").primaryKey(),
    sourceId: text("source_id").notNull(),
    kind: text("kind", { enum: ["mcp-server", "skill-bundle"] }).notNull(),
    name: text("name").notNull(),
    upstreamId: text("upstream_id").notNull(),
    release: text("release"),
    digest: text("digest"),
    metadata: text("metadata", { mode: "json" }).$type<Readonly<Record<string, unknown>>>(),
    /** `caller`: an operator wrote it, and replaces it by writing; `sync`: it was found. */
    origin: text("origin", { enum: ["caller", "sync"] }).notNull(),
    status: text("status", { enum: ["discovered", "approved", "rejected", "gone"] }).notNull(),
    /** What approving made. */
    installedId: text("installed_id"),
    /** The sync that last saw it. */
    seenBy: text("seen_by"),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
    version: integer("version").notNull().default(1),
  },
  (t) => [uniqueIndex("governance_source_items_upstream").on(t.sourceId, t.kind, t.upstreamId)],
);
