import { sql, type SQL } from "drizzle-orm";
import type { SQLiteColumn } from "drizzle-orm/sqlite-core";
import { fromBase64Url, fromUtf8, toBase64Url, utf8 } from "../crypto/bytes";
import { invalidField } from "../errors/app-error";

/**
 * Where a page ends, for lists that go on after a row instead of counting rows: nothing is skipped and nothing comes twice, whatever is written
 * meanwhile. Opaque to callers.
 */
export interface Cursor {
  /** What the list is sorted by, as a number (a time in ms). */
  readonly at: number;
  /** What decides among equals; unique. */
  readonly id: string;
}

export const writeCursor = ({ at, id }: Cursor): string => toBase64Url(utf8(JSON.stringify([at, id])));

/** @throws AppError VALIDATION_ERROR for what {@link writeCursor} never wrote */
export function readCursor(text: string): Cursor {
  try {
    const [at, id] = JSON.parse(fromUtf8(fromBase64Url(text) ?? new Uint8Array())) as unknown[];
    if (typeof at === "number" && Number.isSafeInteger(at) && typeof id === "string") return { at, id };
  } catch {
    // Refused below.
  }
  throw invalidField(["query", "cursor"], "Not a cursor of this list");
}

/** A page of `limit` out of rows that were asked for one more than that, and where the next begins (null: nowhere). */
export function pageOf<T>(rows: readonly T[], limit: number, cursorOf: (row: T) => Cursor): { readonly page: readonly T[]; readonly nextCursor: string | null } {
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return { page, nextCursor: rows.length > limit && last !== undefined ? writeCursor(cursorOf(last)) : null };
}

/**
 * Condition for rows behind a cursor in a list that is sorted newest first by (`at`, `id`). Its first part bounds the walk along an index of `at`;
 * the second cuts among rows of the same moment.
 */
export const behind = (at: SQLiteColumn, id: SQLiteColumn, cursor: Cursor | null): SQL | undefined =>
  cursor ? sql`(${at} <= ${cursor.at} AND (${at} < ${cursor.at} OR ${id} < ${idOf(id, cursor)}))` : undefined;

const idOf = (id: SQLiteColumn, cursor: Cursor): number | string => (id.dataType === "number" ? Number(cursor.id) : cursor.id);
