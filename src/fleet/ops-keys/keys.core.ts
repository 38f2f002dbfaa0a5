import { DAY_MS } from "../../kernel/clock";

/** Where a walk through all sealed columns is. */
export interface Place {
  /** Null: before the first. */
  readonly columnName: string | null;
  readonly afterRowid: number;
}

/**
 * Where the walk goes on after one portion of a column's rows; null when that was the last row of the last column. A column that is not known any
 * more begins the walk anew: better twice than never.
 * @param full whether the portion was as large as asked for, so that there may be more
 */
export function nextPlace(columns: readonly string[], at: Place, lastRowid: number | null, full: boolean): Place | null {
  const index = at.columnName === null ? 0 : columns.indexOf(at.columnName);
  const name = columns[index];
  if (name === undefined) return { columnName: columns[0] ?? null, afterRowid: 0 };
  if (full && lastRowid !== null) return { columnName: name, afterRowid: lastRowid };
  const next = columns[index + 1];
  return next === undefined ? null : { columnName: next, afterRowid: 0 };
}

const MAX_PASSES = 5;

/**
 * What follows a whole walk. Values under old keys that can be read were written behind it, by whoever still had the old ring or wrote back what it
 * had read: another walk finds them.
 */
export function afterPass(pass: number, leftOver: number, unreadable: number): "completed" | "incomplete" | "again" {
  if (leftOver === 0) return "completed";
  return leftOver > unreadable && pass < MAX_PASSES ? "again" : "incomplete";
}

/** A signed address of a file lives a week at most; a day more, for whoever still signed with the old ring. */
const TOKEN_KEY_REST_MS = 8 * DAY_MS;

interface TokenKeyUse {
  /** CLI tokens that live. */
  readonly tokens: number;
  /** Those of which it is not known which key signed them. */
  readonly unknown: number;
  /** Cloud computers whose names it signed. */
  readonly computers: number;
  /** The provider does not answer: what is there is not known. */
  readonly isProviderSilent: boolean;
  /** When it was first seen not to be the newest, and has not been since (ms); null when that was not seen yet. */
  readonly idleSince: number | null;
}

/** Why an old key of `TOKEN_KEYS` must stay on its ring, in words for operators; null when nothing needs it. */
export function whyTokenKeyStays({ tokens, unknown, computers, isProviderSilent, idleSince }: TokenKeyUse, nowMs: number): string | null {
  if (tokens > 0) return "CLI tokens live that it signed.";
  if (unknown > 0) return "CLI tokens live of which it is not known which key signed them.";
  if (computers > 0) return "Cloud computers bear names that it signed.";
  if (isProviderSilent) return "The provider of cloud computers does not answer; there may be some with names that it signed.";
  if (idleSince === null) return "It was not seen resting yet; the next hourly tick notes it.";
  return nowMs - idleSince < TOKEN_KEY_REST_MS ? "Addresses of files that it signed may be good for up to a week after it was the newest." : null;
}
