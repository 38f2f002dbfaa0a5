import { sql } from "drizzle-orm";
import { check, index, integer, primaryKey, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";

/** Times are integers: milliseconds since the epoch. */
const createdAt = () => integer("created_at").notNull();

/** One row that a missed compare-and-set update turns into a violated CHECK, which aborts its batch (see kernel/db). */
export const writeGuards = sqliteTable("write_guards", { id: integer("id").primaryKey(), ok: integer("ok").notNull() }, () => [check("write_guards_ok", sql`ok = 1`)]);

/** Who changed what. Written in the same batch as the change; never updated. */
export const auditLog = sqliteTable(
  "audit_log",
  {
    id: integer("id").primaryKey({ autoIncrement: true }),
    tenantId: integer("tenant_id"),
    action: text("action").notNull(),
    /** What the action is about: its part before the dot. */
    noun: text("noun").generatedAlwaysAs(sql`substr(action, 1, instr(action, '.') - 1)`, { mode: "virtual" }),
    actorType: text("actor_type").notNull(),
    actorId: text("actor_id"),
    subjectType: text("subject_type"),
    subjectId: text("subject_id"),
    detail: text("detail", { mode: "json" }).$type<Record<string, unknown>>().notNull(),
    requestId: text("request_id").notNull(),
    ip: text("ip"),
    userAgent: text("user_agent"),
    createdAt: createdAt(),
    /** Null for the fleet's; other families' trails are their realm's. */
    realm: text("realm"),
    /** What rows of a realm are filtered by: the name that they concern. */
    scope: text("scope"),
    /** Key of an act that was reported by an object, so that it is written down once. */
    source: text("source"),
  },
  (t) => [
    index("audit_log_realm").on(t.realm, t.createdAt, t.id).where(sql`realm IS NOT NULL`),
    index("audit_log_scope").on(t.realm, t.scope, t.createdAt, t.id).where(sql`realm IS NOT NULL`),
    uniqueIndex("audit_log_source").on(t.source),
    index("audit_log_tenant").on(t.tenantId, t.createdAt),
    index("audit_log_subject").on(t.subjectType, t.subjectId, t.createdAt),
    index("audit_log_time").on(t.createdAt),
    index("audit_log_actor").on(t.actorId, t.createdAt),
    index("audit_log_noun").on(t.noun, t.createdAt),
    index("audit_log_action").on(t.action, t.createdAt),
  ],
);

/** Effects that must happen after a commit. `due_at` moves into the future while one is leased or backing off. */
export const outbox = sqliteTable(
  "outbox",
  {
    id: text("id").primaryKey(),
    type: text("type").notNull(),
    payload: text("payload").notNull(),
    dueAt: integer("due_at").notNull(),
    attempts: integer("attempts").notNull().default(0),
    lastError: text("last_error"),
    parkedAt: integer("parked_at"),
    createdAt: createdAt(),
  },
  (t) => [index("outbox_due").on(t.parkedAt, t.dueAt)],
);

/** A request that may be repeated: its fingerprint and, once finished, its sealed answer. */
export const idempotencyKeys = sqliteTable(
  "idempotency_keys",
  {
    scope: text("scope").notNull(),
    key: text("key").notNull(),
    requestHash: text("request_hash").notNull(),
    status: integer("status"),
    sealedBody: text("sealed_body"),
    createdAt: createdAt(),
    expiresAt: integer("expires_at").notNull(),
  },
  (t) => [primaryKey({ columns: [t.scope, t.key] }), index("idempotency_keys_expiry").on(t.expiresAt)],
);

/** Queue messages already handled, so that a second delivery is a no-op. */
export const processedMessages = sqliteTable(
  "processed_messages",
  {
    id: text("id").primaryKey(),
    handledAt: integer("handled_at").notNull(),
    /** From when it was to be handled to when it was. */
    lateMs: integer("late_ms"),
  },
  (t) => [index("processed_messages_age").on(t.handledAt)],
);

/** Messages that no handler could digest, kept for people. */
export const deadLetters = sqliteTable(
  "dead_letters",
  {
    id: text("id").primaryKey(),
    type: text("type").notNull(),
    payload: text("payload").notNull(),
    reason: text("reason").notNull(),
    createdAt: createdAt(),
  },
  (t) => [index("dead_letters_time").on(t.createdAt, t.id), index("dead_letters_type").on(t.type, t.createdAt, t.id)],
);

/** Claims of cron ticks, the same (job, time) runs once, and how each ended. `created_at` is when it started. */
export const cronRuns = sqliteTable(
  "cron_runs",
  {
    job: text("job").notNull(),
    scheduledAt: integer("scheduled_at").notNull(),
    createdAt: createdAt(),
    /** Null while it runs, and for ever when its isolate died. */
    endedAt: integer("ended_at"),
    outcome: text("outcome", { enum: ["ok", "failed"] }),
    error: text("error"),
  },
  (t) => [primaryKey({ columns: [t.job, t.scheduledAt] }), index("cron_runs_failed").on(t.scheduledAt, t.job).where(sql`outcome = 'failed'`)],
);

/** Switches of the product. Without a row a gate is open. */
export const featureGates = sqliteTable("feature_gates", {
  key: text("key").primaryKey(),
  enabled: integer("enabled", { mode: "boolean" }).notNull(),
  /** Of the accounts that are not named, 0 to 100. */
  percentage: integer("percentage").notNull(),
  /** Ids of accounts for which it is open whatever the rest says. */
  allowedAccounts: text("allowed_accounts", { mode: "json" }).$type<readonly number[]>().notNull(),
  note: text("note"),
  createdAt: createdAt(),
  updatedAt: integer("updated_at").notNull(),
  version: integer("version").notNull().default(1),
});

/** Walks through everything sealed that seal it anew under the newest key. One runs at a time. */
export const resealRuns = sqliteTable(
  "reseal_runs",
  {
    id: text("id").primaryKey(),
    /** The key that everything is sealed under afterwards. */
    keyId: text("key_id").notNull(),
    state: text("state", { enum: ["running", "completed", "incomplete"] }).notNull(),
    /** A walk is repeated while values under other keys are left: somebody may write one behind it. */
    pass: integer("pass").notNull().default(1),
    /** Where it is: a sealed column, and the last row of its table that was seen. */
    columnName: text("column_name"),
    afterRowid: integer("after_rowid").notNull().default(0),
    /** Of all passes. */
    seen: integer("seen").notNull().default(0),
    resealed: integer("resealed").notNull().default(0),
    /** Of this pass: values that open with no key of the ring. */
    unreadable: integer("unreadable").notNull().default(0),
    /** Values under other keys when it ended. */
    leftOver: integer("left_over"),
    startedBy: integer("started_by"),
    createdAt: createdAt(),
    updatedAt: integer("updated_at").notNull(),
    endedAt: integer("ended_at"),
    version: integer("version").notNull().default(1),
  },
  (t) => [uniqueIndex("reseal_runs_running").on(t.state).where(sql`state = 'running'`), index("reseal_runs_time").on(t.createdAt, t.id)],
);

/** Keys of `TOKEN_KEYS` that are on the ring and not the newest: since when that was seen. An hourly tick keeps it. */
export const idleTokenKeys = sqliteTable("idle_token_keys", { keyId: text("key_id").primaryKey(), since: integer("since").notNull() });

/** Mail of the local environment, read at /dev/mailbox. */
export const mailbox = sqliteTable(
  "mailbox",
  {
    id: text("id").primaryKey(),
    recipient: text("recipient").notNull(),
    subject: text("subject").notNull(),
    text: text("text").notNull(),
    html: text("html").notNull(),
    sentAt: integer("sent_at").notNull(),
  },
  (t) => [index("mailbox_recipient").on(t.recipient, t.sentAt)],
);
