import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";

const SCOPES = ["org", "department", "project", "personal"] as const;

/** Who may have what: a payload (awareness, an MCP server, a skill) allowed or denied to a subject. */
export const governanceGrants = sqliteTable(
  "governance_grants",
  {
    /** Order of writing: the newer of two grants of one moment. */
    seq: integer("seq").primaryKey({ autoIncrement: true }),
    id: text("id").notNull(),
    payloadType: text("payload_type", { enum: ["awareness", "mcp-server", "skill-bundle"] }).notNull(),
    payloadId: text("payload_id").notNull(),
    subjectType: text("subject_type", { enum: ["group", "tenant", "user"] }).notNull(),
    /** The subject's id; of groups that were named before they were made, their name. */
    subjectId: text("subject_id").notNull(),
    subjectName: text("subject_name"),
    access: text("access", { enum: ["allow", "deny"] }).notNull(),
    priority: integer("priority").notNull().default(0),
    scope: text("scope", { enum: SCOPES }).notNull(),
    note: text("note"),
    /** The group through which an awareness grant was written, and with which it goes. */
    viaGroupId: text("via_group_id"),
    createdAt: integer("created_at").notNull(),
  },
  (t) => [
    uniqueIndex("governance_grants_id").on(t.id),
    index("governance_grants_payload").on(t.payloadType, t.payloadId),
    index("governance_grants_subject").on(t.subjectType, t.subjectId),
    index("governance_grants_group").on(t.viaGroupId),
  ],
);

/** Named sets of tenants and users. */
export const governanceGroups = sqliteTable(
  "governance_groups",
  {
    id: text("id").primaryKey(),
    name: text("name").notNull(),
    scope: text("scope", { enum: SCOPES }).notNull(),
    description: text("description"),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
    version: integer("version").notNull().default(1),
  },
  (t) => [uniqueIndex("governance_groups_name").on(t.name), index("governance_groups_age").on(t.createdAt)],
);

/** Who belongs to a group: names of tenants, ids of users. */
export const governanceGroupMembers = sqliteTable("governance_group_members", { groupId: text("group_id").notNull(), member: text("member").notNull() }, (t) => [
  primaryKey({ columns: [t.groupId, t.member] }),
  index("governance_group_members_member").on(t.member),
]);

/** MCP servers that tenants may be granted. */
export const governanceMcpServers = sqliteTable(
  "governance_mcp_servers",
  {
    id: text("id").primaryKey(),
    name: text("name").notNull(),
    description: text("description").notNull(),
    endpoint: text("endpoint").notNull(),
    scope: text("scope", { enum: SCOPES }).notNull(),
    transport: text("transport", { enum: ["streamable-http", "sse", "websocket"] }).notNull(),
    status: text("status", { enum: ["active", "degraded", "draft"] }).notNull(),
    capabilities: text("capabilities", { mode: "json" }).$type<readonly string[]>().notNull(),
    sourceId: text("source_id"),
    lastSyncedAt: integer("last_synced_at"),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
    version: integer("version").notNull().default(1),
  },
  (t) => [uniqueIndex("governance_mcp_servers_name").on(t.name), index("governance_mcp_servers_age").on(t.createdAt)],
);

/** How the broker proves itself to an MCP server. Values lie in `governance_secrets`; here are names only. */
export const governanceMcpCredentials = sqliteTable(
  "governance_mcp_credentials",
  {
    seq: integer("seq").primaryKey({ autoIncrement: true }),
    id: text("id").notNull(),
    serverId: text("server_id").notNull(),
    displayName: text("display_name").notNull(),
    brokeringMode: text("brokering_mode", { enum: ["static", "obo"] }).notNull(),
    secretRef: text("secret_ref"),
    createdAt: integer("created_at").notNull(),
  },
  (t) => [uniqueIndex("governance_mcp_credentials_id").on(t.id), index("governance_mcp_credentials_server").on(t.serverId)],
);

/** Secrets by name, sealed under `governance_secret:<name>`. */
export const governanceSecrets = sqliteTable("governance_secrets", {
  name: text("name").primaryKey(),
  sealedValue: text("sealed_value").notNull(),
  createdAt: integer("created_at").notNull(),
  updatedAt: integer("updated_at").notNull(),
  version: integer("version").notNull().default(1),
});

/** What one session of an agent may draw on, as it was granted when it was bound. */
export const governanceSessionScopes = sqliteTable(
  "governance_session_scopes",
  {
    sessionKey: text("session_key").primaryKey(),
    principal: text("principal").notNull(),
    scopes: text("scopes", { mode: "json" }).$type<readonly { readonly scope: (typeof SCOPES)[number]; readonly payloadId: string }[]>().notNull(),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
    version: integer("version").notNull().default(1),
  },
  (t) => [index("governance_session_scopes_principal").on(t.principal)],
);
