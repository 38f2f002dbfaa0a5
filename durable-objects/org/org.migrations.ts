import type { ObjectMigration } from "../shared/migrate";
import { OUTBOX_SQL } from "../shared/object-outbox";

/** Tables of OrgDO. Append only. */
export const orgMigrations: readonly ObjectMigration[] = [
  {
    id: "0001_org",
    sql: `
      ${OUTBOX_SQL}
      CREATE TABLE head (id INTEGER PRIMARY KEY CHECK (id = 1), revision INTEGER NOT NULL);
      INSERT INTO head (id, revision) VALUES (1, 0);
      CREATE TABLE policies (name TEXT PRIMARY KEY, policy TEXT NOT NULL) WITHOUT ROWID;
      CREATE TABLE rollout (id INTEGER PRIMARY KEY CHECK (id = 1), rollout TEXT NOT NULL);
    `,
  },
];
