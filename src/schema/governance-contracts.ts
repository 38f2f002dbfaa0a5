import { sql } from "drizzle-orm";
import { index, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

/**
 * `tenant_born` names the life of the tenant that took the thing on: one that was deleted and made anew under the same name does not
 * inherit it. `instance_row` is the machine's row id, which no later machine of the same name has.
 */
const owning = () => ({
  tenant: text("tenant").notNull(),
  tenantBorn: integer("tenant_born").notNull(),
  /** The account whose machine or bot it is. */
  userId: integer("user_id").notNull(),
  /** The account's address when the tenant took it on. */
  ownerEmail: text("owner_email").notNull(),
  createdAt: integer("created_at").notNull(),
  updatedAt: integer("updated_at").notNull(),
});

/** Machines of the fleet that a tenant governs; each has at most one tenant. */
export const governanceTenantMachines = sqliteTable(
  "governance_tenant_machines",
  {
    instanceRow: integer("instance_row").primaryKey(),
    instanceId: text("instance_id").notNull(),
    ...owning(),
  },
  (t) => [index("governance_tenant_machines_tenant").on(t.tenant, t.instanceId)],
);

/** Bots that a tenant owns whatever machine they live on. */
export const governanceTenantBots = sqliteTable(
  "governance_tenant_bots",
  {
    botId: text("bot_id").primaryKey(),
    ...owning(),
  },
  (t) => [index("governance_tenant_bots_tenant").on(t.tenant, t.botId)],
);

/** The contract that each machine should have. What its object has of it is `delivered_revision`. Stays after a release, so that revisions go on. */
export const governanceMachineContracts = sqliteTable(
  "governance_machine_contracts",
  {
    instanceRow: integer("instance_row").primaryKey(),
    instanceId: text("instance_id").notNull(),
    userId: integer("user_id").notNull(),
    tenant: text("tenant").notNull(),
    revision: integer("revision").notNull(),
    contractId: text("contract_id").notNull(),
    /** SHA-256 of what the contract says, without its revision and times. */
    contentHash: text("content_hash").notNull(),
    /** Signed with this key; another key in force calls for another signature. */
    signingKid: text("signing_kid").notNull(),
    suspended: integer("suspended", { mode: "boolean" }).notNull(),
    released: integer("released", { mode: "boolean" }).notNull(),
    /** Compact JWS. */
    jws: text("jws").notNull(),
    deliveredRevision: integer("delivered_revision").notNull(),
    /** When its delivery was last tried, ms. */
    triedAt: integer("tried_at").notNull(),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
  },
  (t) => [
    index("governance_machine_contracts_tenant").on(t.tenant, t.instanceRow),
    index("governance_machine_contracts_undelivered").on(t.triedAt).where(sql`delivered_revision < revision`),
    index("governance_machine_contracts_key").on(t.signingKid),
  ],
);
