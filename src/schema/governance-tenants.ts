import { sql } from "drizzle-orm";
import { check, index, integer, primaryKey, real, sqliteTable, text } from "drizzle-orm/sqlite-core";

interface StoredDatasets {
  readonly org: readonly string[];
  readonly team: readonly string[];
  readonly project: readonly string[];
  readonly personal: readonly string[];
}

/** Copies of tenants; the source of each is its TenantDO. */
export const governanceTenants = sqliteTable(
  "governance_tenants",
  {
    name: text("name").primaryKey(),
    displayName: text("display_name").notNull(),
    email: text("email").notNull(),
    team: text("team"),
    monthlyBudgetUsd: real("monthly_budget_usd"),
    resources: text("resources", { mode: "json" }).$type<Readonly<Record<string, unknown>>>(),
    skillAllowlist: text("skill_allowlist", { mode: "json" }).$type<readonly string[]>(),
    policyRef: text("policy_ref"),
    clusterTenantRef: text("cluster_tenant_ref"),
    labels: text("labels", { mode: "json" }).$type<Readonly<Record<string, string>>>().notNull(),
    wave: text("wave"),
    suspended: integer("suspended", { mode: "boolean" }).notNull(),
    datasets: text("datasets", { mode: "json" }).$type<StoredDatasets>().notNull(),
    /** Observed, not wanted. */
    phase: text("phase", { enum: ["Pending", "Running", "Suspended", "Error"] }).notNull(),
    /** The policy that applies; null: none, or nobody has looked yet. */
    policyName: text("policy_name"),
    policySource: text("policy_source", { enum: ["ref", "selector", "default", "none"] }),
    policyState: text("policy_state", { enum: ["resolved", "none", "missing", "conflict"] }),
    /** What is wrong with the policy, for people. */
    policyMessage: text("policy_message"),
    /** Of the source when this copy was made. */
    revision: integer("revision").notNull(),
    /** The revision with which this life of the name began. */
    bornRevision: integer("born_revision").notNull(),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
  },
  (t) => [index("governance_tenants_created").on(t.createdAt, t.name), index("governance_tenants_email").on(sql`lower(email)`), index("governance_tenants_team").on(t.team)],
);

/** Which revision of each source D1 shows, also of those that are gone: what came late never overwrites what came first. */
export const governanceProjections = sqliteTable(
  "governance_projections",
  {
    kind: text("kind").notNull(),
    key: text("key").notNull(),
    revision: integer("revision").notNull(),
    projectedAt: integer("projected_at").notNull(),
  },
  (t) => [primaryKey({ columns: [t.kind, t.key] })],
);

/** What the last look at drift found, so that one alert is sent once (one row). */
export const governanceDriftAlerts = sqliteTable(
  "governance_drift_alerts",
  {
    id: integer("id").primaryKey(),
    /** What was wrong when the last alert was delivered; null when nothing is. */
    fingerprint: text("fingerprint"),
    driftCount: integer("drift_count").notNull(),
    /** When the last alert was delivered. */
    alertedAt: integer("alerted_at"),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
  },
  () => [check("governance_drift_alerts_single", sql`id = 1`)],
);
