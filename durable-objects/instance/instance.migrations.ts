import type { ObjectMigration } from "../shared/migrate";

/** Tables of InstanceDO, keyed by machine so that one object could carry several. Append only. */
export const instanceMigrations: readonly ObjectMigration[] = [
  {
    id: "0001_machines",
    sql: `
      CREATE TABLE machines (
        id INTEGER PRIMARY KEY,
        user_id INTEGER NOT NULL,
        instance_id TEXT NOT NULL,
        registration TEXT NOT NULL,
        state TEXT NOT NULL,
        live TEXT NOT NULL,
        samples TEXT NOT NULL,
        flushed_at INTEGER NOT NULL,
        unannounced INTEGER NOT NULL DEFAULT 0,
        projected_online INTEGER,
        registered_at INTEGER NOT NULL,
        UNIQUE (user_id, instance_id)
      );
      CREATE TABLE commands (
        id TEXT PRIMARY KEY,
        machine_id INTEGER NOT NULL,
        event_seq INTEGER NOT NULL,
        type TEXT NOT NULL,
        payload TEXT,
        state TEXT NOT NULL,
        result TEXT,
        late INTEGER NOT NULL DEFAULT 0,
        idempotency_key TEXT,
        created_at INTEGER NOT NULL,
        delivered_at INTEGER,
        acknowledged_at INTEGER,
        completed_at INTEGER,
        expires_at INTEGER NOT NULL
      ) WITHOUT ROWID;
      CREATE INDEX commands_machine ON commands (machine_id, created_at);
      CREATE TABLE events (seq INTEGER PRIMARY KEY, subject INTEGER NOT NULL, data TEXT NOT NULL, at INTEGER NOT NULL);
      CREATE TABLE history (seq INTEGER PRIMARY KEY, machine_id INTEGER NOT NULL, type TEXT NOT NULL, data TEXT NOT NULL, at INTEGER NOT NULL);
      CREATE TABLE tokens (machine_id INTEGER NOT NULL, token_id TEXT NOT NULL, cut TEXT, PRIMARY KEY (machine_id, token_id)) WITHOUT ROWID;
      CREATE TABLE alarms (subject INTEGER NOT NULL, reason TEXT NOT NULL, due_at INTEGER NOT NULL, PRIMARY KEY (subject, reason)) WITHOUT ROWID;
    `,
  },
  {
    id: "0002_provisioning",
    sql: "ALTER TABLE machines ADD COLUMN provisioning TEXT",
  },
  {
    id: "0003_governance",
    sql: "CREATE TABLE governance (machine_id INTEGER PRIMARY KEY, contract TEXT NOT NULL, reports TEXT NOT NULL)",
  },
];
