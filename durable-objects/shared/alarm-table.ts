import type { CountedSql } from "./counted-sql";

/**
 * Many reasons, one alarm: due times live in the table `alarms (subject, reason, due_at)`, the physical alarm is the earliest.
 * A copy in memory keeps the hot path free of reads; arming what is armed already writes nothing.
 */
export class AlarmTable<Reason extends string> {
  /** Physical alarms set so far; each is billed like a row. */
  alarmsSet = 0;
  readonly #storage: DurableObjectStorage;
  readonly #sql: CountedSql;
  readonly #due = new Map<string, number>();
  /** Keys of {@link #due} that have no row. */
  readonly #derived = new Set<string>();
  #physical: number | null = null;

  constructor(storage: DurableObjectStorage, sql: CountedSql) {
    this.#storage = storage;
    this.#sql = sql;
  }

  /** Reads the table after a wake-up. Call once the table exists; {@link heal} re-arms a physical alarm that got lost. */
  async load(): Promise<void> {
    this.#due.clear();
    this.#derived.clear();
    for (const row of this.#sql.all<{ subject: number; reason: string; due_at: number }>("SELECT subject, reason, due_at FROM alarms")) {
      this.#due.set(`${row.subject}:${row.reason}`, row.due_at);
    }
    this.#physical = await this.#storage.getAlarm();
  }

  /** Re-arms a physical alarm that is missing though something is due. Not inside `alarm()`, where it is always missing: {@link settle} does it there. */
  async heal(): Promise<void> {
    if (this.#physical === null && this.#due.size > 0) await this.#rearm();
  }

  /**
   * Sets or moves a due time that a wake-up can work out again by itself: no row, only the physical alarm. The owner arms it anew
   * after {@link load}.
   */
  async armDerived(subject: number, reason: Reason, dueAt: number): Promise<void> {
    this.restoreDerived(subject, reason, dueAt);
    await this.#rearm();
  }

  /** {@link armDerived} after a wake-up, when the physical alarm is still set or has just woken us. */
  restoreDerived(subject: number, reason: Reason, dueAt: number): void {
    this.#derived.add(`${subject}:${reason}`);
    this.#due.set(`${subject}:${reason}`, dueAt);
  }

  dueAt(subject: number, reason: Reason): number | null {
    return this.#due.get(`${subject}:${reason}`) ?? null;
  }

  /** Sets or moves one due time (ms). */
  async arm(subject: number, reason: Reason, dueAt: number): Promise<void> {
    if (this.dueAt(subject, reason) === dueAt) return;
    this.#sql.run("INSERT INTO alarms (subject, reason, due_at) VALUES (?, ?, ?) ON CONFLICT (subject, reason) DO UPDATE SET due_at = excluded.due_at", subject, reason, dueAt);
    this.#due.set(`${subject}:${reason}`, dueAt);
    await this.#rearm();
  }

  /** Forgets one due time. The physical alarm stays: a wake-up for nothing is cheaper than moving it each time. */
  disarm(subject: number, reason: Reason): void {
    const key = `${subject}:${reason}`;
    if (!this.#due.delete(key) || this.#derived.delete(key)) return;
    this.#sql.run("DELETE FROM alarms WHERE subject = ? AND reason = ?", subject, reason);
  }

  /** Reasons due now, earliest first. They stay in the table until disarmed or moved, so that a crash repeats them. */
  listDue(now: number): { readonly subject: number; readonly reason: Reason }[] {
    return [...this.#due]
      .filter(([, dueAt]) => dueAt <= now)
      .sort(([, a], [, b]) => a - b)
      .map(([key]) => {
        const split = key.indexOf(":");
        return { subject: Number(key.slice(0, split)), reason: key.slice(split + 1) as Reason };
      });
  }

  /** To be called at the end of `alarm()`: the platform has spent the physical one. */
  async settle(): Promise<void> {
    this.#physical = null;
    await this.#rearm();
  }

  /** Forgets everything in memory; with `reload` reads the table again, otherwise it is gone. */
  async reset(reload: boolean): Promise<void> {
    this.#due.clear();
    this.#derived.clear();
    this.#physical = null;
    if (reload) await this.load();
  }

  async #rearm(): Promise<void> {
    const earliest = Math.min(...this.#due.values());
    if (!Number.isFinite(earliest) || (this.#physical !== null && this.#physical <= earliest)) return;
    this.#physical = earliest;
    this.alarmsSet++;
    await this.#storage.setAlarm(earliest);
  }
}
