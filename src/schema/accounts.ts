import { sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";

/** A person. `tenant_id` elsewhere is this row's id. */
export const users = sqliteTable(
  "users",
  {
    id: integer("id").primaryKey({ autoIncrement: true }),
    /** Public subject of tokens: a UUID that never changes. */
    sub: text("sub").notNull(),
    email: text("email").notNull(),
    /** Lower case; uniqueness and look-ups go by this. */
    emailKey: text("email_key").notNull(),
    /** What follows the `@`. */
    emailDomain: text("email_domain").generatedAlwaysAs(sql`substr(email_key, instr(email_key, '@') + 1)`, { mode: "virtual" }),
    username: text("username").notNull(),
    name: text("name").notNull(),
    displayName: text("display_name"),
    phoneNumber: text("phone_number"),
    /** The number without its punctuation; null when there is none that could be dialled. */
    phoneKey: text("phone_key"),
    autoDestructTime: text("auto_destruct_time"),
    matrixId: text("matrix_id").notNull(),
    matrixAccountCreated: integer("matrix_account_created", { mode: "boolean" }).notNull().default(false),
    /** When we last began to make the Matrix account. Nobody had it then: one of that name is ours. */
    matrixClaimedAt: integer("matrix_claimed_at"),
    /** The Matrix account has another password than this one; the next sign-in hands it over. */
    matrixPasswordStale: integer("matrix_password_stale", { mode: "boolean" }).notNull().default(false),
    /** What the homeserver last said of the account; null: nothing since it was made. */
    matrixStatus: text("matrix_status", { enum: ["active", "deactivated", "erased", "missing"] }),
    /** When the person first closed the list of featured rooms. */
    onboardedRoomsAt: integer("onboarded_rooms_at"),
    /** PHC string; see kernel/ports/passwords. */
    passwordHash: text("password_hash").notNull(),
    role: text("role", { enum: ["user", "admin", "superadmin"] }).notNull().default("user"),
    status: text("status", { enum: ["active", "deactivated", "deleted"] }).notNull().default("active"),
    accountVerified: integer("account_verified", { mode: "boolean" }).notNull().default(false),
    /** Rises on global sign-out: access tokens of an older epoch are dead. */
    tokenEpoch: integer("token_epoch").notNull().default(0),
    /** When it last rose: tokens of an outside issuer carry no epoch, so older ones are dead by their age. */
    epochRaisedAt: integer("epoch_raised_at"),
    /** The plan that an operator gave; subscriptions come before it. */
    planKey: text("plan_key"),
    /** Price of the newest subscription, for display. */
    subscriptionPriceId: text("subscription_price_id"),
    /** What an administrator wrote as the state of the subscription; shown to administrators and otherwise without meaning. */
    subscriptionNote: text("subscription_note"),
    trialEndsAt: integer("trial_ends_at").notNull(),
    agreedTerms: integer("agreed_terms", { mode: "boolean" }),
    agreedPrivacy: integer("agreed_privacy", { mode: "boolean" }),
    lastSignedInAt: integer("last_signed_in_at"),
    lastSignedOutAt: integer("last_signed_out_at"),
    /** Who ended the account and how far: with its Matrix account, or only here because the app saw to that. `removing`: its hard delete has begun. */
    deletionStatus: text("deletion_status", { enum: ["deleted_by_owner", "deactivated_by_owner", "deactivated_by_admin", "removing"] }),
    deletedAt: integer("deleted_at"),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
    version: integer("version").notNull().default(1),
  },
  (t) => [uniqueIndex("users_sub").on(t.sub), uniqueIndex("users_email").on(t.emailKey), uniqueIndex("users_username").on(t.username), uniqueIndex("users_matrix_id").on(t.matrixId), index("users_phone").on(t.phoneKey), index("users_name").on(sql`lower(name)`), index("users_display_name").on(sql`lower(display_name)`), index("users_email_domain").on(t.emailDomain), index("users_status").on(t.status), index("users_role").on(t.role), index("users_verified").on(t.accountVerified), index("users_created").on(t.createdAt), index("users_on_matrix").on(t.id).where(sql`matrix_account_created = 1`), index("users_matrix_missing").on(t.id).where(sql`matrix_account_created = 0 AND account_verified = 1 AND status = 'active'`)],
);

/** One-time codes sent by mail: one live row per person and purpose, the newest replaces the older. */
export const oneTimeCodes = sqliteTable(
  "one_time_codes",
  {
    id: integer("id").primaryKey({ autoIncrement: true }),
    tenantId: integer("tenant_id").notNull(),
    purpose: text("purpose", { enum: ["verify_email", "reset_password"] }).notNull(),
    codeHash: text("code_hash").notNull(),
    attempts: integer("attempts").notNull().default(0),
    expiresAt: integer("expires_at").notNull(),
    sentAt: integer("sent_at").notNull(),
  },
  (t) => [uniqueIndex("one_time_codes_purpose").on(t.tenantId, t.purpose)],
);

/** Wrong passwords against one name (a keyed hash of it), whether or not anybody has that name. */
export const passwordTries = sqliteTable(
  "password_tries",
  {
    key: text("key").primaryKey(),
    failures: integer("failures").notNull(),
    lockedUntil: integer("locked_until").notNull(),
    updatedAt: integer("updated_at").notNull(),
  },
  (t) => [index("password_tries_age").on(t.updatedAt)],
);

/** The key that opens a person's encrypted Matrix history, sealed for that person. */
export const recoveryKeys = sqliteTable("recovery_keys", {
  tenantId: integer("tenant_id").primaryKey(),
  sealedKey: text("sealed_key").notNull(),
  deviceId: text("device_id").notNull(),
  createdAt: integer("created_at").notNull(),
  updatedAt: integer("updated_at").notNull(),
  version: integer("version").notNull().default(1),
});

/** Who a person is at an outside issuer. */
export const externalIdentities = sqliteTable(
  "external_identities",
  {
    issuer: text("issuer").notNull(),
    subject: text("subject").notNull(),
    tenantId: integer("tenant_id").notNull(),
    createdAt: integer("created_at").notNull(),
  },
  (t) => [primaryKey({ columns: [t.issuer, t.subject] }), index("external_identities_tenant").on(t.tenantId)],
);

/** A signed-in device. Its refresh token (hashed here) does not rotate and dies with it. */
export const sessions = sqliteTable(
  "sessions",
  {
    id: integer("id").primaryKey({ autoIncrement: true }),
    tenantId: integer("tenant_id").notNull(),
    refreshHash: text("refresh_hash").notNull(),
    deviceName: text("device_name"),
    platform: text("platform"),
    ipAddress: text("ip_address"),
    userAgent: text("user_agent"),
    createdAt: integer("created_at").notNull(),
    lastSeenAt: integer("last_seen_at").notNull(),
    expiresAt: integer("expires_at").notNull(),
    revokedAt: integer("revoked_at"),
  },
  (t) => [uniqueIndex("sessions_refresh").on(t.refreshHash), index("sessions_tenant").on(t.tenantId, t.revokedAt), index("sessions_created").on(t.createdAt)],
);

/** A CLI waiting for its browser. `code` is the S256 challenge (or the one that `start` answered). */
export const cliLogins = sqliteTable(
  "cli_logins",
  {
    code: text("code").primaryKey(),
    /** True when the CLI called start: only then may a poll come without a verifier. */
    started: integer("started", { mode: "boolean" }).notNull(),
    tenantId: integer("tenant_id"),
    /** The CLI token for the poll to pick up, sealed; dropped after the pick-up window. */
    sealedToken: text("sealed_token"),
    completedAt: integer("completed_at"),
    firstPolledAt: integer("first_polled_at"),
    createdAt: integer("created_at").notNull(),
    expiresAt: integer("expires_at").notNull(),
  },
  (t) => [index("cli_logins_expiry").on(t.expiresAt)],
);

/** Tokens of CLIs and daemons. The plaintext is self-verifying (kernel/auth/cli-token); only its hash is stored. */
export const cliTokens = sqliteTable(
  "cli_tokens",
  {
    id: text("id").primaryKey(),
    tenantId: integer("tenant_id").notNull(),
    name: text("name").notNull(),
    tokenHash: text("token_hash").notNull(),
    tokenPrefix: text("token_prefix").notNull(),
    /** The key of TOKEN_KEYS that signed it; null for tokens from before this was kept. */
    keyId: text("key_id"),
    scopes: text("scopes", { mode: "json" }).$type<string[]>().notNull(),
    /** Lifetime in ms for rotation to repeat; null when it never expires. */
    lifetimeMs: integer("lifetime_ms"),
    expiresAt: integer("expires_at"),
    revokedAt: integer("revoked_at"),
    boundInstanceId: text("bound_instance_id"),
    boundAt: integer("bound_at"),
    lastUsedAt: integer("last_used_at"),
    lastUsedIp: text("last_used_ip"),
    useCount: integer("use_count").notNull().default(0),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
    version: integer("version").notNull().default(1),
  },
  (t) => [
    index("cli_tokens_tenant").on(t.tenantId, t.createdAt),
    uniqueIndex("cli_tokens_name").on(t.tenantId, t.name).where(sql`revoked_at IS NULL`),
    index("cli_tokens_bound").on(t.tenantId, t.boundInstanceId),
  ],
);

export const cliTokenEvents = sqliteTable(
  "cli_token_events",
  {
    id: integer("id").primaryKey({ autoIncrement: true }),
    tenantId: integer("tenant_id").notNull(),
    tokenId: text("token_id").notNull(),
    eventType: text("event_type", { enum: ["minted", "used", "bound", "unbound", "rotated", "revoked", "denied"] }).notNull(),
    eventDetail: text("event_detail", { mode: "json" }).$type<Record<string, unknown>>().notNull(),
    sourceIp: text("source_ip"),
    userAgent: text("user_agent"),
    instanceId: text("instance_id"),
    occurredAt: integer("occurred_at").notNull(),
  },
  (t) => [index("cli_token_events_token").on(t.tokenId, t.occurredAt)],
);
