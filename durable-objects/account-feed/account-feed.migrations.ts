import type { ObjectMigration } from "../shared/migrate";

/** Tables of AccountFeedDO. Append only. */
export const accountFeedMigrations: readonly ObjectMigration[] = [
  {
    id: "0001_machines",
    sql: `
      CREATE TABLE machines (instance_id TEXT PRIMARY KEY, seq INTEGER NOT NULL, summary TEXT NOT NULL) WITHOUT ROWID;
      CREATE TABLE dashboard_events (seq INTEGER PRIMARY KEY, subject INTEGER NOT NULL, data TEXT NOT NULL, at INTEGER NOT NULL);
      CREATE TABLE machine_events (seq INTEGER PRIMARY KEY, subject INTEGER NOT NULL, data TEXT NOT NULL, at INTEGER NOT NULL);
    `,
  },
  {
    id: "0002_unpaired_bots",
    sql: "CREATE TABLE unpaired_bots (id INTEGER PRIMARY KEY, count INTEGER NOT NULL)",
  },
];
