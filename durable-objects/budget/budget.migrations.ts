import type { ObjectMigration } from "../shared/migrate";
import { OUTBOX_SQL } from "../shared/object-outbox";

/** Tables of BudgetDO; amounts are whole micro-USD, times ms. Append only. */
export const budgetMigrations: readonly ObjectMigration[] = [
  {
    id: "0001_ledger",
    sql: `
      CREATE TABLE limits (account TEXT PRIMARY KEY, micros INTEGER) WITHOUT ROWID;
      CREATE TABLE balances (
        account TEXT NOT NULL, period TEXT NOT NULL, spent INTEGER NOT NULL, reserved INTEGER NOT NULL CHECK (reserved >= 0), alert TEXT NOT NULL,
        PRIMARY KEY (account, period)
      ) WITHOUT ROWID;
      CREATE TABLE reservations (
        seq INTEGER PRIMARY KEY, owner TEXT NOT NULL, id TEXT NOT NULL, period TEXT NOT NULL, amount INTEGER NOT NULL, accounts TEXT NOT NULL, status TEXT NOT NULL,
        tenant TEXT, user_id TEXT, model TEXT, created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, closed_at INTEGER,
        cost INTEGER, used_model TEXT, input_tokens INTEGER, output_tokens INTEGER, report_due_at INTEGER
      );
      CREATE UNIQUE INDEX reservations_id ON reservations (owner, id);
      CREATE INDEX reservations_open ON reservations (expires_at) WHERE status = 'open';
      CREATE INDEX reservations_unreported ON reservations (report_due_at) WHERE report_due_at IS NOT NULL;
      CREATE TABLE models (
        account TEXT NOT NULL, period TEXT NOT NULL, model TEXT NOT NULL, cost INTEGER NOT NULL, requests INTEGER NOT NULL,
        PRIMARY KEY (account, period, model)
      ) WITHOUT ROWID;
      CREATE TABLE changes (id INTEGER PRIMARY KEY CHECK (id = 0), revision INTEGER NOT NULL);
      INSERT INTO changes (id, revision) VALUES (0, 0);
      ${OUTBOX_SQL}`,
  },
];
