/** What one request asked of D1. */
export interface Tally {
  /** Network round trips: a batch is one. */
  calls: number;
  statements: number;
  /** As D1 bills them. */
  rowsRead: number;
  /** Within the database, ms. */
  sqlMs: number;
}

const READ = /^\s*(?:select|with)\b/i;

/**
 * A database that counts what is asked of it. For benchmarks: D1 does not say what a query cost when only its values are wanted, so such a
 * query is asked twice here, and counted once.
 */
export function countReads(db: D1Database): { readonly db: D1Database; readonly tally: Tally } {
  const tally: Tally = { calls: 0, statements: 0, rowsRead: 0, sqlMs: 0 };
  const inner = new WeakMap<D1PreparedStatement, D1PreparedStatement>();

  const add = <T extends D1Result>(results: readonly T[]): void => {
    tally.calls++;
    tally.statements += results.length;
    for (const { meta } of results) {
      tally.rowsRead += meta.rows_read ?? 0;
      tally.sqlMs += meta.duration ?? 0;
    }
  };

  const wrap = (statement: D1PreparedStatement, text: string): D1PreparedStatement => {
    const counted: Record<string, (...args: never[]) => unknown> = {
      bind: (...values: unknown[]) => wrap(statement.bind(...values), text),
      all: async () => counting(await statement.all()),
      run: async () => counting(await statement.run()),
      first: async (column?: string) => {
        const row = counting(await statement.all<Record<string, unknown>>()).results[0] ?? null;
        return column === undefined ? row : (row?.[column] ?? null);
      },
      raw: async () => {
        const values = await statement.raw();
        if (READ.test(text)) add([await statement.all()]);
        else tally.calls++;
        return values;
      },
    };
    const proxy = new Proxy(statement, { get: (target, name) => counted[String(name)] ?? Reflect.get(target, name, target) });
    inner.set(proxy, statement);
    return proxy;
  };
  const counting = <T extends D1Result>(result: T): T => {
    add([result]);
    return result;
  };

  const counted: Record<string, (...args: never[]) => unknown> = {
    prepare: (text: string) => wrap(db.prepare(text), text),
    batch: async (statements: D1PreparedStatement[]) => {
      const results = await db.batch(statements.map((statement) => inner.get(statement) ?? statement));
      add(results);
      return results;
    },
  };
  return { db: new Proxy(db, { get: (target, name) => counted[String(name)] ?? Reflect.get(target, name, target) }), tally };
}

/** Whoever sends it asks for the tally, and finds it under the same name. */
const TALLY_HEADER = "x-d1-tally";

/** Answers by `work`, and says in a header what that asked of the database until the answer was there. */
export async function answerTallied<E extends { readonly DB: D1Database }>(env: E, work: (env: E) => Promise<Response>): Promise<Response> {
  const { db, tally } = countReads(env.DB);
  // Everything else of the environment shines through.
  const response = await work(Object.create(env, { DB: { value: db }, D1_TALLY: { value: undefined } }) as E);
  if (response.webSocket) return response;
  const stamped = new Response(response.body, response);
  stamped.headers.set(TALLY_HEADER, `calls=${tally.calls}; statements=${tally.statements}; rows_read=${tally.rowsRead}; sql_ms=${tally.sqlMs}`);
  return stamped;
}
