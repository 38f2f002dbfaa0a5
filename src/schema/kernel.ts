import { sql } from "drizzle-orm";
import { check, index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

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
    actorType: text("actor_type").notNull(),
    actorId: text("actor_id"),
    subjectType: text("subject_type"),
    subjectId: text("subject_id"),
    detail: text("detail", { mode: "json" }).$type<Record<string, unknown>>().notNull(),
    requestId: text("request_id").notNull(),
    ip: text("ip"),
    userAgent: text("user_agent"),
    createdAt: createdAt(),
  },
  (t) => [index("audit_log_tenant").on(t.tenantId, t.createdAt), index("audit_log_subject").on(t.subjectType, t.subjectId, t.createdAt)],
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
  { id: text("id").primaryKey(), handledAt: integer("handled_at").notNull() },
  (t) => [index("processed_messages_age").on(t.handledAt)],
);

/** Messages that no handler could digest, kept for people. */
export const deadLetters = sqliteTable("dead_letters", {
  id: text("id").primaryKey(),
  type: text("type").notNull(),
  payload: text("payload").notNull(),
  reason: text("reason").notNull(),
  createdAt: createdAt(),
});

/** Claims of cron ticks: the same (job, time) runs once. */
export const cronRuns = sqliteTable(
  "cron_runs",
  { job: text("job").notNull(), scheduledAt: integer("scheduled_at").notNull(), createdAt: createdAt() },
  (t) => [primaryKey({ columns: [t.job, t.scheduledAt] })],
);

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
