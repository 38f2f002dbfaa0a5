import { sql, type SQL } from "drizzle-orm";

/** Sorts after every text that begins the same. */
const LAST = "\u{10FFFF}";

/** Whether `column` begins with `text`, as a range that an index on it answers. `LIKE` would read every row. */
export const startsWith = (column: SQL, text: string): SQL => sql`(${column} >= ${text} AND ${column} < ${text + LAST})`;

/** The same whatever the case of ASCII letters, for an index on `lower(column)`. */
export const startsWithAnyCase = (column: SQL, text: string): SQL => sql`(lower(${column}) >= lower(${text}) AND lower(${column}) < lower(${text}) || ${LAST})`;
