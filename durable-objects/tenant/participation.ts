import { addReport, FLUSH_EVERY_MS, FLUSH_SPACING_MS, NEVER_SEEN, SEEN_STEP_MS, type Participation, type ParticipationEvent } from "../../src/governance/awareness/participation.core";
import type { AlarmTable } from "../shared/alarm-table";
import type { CountedSql } from "../shared/counted-sql";
import type { ObjectMigration } from "../shared/migrate";
import type { ObjectOutbox } from "../shared/object-outbox";
import type { NewEntry, OutboxEntry } from "../shared/object-outbox.rpc";
import type { ParticipationAnswer, ParticipationReport } from "./participation.rpc";

/** Reason of the flush in its object's alarm table. */
export const PARTICIPATION_ALARM = "participation";
/** What projects the entries. */
const KIND = "participation";
const SUBJECT = 0;

/** Remembered keys of events: of those that count many, of the others enough to tell a repeat. */
const KEEP_COUNTED_KEYS = 10_000;
const KEEP_OTHER_KEYS = 2_000;
const TRIM_EVERY = 100;

/** A step of the object's migrations. */
export const participationMigration: ObjectMigration = {
  id: "0002_participation",
  sql: `
    CREATE TABLE participation (
      id INTEGER PRIMARY KEY CHECK (id = 1),
      known TEXT NOT NULL,
      revision INTEGER NOT NULL,
      flushed_at INTEGER NOT NULL,
      flush_seq INTEGER,
      dirty INTEGER NOT NULL
    );
    CREATE TABLE participation_keys (seq INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, counted INTEGER NOT NULL);
    CREATE INDEX participation_keys_age ON participation_keys (counted, seq);
  `,
};

interface Row {
  readonly known: Participation;
  /** Of the newest entry; goes on past a deletion. */
  readonly revision: number;
  readonly flushedAt: number;
  /** The entry of the last flush: what it says is in the next one, too. */
  readonly flushSeq: number | null;
  /** Whether there is something that no flush has told. */
  readonly dirty: boolean;
}

const NEW_ROW: Row = { known: NEVER_SEEN, revision: 0, flushedAt: 0, flushSeq: null, dirty: false };

interface Parts {
  readonly sql: CountedSql;
  readonly outbox: Pick<ObjectOutbox, "transact" | "ack">;
  readonly alarms: Pick<AlarmTable<typeof PARTICIPATION_ALARM>, "arm" | "disarm" | "dueAt">;
}

/** Counts how a tenant takes part in the awareness rollout, each event once, and hands the counters out without haste. */
export class ParticipationDesk {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  #load(): Row {
    const [row] = this.#parts.sql.all<{ known: string; revision: number; flushed_at: number; flush_seq: number | null; dirty: number }>("SELECT known, revision, flushed_at, flush_seq, dirty FROM participation");
    return row ? { known: JSON.parse(row.known) as Participation, revision: row.revision, flushedAt: row.flushed_at, flushSeq: row.flush_seq, dirty: row.dirty === 1 } : NEW_ROW;
  }

  #save({ known, revision, flushedAt, flushSeq, dirty }: Row): void {
    this.#parts.sql.run(
      "INSERT INTO participation (id, known, revision, flushed_at, flush_seq, dirty) VALUES (1, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET known = excluded.known, revision = excluded.revision, flushed_at = excluded.flushed_at, flush_seq = excluded.flush_seq, dirty = excluded.dirty",
      JSON.stringify(known),
      revision,
      flushedAt,
      flushSeq,
      dirty ? 1 : 0,
    );
  }

  /** What the object's {@link ParticipationRpc} answers for the tenant `name`. @param now ms */
  record(name: string, { events, seenAt, machine = "" }: ParticipationReport, now: number): Extract<ParticipationAnswer, { kind: "ok" }> {
    return this.#parts.outbox.transact((add) => {
      const row = this.#load();
      const recorded = events.map((event) => this.#isNew(event));
      const fresh = events.filter((_, index) => recorded[index]);
      const { after, urgent } = addReport(row.known, machine, fresh, Math.min(seenAt, now));
      const stepped = (after.lastSeenAt ?? 0) - (row.known.machines.find((one) => one.machine === machine)?.lastSeenAt ?? 0) >= SEEN_STEP_MS;
      if (fresh.length === 0 && !urgent && !stepped) return { kind: "ok", recorded, entry: null };
      const changed = { ...row, known: after, dirty: true };
      if (urgent && now - row.flushedAt >= FLUSH_SPACING_MS) return { kind: "ok", recorded, entry: this.#flush(add, name, changed, now) };
      this.#save(changed);
      this.#flushBy(row.flushedAt + (urgent ? FLUSH_SPACING_MS : FLUSH_EVERY_MS), now);
      return { kind: "ok", recorded, entry: null };
    });
  }

  /** Remembers an event's key; false when it was known. */
  #isNew({ idempotencyKey, kind }: ParticipationEvent): boolean {
    const { sql } = this.#parts;
    const counted = kind === "skill_execution" ? 1 : 0;
    const [row] = sql.all<{ seq: number }>("INSERT INTO participation_keys (key, counted) VALUES (?, ?) ON CONFLICT (key) DO NOTHING RETURNING seq", idempotencyKey, counted);
    if (!row) return false;
    if (row.seq % TRIM_EVERY === 0) this.#trimKeys();
    return true;
  }

  #trimKeys(): void {
    const oldestKept = "SELECT seq FROM participation_keys WHERE counted = ? ORDER BY seq DESC LIMIT 1 OFFSET ?";
    for (const [counted, keep] of [[1, KEEP_COUNTED_KEYS], [0, KEEP_OTHER_KEYS]] as const) {
      this.#parts.sql.run(`DELETE FROM participation_keys WHERE counted = ? AND seq <= (${oldestKept})`, counted, counted, keep);
    }
  }

  /** Tells D1 by `at`, or earlier when that was planned. */
  #flushBy(at: number, now: number): void {
    const { alarms } = this.#parts;
    const due = Math.max(at, now);
    const planned = alarms.dueAt(SUBJECT, PARTICIPATION_ALARM);
    if (planned === null || planned > due) void alarms.arm(SUBJECT, PARTICIPATION_ALARM, due);
  }

  #flush(add: (entry: NewEntry) => OutboxEntry, name: string, row: Row, now: number): OutboxEntry {
    const { outbox, alarms } = this.#parts;
    // The new entry says all that the last one said.
    if (row.flushSeq !== null) outbox.ack([row.flushSeq]);
    const revision = row.revision + 1;
    const entry = add({ kind: KIND, key: name, revision, snapshot: row.known, audit: null });
    this.#save({ known: row.known, revision, flushedAt: now, flushSeq: entry.seq, dirty: false });
    alarms.disarm(SUBJECT, PARTICIPATION_ALARM);
    return entry;
  }

  /** For the object's alarm: hands out what is not told yet. */
  flush(name: string, now: number): void {
    this.#parts.outbox.transact((add) => {
      const row = this.#load();
      if (row.dirty) this.#flush(add, name, row, now);
      else this.#parts.alarms.disarm(SUBJECT, PARTICIPATION_ALARM);
    });
  }

  /** The tenant is gone; call within its transaction. Revisions go on, should the name be used again, and nothing late brings the counters back. */
  clear(add: (entry: NewEntry) => OutboxEntry, name: string): void {
    const { sql, outbox, alarms } = this.#parts;
    const row = this.#load();
    if (row.revision === 0 && !row.dirty) return;
    if (row.flushSeq !== null) outbox.ack([row.flushSeq]);
    const revision = row.revision + 1;
    add({ kind: KIND, key: name, revision, snapshot: null, audit: null });
    this.#save({ ...NEW_ROW, revision });
    sql.run("DELETE FROM participation_keys");
    alarms.disarm(SUBJECT, PARTICIPATION_ALARM);
  }
}
