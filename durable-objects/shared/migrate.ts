/** One step of an object's schema. Append only: an applied step never changes or disappears. */
export interface ObjectMigration {
  /** Unique and ordered, for example `0001_tables`. */
  readonly id: string;
  readonly sql: string;
}

/** Whether this object holds tables of ours; asking creates none. */
export function hasTables(sql: SqlStorage): boolean {
  return sql.exec("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'object_migrations'").toArray().length > 0;
}

/**
 * Brings the object's schema up to date inside one transaction.
 * @throws Error when an applied step is missing from the list or stands elsewhere in it: the list was edited.
 */
export function migrateObject(storage: DurableObjectStorage, migrations: readonly ObjectMigration[]): void {
  const { sql } = storage;
  const applied = hasTables(sql) ? sql.exec<{ id: string }>("SELECT id FROM object_migrations ORDER BY rowid").toArray().map((row) => row.id) : [];
  for (const [index, id] of applied.entries()) {
    if (migrations[index]?.id !== id) throw new Error(`object migration ${id} was applied as number ${index + 1}, the list has ${migrations[index]?.id ?? "nothing"} there`);
  }
  if (applied.length === migrations.length) return;
  storage.transactionSync(() => {
    sql.exec("CREATE TABLE IF NOT EXISTS object_migrations (id TEXT PRIMARY KEY)");
    for (const migration of migrations.slice(applied.length)) {
      sql.exec(migration.sql);
      sql.exec("INSERT INTO object_migrations (id) VALUES (?)", migration.id);
    }
  });
}
