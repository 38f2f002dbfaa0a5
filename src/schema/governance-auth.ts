import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";

/** Tokens of programs. Whoever holds one may do everything. */
export const governanceAccessTokens = sqliteTable(
  "governance_access_tokens",
  {
    id: text("id").primaryKey(),
    name: text("name").notNull(),
    /** Free text: whoever it was made for. */
    owner: text("owner").notNull(),
    /** Hexadecimal SHA-256 of the whole token. */
    tokenHash: text("token_hash").notNull(),
    /** Null never expires. */
    expiresAt: integer("expires_at"),
    /** Within a minute; best effort. */
    lastUsedAt: integer("last_used_at"),
    createdAt: integer("created_at").notNull(),
  },
  (t) => [uniqueIndex("governance_access_tokens_hash").on(t.tokenHash), index("governance_access_tokens_created").on(t.createdAt, t.id)],
);

/** People in browsers, for whom an identity provider vouched. What they may do is decided anew at each request. */
export const governanceSessions = sqliteTable(
  "governance_sessions",
  {
    /** Hexadecimal SHA-256 of the cookie's value. */
    idHash: text("id_hash").primaryKey(),
    issuer: text("issuer").notNull(),
    subject: text("subject").notNull(),
    /** Lower case. */
    email: text("email"),
    emailVerified: integer("email_verified", { mode: "boolean" }).notNull(),
    name: text("name"),
    picture: text("picture"),
    createdAt: integer("created_at").notNull(),
    expiresAt: integer("expires_at").notNull(),
  },
  (t) => [index("governance_sessions_expiry").on(t.expiresAt)],
);

/** Sign-ins that led to a session, until they would be over anyway: each leads to one. */
export const governanceSpentLogins = sqliteTable(
  "governance_spent_logins",
  {
    /** Hexadecimal SHA-256 of the attempt's state. */
    stateHash: text("state_hash").primaryKey(),
    createdAt: integer("created_at").notNull(),
    expiresAt: integer("expires_at").notNull(),
  },
  (t) => [index("governance_spent_logins_expiry").on(t.expiresAt)],
);

/** Command lines that wait for a person to confirm them in a browser. */
export const governanceDeviceGrants = sqliteTable(
  "governance_device_grants",
  {
    /** Hexadecimal SHA-256 of the device code, which only the command line knows. */
    codeHash: text("code_hash").primaryKey(),
    /** What the person compares. */
    userCode: text("user_code").notNull(),
    ip: text("ip"),
    userAgent: text("user_agent"),
    /** The person's subject at the identity provider; null until somebody confirms. */
    approvedBy: text("approved_by"),
    approvedAt: integer("approved_at"),
    deliveredAt: integer("delivered_at"),
    createdAt: integer("created_at").notNull(),
    expiresAt: integer("expires_at").notNull(),
  },
  (t) => [uniqueIndex("governance_device_grants_user_code").on(t.userCode), index("governance_device_grants_expiry").on(t.expiresAt)],
);

/** How often all sessions of a tenant were cut. Tokens of an earlier epoch are none. Without a row it is 0. */
export const governanceTokenEpochs = sqliteTable("governance_token_epochs", {
  tenant: text("tenant").primaryKey(),
  epoch: integer("epoch").notNull(),
  createdAt: integer("created_at").notNull(),
  updatedAt: integer("updated_at").notNull(),
});

/** Who holds a session token of which tenant, and until when the latest one lives. */
export const governanceBrokeredSessions = sqliteTable(
  "governance_brokered_sessions",
  {
    tenant: text("tenant").notNull(),
    subject: text("subject").notNull(),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
    expiresAt: integer("expires_at").notNull(),
  },
  (t) => [primaryKey({ columns: [t.tenant, t.subject] }), index("governance_brokered_sessions_expiry").on(t.expiresAt)],
);
