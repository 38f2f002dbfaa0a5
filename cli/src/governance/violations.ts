import { randomUUID } from "node:crypto";

export type ViolationKind = "domain" | "egress" | "tool" | "mcp" | "skill";

/** Something that the contract forbids and that was refused or put back. Type alias: it goes onto the wire. */
export type Violation = { readonly id: string; readonly kind: ViolationKind; readonly subject: string; readonly at: string };

/** Kept until a beat that told them was answered. */
const QUEUE_MAX = 200;
export const VIOLATIONS_PER_BEAT = 20;
/** The same subject counts once in this time: a client that retries is one violation. */
const COLLAPSE_MS = 60_000;
const SUBJECT_MAX = 200;

/** What was refused and nobody was told yet, oldest first. */
export class ViolationQueue {
  private queue: Violation[] = [];
  private readonly seen = new Map<string, number>();

  constructor(private readonly now: () => number = Date.now) {}

  /** The new violation, or undefined when the same one was recorded within the last minute. */
  add(kind: ViolationKind, subject: string): Violation | undefined {
    const now = this.now();
    for (const [key, at] of this.seen) if (now - at >= COLLAPSE_MS) this.seen.delete(key);
    const short = subject.slice(0, SUBJECT_MAX);
    const key = `${kind} ${short}`;
    if (this.seen.has(key)) return undefined;
    if (this.seen.size < QUEUE_MAX * 10) this.seen.set(key, now);
    const violation = { id: randomUUID(), kind, subject: short, at: new Date(now).toISOString() };
    this.queue.push(violation);
    if (this.queue.length > QUEUE_MAX) this.queue.shift();
    return violation;
  }

  /** Those that the next beat tells. */
  next(): Violation[] {
    return this.queue.slice(0, VIOLATIONS_PER_BEAT);
  }

  /** A beat with these was answered. */
  told(ids: readonly string[]): void {
    this.queue = this.queue.filter((violation) => !ids.includes(violation.id));
  }

  get size(): number {
    return this.queue.length;
  }
}
