/** Rows into a local D1, many to a statement: all of them travel as one JSON parameter. */

/** @typedef {import("../migrations.mjs").D1Database} D1Database */
/** What a column takes. JSON columns take their text; true and false are 1 and 0. @typedef {string | number | null} Value */
/** @typedef {{ table: string, columns: readonly string[], rows: Iterable<readonly Value[]> }} TableOfRows */

const MAX_ROWS = 2_000;
/** Below D1's limit of a value, 2 MB. */
const MAX_CHARS = 900_000;

/**
 * Inserts all rows of a table; the next statement's rows are made while the database is at work.
 * @param {D1Database} db
 * @param {TableOfRows} source
 * @param {(done: number) => void} [progress] called after each statement
 * @returns {Promise<number>} rows
 */
export async function insertRows(db, { table, columns, rows }, progress = () => undefined) {
  const values = columns.map((_, index) => `value->>${index}`).join(", ");
  const statement = db.prepare(`INSERT INTO ${table} (${columns.join(", ")}) SELECT ${values} FROM json_each(?)`);
  let done = 0;
  /** @type {Promise<unknown>} */
  let running = Promise.resolve();
  for (const { text, count } of chunks(rows, table, columns.length)) {
    await running;
    progress(done);
    running = statement.bind(text).run();
    // Waited for above or below; until then nobody else looks.
    running.catch(() => undefined);
    done += count;
  }
  await running;
  return done;
}

/** @param {Iterable<readonly Value[]>} rows @param {string} table @param {number} width */
function* chunks(rows, table, width) {
  /** @type {string[]} */
  let texts = [];
  let chars = 0;
  for (const row of rows) {
    if (row.length !== width) throw new Error(`${table}: a row has ${row.length} values for ${width} columns`);
    const text = JSON.stringify(row);
    texts.push(text);
    chars += text.length + 1;
    if (texts.length < MAX_ROWS && chars < MAX_CHARS) continue;
    yield { text: `[${texts.join(",")}]`, count: texts.length };
    texts = [];
    chars = 0;
  }
  if (texts.length > 0) yield { text: `[${texts.join(",")}]`, count: texts.length };
}
