import { SECOND_MS, MINUTE_MS } from "../../src/kernel/clock";
import { sortableId } from "../../src/kernel/ids/ids";
import { describeError, type Logger } from "../../src/kernel/logging/logger";
import type { Job } from "../../src/kernel/ports/services";
import type { AlarmTable } from "./alarm-table";
import type { CountedSql } from "./counted-sql";
import type { NewEntry, OutboxEntry, ProjectJob, SourceRef } from "./object-outbox.rpc";

/** Reason of the outbox in its object's alarm table. */
export const PROJECT_ALARM = "project";
/** Subject of the outbox in its object's alarm table. */
const OUTBOX = 0;
/** The verb that made the change projects it itself; this long after it is taken for dead. */
export const FIRST_RESEND_MS = 5 * SECOND_MS;
const MAX_RESEND_MS = 30 * MINUTE_MS;

/** Tables of the outbox and of its alarms: a step of its object's migrations. */
export const OUTBOX_SQL = `
  CREATE TABLE outbox (seq INTEGER PRIMARY KEY AUTOINCREMENT, entry TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, due_at INTEGER NOT NULL);
  CREATE TABLE alarms (subject INTEGER NOT NULL, reason TEXT NOT NULL, due_at INTEGER NOT NULL, PRIMARY KEY (subject, reason)) WITHOUT ROWID;
`;

/** How long after its `attempts`th sending (1 is the first) an entry is sent again, ms. */
export const resendMs = (attempts: number): number => Math.min(FIRST_RESEND_MS * 2 ** Math.max(0, attempts), MAX_RESEND_MS);

interface OutboxParts<Reason extends string> {
  readonly storage: DurableObjectStorage;
  readonly sql: CountedSql;
  /** Loaded by the object; its `alarm()` calls {@link ObjectOutbox.resend} when {@link PROJECT_ALARM} is due. */
  readonly alarms: AlarmTable<Reason | typeof PROJECT_ALARM>;
  readonly jobs: Queue<Job>;
  readonly log: Logger;
}

/**
 * Changes of an object that D1 must come to show. An entry is written in one transaction with its change and stays until it is
 * acknowledged; who does not acknowledge in time is asked again through the queue, ever more rarely and for ever.
 */
export class ObjectOutbox<Reason extends string = never> {
  readonly #parts: OutboxParts<Reason>;

  constructor(parts: OutboxParts<Reason>) {
    this.#parts = parts;
  }

  /**
   * Runs `change` and the entries that it adds in one transaction, and arms their alarm with it: nothing is awaited in between, so
   * the platform keeps all of it or nothing.
   */
  transact<T>(change: (add: (entry: NewEntry) => OutboxEntry) => T): T {
    const now = Date.now();
    const result = this.#parts.storage.transactionSync(() => change((entry) => this.#add(entry, now)));
    this.#arm();
    return result;
  }

  #add(entry: NewEntry, now: number): OutboxEntry {
    const { sql } = this.#parts;
    const content = { ...entry, source: `chg_${sortableId(now)}`, at: now };
    const { seq } = sql.one<{ seq: number }>("INSERT INTO outbox (entry, due_at) VALUES (?, ?) RETURNING seq", JSON.stringify(content), now + FIRST_RESEND_MS);
    return { ...content, seq };
  }

  /** Unacknowledged changes, oldest first. */
  pending(limit: number): OutboxEntry[] {
    return this.#parts.sql.all<{ seq: number; entry: string }>("SELECT seq, entry FROM outbox ORDER BY seq LIMIT ?", limit).map(readRow);
  }

  /** D1 shows these. Unknown ones are no error. */
  ack(seqs: readonly number[]): void {
    for (const seq of seqs) this.#parts.sql.run("DELETE FROM outbox WHERE seq = ?", seq);
    if (this.#dueAt() === null) this.#parts.alarms.disarm(OUTBOX, PROJECT_ALARM);
  }

  /** After a wake-up, once the alarm table is loaded: its due time is in the entries, not in the table. */
  resume(): void {
    const due = this.#dueAt();
    if (due === null) return;
    this.#parts.alarms.restoreDerived(OUTBOX, PROJECT_ALARM, due);
  }

  /**
   * Puts the projection on the queue when an entry is due, as one job for all of them. Its id tells the oldest entry and how often
   * that was sent, so an alarm that the platform repeats sends nothing new.
   */
  async resend(ref: SourceRef, now: number): Promise<void> {
    const { sql, jobs, log, alarms } = this.#parts;
    const due = sql.all<{ seq: number; attempts: number; entry: string }>("SELECT seq, attempts, entry FROM outbox WHERE due_at <= ? ORDER BY seq LIMIT 1", now)[0];
    if (due) {
      const payload: ProjectJob = { object: ref.object, name: ref.name };
      const id = `project:${readRow(due).source}:${due.attempts + 1}`;
      // A queue that takes nothing is asked again as late as one that did.
      await jobs.send({ v: 1, id, type: "governance.project", payload }).catch((error: unknown) => log.warn("the projection was not enqueued", { event: "projection.unsent", ...describeError(error) }));
      const delays = sql.all<{ seq: number; attempts: number }>("SELECT seq, attempts FROM outbox WHERE due_at <= ?", now);
      for (const { seq, attempts } of delays) sql.run("UPDATE outbox SET attempts = ?, due_at = ? WHERE seq = ?", attempts + 1, now + resendMs(attempts + 1), seq);
    }
    alarms.disarm(OUTBOX, PROJECT_ALARM);
    this.#arm();
  }

  #dueAt(): number | null {
    return this.#parts.sql.one<{ due: number | null }>("SELECT MIN(due_at) AS due FROM outbox").due;
  }

  #arm(): void {
    const due = this.#dueAt();
    // The table sets its alarm before it awaits anything; that it took is part of the output that waits for storage.
    if (due !== null) void this.#parts.alarms.armDerived(OUTBOX, PROJECT_ALARM, due);
  }
}

const readRow = ({ seq, entry }: { readonly seq: number; readonly entry: string }): OutboxEntry => ({ ...(JSON.parse(entry) as Omit<OutboxEntry, "seq">), seq });
