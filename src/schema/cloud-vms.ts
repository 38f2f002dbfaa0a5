import { sql } from "drizzle-orm";
import { index, integer, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";

/**
 * Machines that we rent for their owners. The row is what we want; the provider follows. It is there before the provider is asked for
 * anything, and stays, as `destroyed`, until nothing of it can come to be there any more. docs/design/cloud-vms.md
 */
export const cloudVms = sqliteTable(
  "cloud_vms",
  {
    id: text("id").primaryKey(),
    tenantId: integer("tenant_id").notNull(),
    instanceId: text("instance_id").notNull(),
    name: text("name").notNull(),
    /** What was asked for, as a hash, while the machine boots: the same wish meanwhile is this machine. */
    wish: text("wish"),
    driver: text("driver").notNull(),
    /** Its computer's name at the provider, signed: what bears it is ours. */
    tag: text("tag").notNull(),
    cpu: integer("cpu").notNull(),
    ramGb: integer("ram_gb").notNull(),
    diskGb: integer("disk_gb"),
    llmProvider: text("llm_provider", { enum: ["gemini", "anthropic", "openrouter"] }),
    /** `cloud_vm_llm:<id>`; null when none was given, and once it is destroyed. */
    sealedLlmKey: text("sealed_llm_key"),
    /** Where its daemon finds us. */
    serverUrl: text("server_url").notNull(),
    /** The CLI token that its daemon speaks with, and its text, `cloud_vm_token:<id>`. */
    tokenId: text("token_id"),
    sealedToken: text("sealed_token"),
    /** The provider's id; null while it is not known. */
    computerId: text("computer_id"),
    workspaceId: text("workspace_id"),
    workspaceName: text("workspace_name"),
    status: text("status", { enum: ["booting", "installing", "setup", "online", "failed", "destroying", "destroyed"] }).notNull(),
    step: text("step", { enum: ["create", "boot", "install", "setup", "online"] }).notNull(),
    stepStartedAt: integer("step_started_at").notNull(),
    stepDeadlineAt: integer("step_deadline_at").notNull(),
    stepTries: integer("step_tries").notNull().default(0),
    /** 0 to 100 of this step. */
    stepPercent: integer("step_percent").notNull().default(0),
    /** What is being done or what went wrong, in words for its owner. */
    detail: text("detail"),
    lastError: text("last_error"),
    lastErrorAt: integer("last_error_at"),
    /** When the software was on its disk; null before, and after the disk was lost. */
    installedAt: integer("installed_at"),
    /** Only beats after this are of the daemon that the last set-up started. */
    beatsSince: integer("beats_since"),
    /** When a reboot was asked for that the provider has not taken yet. */
    rebootAt: integer("reboot_at"),
    /** When the provider was last asked to make it and did not say what came of it. */
    createCalledAt: integer("create_called_at"),
    /** Since when the provider says that there is none. */
    missingSince: integer("missing_since"),
    /** When we last rebuilt or restarted it of our own accord. */
    mendedAt: integer("mended_at"),
    /** Since when nobody pays for it, and when it is destroyed therefore. */
    unpaidSince: integer("unpaid_since"),
    destroyAfter: integer("destroy_after"),
    /** When somebody must look at it again; null: nothing is under way. */
    settleAt: integer("settle_at"),
    settleAttempts: integer("settle_attempts").notNull().default(0),
    destroyedAt: integer("destroyed_at"),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
    version: integer("version").notNull().default(1),
  },
  (t) => [
    uniqueIndex("cloud_vms_instance").on(t.instanceId),
    uniqueIndex("cloud_vms_tag").on(t.tag),
    uniqueIndex("cloud_vms_wish").on(t.tenantId, t.wish),
    index("cloud_vms_tenant").on(t.tenantId, t.createdAt),
    index("cloud_vms_settle").on(t.settleAt).where(sql`settle_at IS NOT NULL`),
    index("cloud_vms_destroy_after").on(t.destroyAfter).where(sql`destroy_after IS NOT NULL`),
  ],
);

/** What reconcilers found that differs from what we know, and whether it still does. One row per thing. */
export const reconcileFindings = sqliteTable(
  "reconcile_findings",
  {
    id: integer("id").primaryKey({ autoIncrement: true }),
    /** `unknown_computer`, `orphan_computer`, `duplicate_computer`, `lost_computer`, `stuck_destroy`, `unpaid_machine`, `provider_unreachable` */
    kind: text("kind").notNull(),
    /** Of what: a computer's or a machine's id. */
    subject: text("subject").notNull(),
    driver: text("driver").notNull(),
    detail: text("detail", { mode: "json" }).$type<Readonly<Record<string, unknown>>>().notNull(),
    firstSeenAt: integer("first_seen_at").notNull(),
    lastSeenAt: integer("last_seen_at").notNull(),
    resolvedAt: integer("resolved_at"),
  },
  (t) => [uniqueIndex("reconcile_findings_subject").on(t.kind, t.subject), index("reconcile_findings_open").on(t.resolvedAt, t.lastSeenAt), index("reconcile_findings_listed").on(sql`(resolved_at IS NULL)`), index("reconcile_findings_kind").on(sql`(resolved_at IS NULL)`, t.kind)],
);
