import { redactDeep } from "../../src/kernel/logging/redact-deep";

/** How many entries of a log an inspection shows, newest first. */
export const SHOWN_ENTRIES = 100;

/** One entry of a log, secrets redacted. */
export interface ShownEntry {
  readonly id: number;
  readonly at: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** A row of `events` and its like. */
export interface LogRow extends Record<string, SqlStorageValue> {
  readonly seq: number;
  readonly data: string;
  readonly at: number;
}

/** What our own code wrote as an object, for operators' eyes. */
export const shown = (value: object): Readonly<Record<string, unknown>> => redactDeep(value) as Record<string, unknown>;

export const shownEntry = (row: LogRow): ShownEntry => ({ id: row.seq, at: new Date(row.at).toISOString(), data: shown(JSON.parse(row.data) as object) });

export const isoOrNull = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());
