import { MINUTE_MS } from "../../kernel/clock";

/** Rules of third-party sources. Pure. */

export const SOURCE_KINDS = ["mcp-registry", "anthropic-skills", "git-repository", "manual-upload"] as const;
export type SourceKind = (typeof SOURCE_KINDS)[number];

export const SYNC_MODES = ["scheduled", "manual"] as const;
export type SyncMode = (typeof SYNC_MODES)[number];

export const SOURCE_STATUSES = ["healthy", "syncing", "error", "pending-approval"] as const;
export type SourceStatus = (typeof SOURCE_STATUSES)[number];

export const ITEM_KINDS = ["mcp-server", "skill-bundle"] as const;
export const ITEM_STATUSES = ["discovered", "approved", "rejected", "gone"] as const;

export const DEFAULT_INTERVAL_MINUTES = 1_440;
export const MIN_INTERVAL_MINUTES = 5;
/** Four weeks. */
export const MAX_INTERVAL_MINUTES = 40_320;

const FIRST_RETRY_MS = 5 * MINUTE_MS;

/** Kinds that are looked through; the others hold what somebody writes into them. */
export const isSyncable = (kind: SourceKind): kind is Exclude<SourceKind, "manual-upload"> => kind !== "manual-upload";

export const isApproved = (status: SourceStatus): boolean => status !== "pending-approval";

/** A status as a caller may tell it: only a sync that runs makes a source syncing. */
export const statusTold = (kind: SourceKind, told: SourceStatus, runs: boolean): SourceStatus => (told === "syncing" && isSyncable(kind) && !runs ? "healthy" : told);

interface Schedule {
  readonly kind: SourceKind;
  readonly syncMode: SyncMode;
  readonly syncIntervalMinutes: number;
}

/** When a source is looked through next after a sync that went well; null when nobody has planned to. */
export const nextRunAfterSuccess = ({ kind, syncMode, syncIntervalMinutes }: Schedule, nowMs: number): number | null => (syncMode === "scheduled" && isSyncable(kind) ? nowMs + syncIntervalMinutes * MINUTE_MS : null);

/** The same after the `failures`th failure in a row (1 is the first): soon, then ever later, never later than planned anyway. */
export function nextRunAfterFailure(schedule: Schedule, failures: number, nowMs: number): number | null {
  const planned = nextRunAfterSuccess(schedule, nowMs);
  return planned === null ? null : Math.min(planned, nowMs + FIRST_RETRY_MS * 2 ** Math.min(20, Math.max(0, failures - 1)));
}

/** When a source is due that was just approved or changed: as told, else as before, else at once when it is scheduled and approved. */
export function nextRunAfterChange(schedule: Schedule, status: SourceStatus, told: number | null | undefined, before: number | null, nowMs: number): number | null {
  if (told !== undefined) return told;
  if (before !== null) return before;
  return schedule.syncMode === "scheduled" && isSyncable(schedule.kind) && isApproved(status) ? nowMs : null;
}
