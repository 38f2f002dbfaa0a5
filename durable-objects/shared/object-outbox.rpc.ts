import type { ReportedAct } from "../../src/kernel/audit/audit";

/** An object that is the source of something that D1 shows too. */
export interface SourceRef {
  readonly object: "tenant" | "org" | "budget";
  /** Its name in its namespace. */
  readonly name: string;
}

/** Who asked for a change: kept with it, so that a projection that comes late still tells who did it, and when. */
export type ChangedBy = Omit<ReportedAct, "source">;

/** The audit row of a change. `before` and `after` carry no secrets. */
export interface EntryAudit {
  readonly by: ChangedBy;
  /** Noun and verb, for example `tenant.update`. */
  readonly action: string;
  /** What the thing is called on the wire, for example `Tenant`. */
  readonly kind: string;
  readonly key: string;
  /** Name of the tenant it is about; it survives the tenant. */
  readonly tenant?: string;
  readonly message?: string;
  readonly before?: unknown;
  readonly after?: unknown;
}

/** A change as its object hands it to the outbox. */
export interface NewEntry {
  /** What projects it: a key of the projections' table, for example `tenant`. */
  readonly kind: string;
  /** Which one of its kind, for example the tenant's name. */
  readonly key: string;
  /** Grows with every change of (kind, key), also past a deletion and a new beginning under the same key. */
  readonly revision: number;
  /** JSON: all that D1 shows of it; null when it is gone. */
  readonly snapshot: unknown;
  /** Null for what nobody asked for, such as counters. */
  readonly audit: EntryAudit | null;
}

/** A change that D1 may not show yet. */
export interface OutboxEntry extends NewEntry {
  /** Grows within the object and is never used twice. */
  readonly seq: number;
  /** Unique over all objects: what makes the audit row one. */
  readonly source: string;
  /** When it happened, ms. */
  readonly at: number;
}

/** What the projections ask of any object with an outbox. */
export interface OutboxRpc {
  /** Changes that nobody has acknowledged, oldest first; at most `limit`. */
  pendingEntries(limit: number): Promise<readonly OutboxEntry[]>;
  /** D1 shows them. Unknown ones are no error. */
  ackEntries(seqs: readonly number[]): Promise<void>;
}

/** Payload of the job `governance.project`. */
export type ProjectJob = SourceRef;
