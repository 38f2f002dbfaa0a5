/** SQL that counts the rows it writes: Cloudflare bills them, and the hot path's budget is asserted on this number. */
export class CountedSql {
  rowsWritten = 0;
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Runs to the end and answers all rows. */
  all<T extends Record<string, SqlStorageValue>>(query: string, ...bindings: SqlStorageValue[]): T[] {
    const cursor = this.#sql.exec<T>(query, ...bindings);
    const rows = cursor.toArray();
    this.rowsWritten += cursor.rowsWritten;
    return rows;
  }

  run(query: string, ...bindings: SqlStorageValue[]): void {
    this.all(query, ...bindings);
  }

  /** The only row. @throws Error when there is none */
  one<T extends Record<string, SqlStorageValue>>(query: string, ...bindings: SqlStorageValue[]): T {
    const [row] = this.all<T>(query, ...bindings);
    if (!row) throw new Error("a query that must answer a row answered none");
    return row;
  }
}
