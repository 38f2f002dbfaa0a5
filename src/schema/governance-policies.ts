import { sql } from "drizzle-orm";
import { check, index, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

/** Who a policy is meant for; an empty selector matches nobody. */
export interface StoredSelector {
  readonly matchTeam?: string;
  readonly matchLabels?: Readonly<Record<string, string>>;
}

/** Host names: `example.org` exactly, `*.example.org` any depth below, `*` all. Deny beats allow. */
export interface StoredDomains {
  readonly allow: readonly string[];
  readonly deny: readonly string[];
  /** Whether what is not allowed is refused. */
  readonly defaultDeny: boolean;
}

export interface StoredEgressRule {
  readonly cidr: string;
  readonly ports?: readonly number[];
  readonly protocol?: "TCP" | "UDP";
}

/** Names allowed and denied; without `allow` everything is allowed that is not denied. */
export interface StoredNameRules {
  readonly allow?: readonly string[];
  readonly deny?: readonly string[];
}

/** Copies of access policies; their source is OrgDO, which numbers their revisions. */
export const governancePolicies = sqliteTable(
  "governance_policies",
  {
    name: text("name").primaryKey(),
    description: text("description"),
    tenantSelector: text("tenant_selector", { mode: "json" }).$type<StoredSelector>().notNull(),
    /** Null: no rule about host names. */
    domains: text("domains", { mode: "json" }).$type<StoredDomains>(),
    egressRules: text("egress_rules", { mode: "json" }).$type<readonly StoredEgressRule[]>(),
    mcpServers: text("mcp_servers", { mode: "json" }).$type<StoredNameRules>(),
    tools: text("tools", { mode: "json" }).$type<StoredNameRules>(),
    /** Of the source when this copy was made; an older one never overwrites a newer. */
    revision: integer("revision").notNull(),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
  },
  (t) => [index("governance_policies_created").on(t.createdAt, t.name)],
);

/** Copy of the awareness rollout (one row); its source is OrgDO. No row: the default rollout. */
export const governanceRollout = sqliteTable(
  "governance_rollout",
  {
    id: integer("id").primaryKey(),
    targetVersion: text("target_version").notNull(),
    stableVersion: text("stable_version").notNull(),
    waves: text("waves", { mode: "json" }).$type<readonly string[]>().notNull(),
    promotedWaves: text("promoted_waves", { mode: "json" }).$type<readonly string[]>().notNull(),
    shadowMode: integer("shadow_mode", { mode: "boolean" }).notNull(),
    revision: integer("revision").notNull(),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
  },
  () => [check("governance_rollout_single", sql`id = 1`)],
);

/** A violation of a policy as a runtime reported it. */
export interface StoredViolation {
  readonly at: number;
  readonly kind: string;
  readonly subject: string;
}

/** A machine of a tenant that takes part. */
export interface StoredParticipant {
  readonly machine: string;
  readonly lastSeenAt: number;
  readonly runningVersion: string | null;
}

/** How tenants take part in the awareness rollout, flushed from TenantDO: at most minutes old. */
export const governanceParticipation = sqliteTable("governance_participation", {
  tenant: text("tenant").primaryKey(),
  lastSeenAt: integer("last_seen_at"),
  runningVersion: text("running_version"),
  /** Only grows. */
  policyViolations: integer("policy_violations").notNull(),
  skillExecutions: integer("skill_executions").notNull(),
  /** Newest last, at most 20. */
  recentViolations: text("recent_violations", { mode: "json" }).$type<readonly StoredViolation[]>().notNull(),
  machines: text("machines", { mode: "json" }).$type<readonly StoredParticipant[]>().notNull(),
  /** Of the tenant's object when it was flushed; an older flush never overwrites a newer. */
  revision: integer("revision").notNull(),
  createdAt: integer("created_at").notNull(),
  updatedAt: integer("updated_at").notNull(),
});
