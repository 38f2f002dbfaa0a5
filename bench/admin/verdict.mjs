/** What a list may cost, and whether it does. Pure: no I/O. */

/** Round trips to D1, beside the one by which every request looks whether its sender may still ask. */
export const MAX_QUERIES = 2;
/** Rows read for every row shown; of an answer without rows, in all. */
export const MAX_READ_PER_ROW = 200;

/** What a list asked of D1, without the look at who asks. @typedef {{ queries: number, statements: number, rowsRead: number, sqlMs: number }} Cost */

/**
 * Reads what a tallied answer says, `calls=2; statements=3; rows_read=120; sql_ms=0.4`.
 * @param {string | null} header @returns {Cost}
 * @throws when it says nothing
 */
export function readTally(header) {
  const fields = new Map((header ?? "").split(";").map((part) => /** @type {[string, string]} */ (part.trim().split("="))));
  const read = (/** @type {string} */ name) => {
    const value = Number(fields.get(name) ?? Number.NaN);
    if (!Number.isFinite(value)) throw new Error(`the answer does not say its ${name}: "${header}". Is D1_TALLY on?`);
    return value;
  };
  return { queries: read("calls") - 1, statements: read("statements") - 1, rowsRead: read("rows_read") - 1, sqlMs: read("sql_ms") };
}

/** Rows that an answer shows: those of its lists. @param {unknown} body */
export function countShown(body) {
  if (Array.isArray(body)) return body.length;
  if (body === null || typeof body !== "object") return 0;
  return Object.values(body).reduce((sum, value) => sum + (Array.isArray(value) ? value.length : 0), 0);
}

/** Rows read for every row shown. @param {number} rowsRead @param {number} shown */
export const readPerRow = (rowsRead, shown) => rowsRead / Math.max(1, shown);

/** What breaks the bar; empty when nothing does. @param {Pick<Cost, "queries" | "rowsRead">} cost @param {number} shown @returns {string[]} */
export function faultsOf({ queries, rowsRead }, shown) {
  return [
    ...(queries > MAX_QUERIES ? [`${queries} queries`] : []),
    ...(readPerRow(rowsRead, shown) > MAX_READ_PER_ROW ? [shown === 0 ? `${rowsRead} rows read for nothing` : `${Math.round(readPerRow(rowsRead, shown))} rows read per row`] : []),
  ];
}
