import type { CountedSql } from "./counted-sql";

/** One entry as it travels to a stream: its sequence is the SSE `id`. */
export interface LoggedEvent {
  readonly id: number;
  readonly data: Readonly<Record<string, unknown>>;
}

/** What a reconnecting client gets: the events it missed, or the word that they are gone. */
export type Replay = { readonly kind: "events"; readonly events: readonly LoggedEvent[] } | { readonly kind: "resync"; readonly head: number };

const TRIM_EVERY = 100;

/** A bounded log in the table `<name> (seq INTEGER PRIMARY KEY, subject, data, at)`; the oldest entries beyond `keep` go. */
export class EventLog {
  readonly #sql: CountedSql;
  readonly #table: string;
  readonly #keep: number;

  constructor(sql: CountedSql, table: "events" | "dashboard_events" | "machine_events", keep: number) {
    this.#sql = sql;
    this.#table = table;
    this.#keep = keep;
  }

  append(subject: number, data: Readonly<Record<string, unknown>>, now: number): LoggedEvent {
    const { seq } = this.#sql.one<{ seq: number }>(`INSERT INTO ${this.#table} (subject, data, at) VALUES (?, ?, ?) RETURNING seq`, subject, JSON.stringify(data), now);
    if (seq % TRIM_EVERY === 0) this.#sql.run(`DELETE FROM ${this.#table} WHERE seq <= ?`, seq - this.#keep);
    return { id: seq, data };
  }

  /** Sequence of the newest entry, 0 when there is none. */
  head(): number {
    return this.#sql.one<{ head: number | null }>(`SELECT MAX(seq) AS head FROM ${this.#table}`).head ?? 0;
  }

  /** Everything after `lastId` that concerns `subject`. */
  replay(subject: number, lastId: number): Replay {
    const { head, tail } = this.#sql.one<{ head: number | null; tail: number | null }>(`SELECT MAX(seq) AS head, MIN(seq) AS tail FROM ${this.#table}`);
    const newest = head ?? 0;
    if (lastId > newest || (tail !== null && lastId < tail - 1)) return { kind: "resync", head: newest };
    const rows = this.#sql.all<{ seq: number; data: string }>(`SELECT seq, data FROM ${this.#table} WHERE seq > ? AND subject = ? ORDER BY seq`, lastId, subject);
    return { kind: "events", events: rows.map((row) => ({ id: row.seq, data: JSON.parse(row.data) as Record<string, unknown> })) };
  }
}
