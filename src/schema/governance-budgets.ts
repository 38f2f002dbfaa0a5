import { sql } from "drizzle-orm";
import { index, integer, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";

/** Keys of model providers, sealed; one of each. */
export const governanceProviderKeys = sqliteTable("governance_provider_keys", {
  provider: text("provider", { enum: ["openai", "claude"] }).primaryKey(),
  sealedKey: text("sealed_key").notNull(),
  createdAt: integer("created_at").notNull(),
  updatedAt: integer("updated_at").notNull(),
  version: integer("version").notNull().default(1),
});

/** Keys with which a tenant's agents call models: only their hashes. At most one of a tenant lives. */
export const governanceModelKeys = sqliteTable(
  "governance_model_keys",
  {
    id: text("id").primaryKey(),
    tenant: text("tenant").notNull(),
    /** Which life of the tenant's name: one that comes after a deletion has no key of the one before. */
    tenantBornRevision: integer("tenant_born_revision").notNull(),
    /** SHA-256 of the whole key, hexadecimal. */
    keyHash: text("key_hash").notNull(),
    issuedAt: integer("issued_at").notNull(),
    revokedAt: integer("revoked_at"),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
  },
  (t) => [
    uniqueIndex("governance_model_keys_hash").on(t.keyHash),
    uniqueIndex("governance_model_keys_living").on(t.tenant).where(sql`revoked_at IS NULL`),
    index("governance_model_keys_tenant").on(t.tenant, t.issuedAt),
  ],
);

/** Settled model calls as the ledger told them; it is the source, these are for reports. */
export const governanceTokenUsage = sqliteTable(
  "governance_token_usage",
  {
    /** The ledger's name of the call: a repeat is the same row. */
    id: text("id").primaryKey(),
    tenant: text("tenant"),
    userId: text("user_id"),
    model: text("model").notNull(),
    inputTokens: integer("input_tokens").notNull(),
    outputTokens: integer("output_tokens").notNull(),
    costMicros: integer("cost_micros").notNull(),
    recordedAt: integer("recorded_at").notNull(),
    createdAt: integer("created_at").notNull(),
  },
  (t) => [index("governance_token_usage_time").on(t.recordedAt, t.id), index("governance_token_usage_tenant").on(t.tenant, t.recordedAt, t.id)],
);
