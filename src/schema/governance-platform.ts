import { index, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

interface PlaceQuota {
  readonly cpu?: string | undefined;
  readonly memory?: string | undefined;
  readonly pods?: number | undefined;
  readonly storage?: string | undefined;
  readonly gpu?: number | undefined;
}

/** Where tenants may be placed. `version` counts wishes; a placement that answers an older one is overtaken. */
export const governanceClusterTenants = sqliteTable(
  "governance_cluster_tenants",
  {
    name: text("name").primaryKey(),
    displayName: text("display_name").notNull(),
    baseDomain: text("base_domain"),
    isolationTier: text("isolation_tier", { enum: ["shared", "dedicatedNodes", "dedicatedCluster"] }).notNull(),
    compute: text("compute", { mode: "json" }).$type<{ readonly mode: "shared" | "dedicated"; readonly nodePool?: string | undefined }>().notNull(),
    quota: text("quota", { mode: "json" }).$type<PlaceQuota>().notNull(),
    phase: text("phase", { enum: ["pending", "provisioning", "ready", "failed"] }).notNull(),
    message: text("message"),
    boundNamespace: text("bound_namespace"),
    provisioner: text("provisioner"),
    /** When a placement under way is asked about again; null while nothing is awaited. */
    checkAt: integer("check_at"),
    /** Until when a placement may take. */
    deadlineAt: integer("deadline_at"),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
    version: integer("version").notNull().default(1),
  },
  (t) => [index("governance_cluster_tenants_check").on(t.checkAt), index("governance_cluster_tenants_age").on(t.createdAt, t.name)],
);

/** Issuers of certificates for tenants' host names: what solves their DNS challenges. */
export const governanceDnsIssuers = sqliteTable("governance_dns_issuers", {
  issuerName: text("issuer_name").primaryKey(),
  provider: text("provider").notNull(),
  zone: text("zone").notNull(),
  email: text("email").notNull(),
  server: text("server").notNull(),
  /** The provider's token and the solver's settings, as JSON; never shown again. */
  sealedSolver: text("sealed_solver").notNull(),
  hasToken: integer("has_token", { mode: "boolean" }).notNull(),
  createdAt: integer("created_at").notNull(),
  updatedAt: integer("updated_at").notNull(),
  version: integer("version").notNull().default(1),
});
