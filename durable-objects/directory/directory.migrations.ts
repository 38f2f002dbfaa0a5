import type { ObjectMigration } from "../shared/migrate";

/** Tables of DirectoryDO. Append only. */
export const directoryMigrations: readonly ObjectMigration[] = [
  {
    id: "0001_names",
    sql: `
      CREATE TABLE names (name TEXT PRIMARY KEY, state TEXT NOT NULL, revision INTEGER NOT NULL, reserved_at INTEGER NOT NULL) WITHOUT ROWID;
    `,
  },
];
