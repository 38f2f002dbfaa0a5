import { sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";

/** Who owns which machine. What a machine is doing now lives in its object. */
export const instances = sqliteTable(
  "instances",
  {
    id: integer("id").primaryKey({ autoIncrement: true }),
    tenantId: integer("tenant_id").notNull(),
    /** The free-text name clients use; unique over all owners. */
    instanceId: text("instance_id").notNull(),
    label: text("label").notNull(),
    registeredVersion: text("registered_version").notNull(),
    machineFingerprint: text("machine_fingerprint"),
    provider: text("provider"),
    orgoWorkspaceId: text("orgo_workspace_id"),
    orgoWorkspaceName: text("orgo_workspace_name"),
    orgoComputerId: text("orgo_computer_id"),
    capabilities: text("capabilities", { mode: "json" }).$type<Record<string, unknown>>().notNull(),
    /** Projection of the object's online flag, moved on transitions only. */
    online: integer("online", { mode: "boolean" }).notNull(),
    onlineChangedAt: integer("online_changed_at").notNull(),
    /** Rises whenever its bots change, so that the object takes the newest roster whatever overtakes. */
    rosterSeq: integer("roster_seq").notNull().default(0),
    /** The add-on that pays for this cloud machine; null: included in the plan, or nobody's. */
    vmEntitlementId: text("vm_entitlement_id"),
    /** The cloud machine that this is; null for machines that people brought. */
    cloudVmId: text("cloud_vm_id"),
    archivedAt: integer("archived_at"),
    planDisabledAt: integer("plan_disabled_at"),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
    version: integer("version").notNull().default(1),
  },
  (t) => [
    uniqueIndex("instances_instance_id").on(t.instanceId),
    index("instances_tenant").on(t.tenantId, t.createdAt),
    uniqueIndex("instances_fingerprint").on(t.tenantId, t.machineFingerprint),
    index("instances_label").on(sql`lower(label)`),
    index("instances_machine").on(t.machineFingerprint).where(sql`machine_fingerprint IS NOT NULL`),
  ],
);

/** Every fingerprint an account ever registered. Append-only: trial abuse is seen here after machines are gone. */
export const fingerprintHistory = sqliteTable(
  "fingerprint_history",
  {
    fingerprint: text("fingerprint").notNull(),
    tenantId: integer("tenant_id").notNull(),
    instanceId: text("instance_id").notNull(),
    firstSeenAt: integer("first_seen_at").notNull(),
  },
  (t) => [primaryKey({ columns: [t.fingerprint, t.tenantId, t.instanceId] }), index("fingerprint_history_tenant").on(t.tenantId)],
);

/** Versions an operator approved; a component without a row is "unknown": offer no update. */
export const supportedVersions = sqliteTable("supported_versions", {
  component: text("component", { enum: ["cli", "plugin", "openclaw", "hermes"] }).primaryKey(),
  supportedVersion: text("supported_version").notNull(),
  minVersion: text("min_version"),
  notes: text("notes"),
  /** User name of the administrator who set it. */
  updatedBy: text("updated_by"),
  updatedAt: integer("updated_at").notNull(),
});
