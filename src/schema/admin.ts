import { sql } from "drizzle-orm";
import { index, integer, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";

/**
 * How many rows there are of a kind, so that a list can tell its total without counting. Kept by triggers of migration 0012:
 * `bots.active`, `instances`, `users.verified`, `users.unverified`, `users.deleted`; and of migration 0014: `support_reports.<status>`,
 * `downgrade_requests.<open or resolved>.<reason>`.
 */
export const rowCounts = sqliteTable("row_counts", { name: text("name").primaryKey(), n: integer("n").notNull() });

/**
 * What somebody has that a plan counts, as long as the account is there: machines of their own, bots and shares that are neither parked nor over. Kept by
 * triggers of migration 0014; a row may hold zeros only.
 */
export const tenantHoldings = sqliteTable("tenant_holdings", {
  tenantId: integer("tenant_id").primaryKey(),
  machines: integer("machines").notNull().default(0),
  bots: integer("bots").notNull().default(0),
  /** Those that are being created, too. */
  runningBots: integer("running_bots").notNull().default(0),
  /** Those that run out at a time are in here until the sweep ends them. */
  shares: integer("shares").notNull().default(0),
  /** The first period (`YYYY-MM`) with an upload. */
  firstUpload: text("first_upload"),
});

/** Fingerprints that two or more accounts have registered. Kept by triggers on fingerprint_history (migration 0012). */
export const fingerprintCollisions = sqliteTable(
  "fingerprint_collisions",
  {
    fingerprint: text("fingerprint").primaryKey(),
    userCount: integer("user_count").notNull(),
    firstSeenAt: integer("first_seen_at").notNull(),
    lastSeenAt: integer("last_seen_at").notNull(),
  },
  (t) => [index("fingerprint_collisions_size").on(t.userCount, t.lastSeenAt)],
);

/** Long work that administrators start and watch. Done in steps, each a queue message; `step` and `cursor` are what is done. */
export const adminJobs = sqliteTable(
  "admin_jobs",
  {
    id: text("id").primaryKey(),
    kind: text("kind", { enum: ["matrix_status_refresh"] }).notNull(),
    status: text("status", { enum: ["pending", "running", "completed", "failed"] }).notNull(),
    /** The administrator; null when the schedule started it. */
    startedBy: integer("started_by"),
    /** Accounts to look at, as counted when it was made. */
    total: integer("total").notNull(),
    processed: integer("processed").notNull().default(0),
    counts: text("counts", { mode: "json" }).$type<Readonly<Record<string, number>>>().notNull(),
    /** The last account done; the next step goes on after it. */
    cursor: integer("cursor").notNull().default(0),
    step: integer("step").notNull().default(0),
    /** How often the sweep has woken it since it last got on. */
    attempts: integer("attempts").notNull().default(0),
    error: text("error"),
    startedAt: integer("started_at"),
    finishedAt: integer("finished_at"),
    /** When it last got on, or was woken. */
    progressAt: integer("progress_at").notNull(),
    createdAt: integer("created_at").notNull(),
    version: integer("version").notNull().default(1),
  },
  (t) => [
    uniqueIndex("admin_jobs_open").on(t.kind).where(sql`status IN ('pending', 'running')`),
    index("admin_jobs_newest").on(t.createdAt, t.id),
  ],
);

/** What the compatibility suite said about a release. The same for every tenant. */
export const compatRuns = sqliteTable(
  "compat_runs",
  {
    id: integer("id").primaryKey({ autoIncrement: true }),
    runtime: text("runtime").notNull(),
    openclawVersion: text("openclaw_version").notNull(),
    pluginVersion: text("plugin_version").notNull(),
    cliVersion: text("cli_version").notNull(),
    result: text("result").notNull(),
    summary: text("summary"),
    scenarios: text("scenarios", { mode: "json" }).$type<readonly CompatScenario[]>().notNull(),
    logArtifactUrl: text("log_artifact_url"),
    /** The host that ran the suite, as it calls itself. */
    triggeredBy: text("triggered_by"),
    startedAt: integer("started_at").notNull(),
    finishedAt: integer("finished_at"),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
    version: integer("version").notNull().default(1),
  },
  (t) => [
    uniqueIndex("compat_runs_natural").on(t.openclawVersion, t.startedAt, t.runtime),
    index("compat_runs_newest").on(t.startedAt, t.id),
    index("compat_runs_runtime").on(t.runtime, t.startedAt, t.id),
  ],
);

export interface CompatScenario {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly duration_ms: number;
  readonly error_excerpt?: string | null | undefined;
  readonly details?: Readonly<Record<string, unknown>> | null | undefined;
}

/** The newest release of each component that a package registry knows. */
export const componentReleases = sqliteTable("component_releases", {
  component: text("component", { enum: ["cli", "plugin", "openclaw", "hermes"] }).primaryKey(),
  /** Null when the registry has no such package. */
  latestVersion: text("latest_version"),
  checkedAt: integer("checked_at").notNull(),
});
