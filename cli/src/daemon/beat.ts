import type { Beat } from "../core/api-types";

export const BEAT_MS = 900_000;
/** A swing in free memory worth telling at once, as a share of the total. */
export const MEMORY_SWING = 0.1;

/**
 * What changed between two beats that others should hear of now, or undefined. Figures that always move (load, uptime)
 * are not changes; free memory is one when it moved by a tenth of the total.
 */
export function beatChange(previous: Beat | undefined, next: Beat): string | undefined {
  if (previous === undefined) return "first";
  if (previous.gateway_status !== next.gateway_status) return "gateway_status";
  if (previous.gateway_pid !== next.gateway_pid) return "gateway_pid";
  if (JSON.stringify(previous.bots.map(withoutUptime)) !== JSON.stringify(next.bots.map(withoutUptime))) return "bots";
  if (JSON.stringify(previous.watched) !== JSON.stringify(next.watched)) return "watched";
  if (JSON.stringify(previous.capabilities) !== JSON.stringify(next.capabilities)) return "capabilities";
  if (hasGovernanceNews(previous, next)) return "governance";
  for (const key of ["hostname", "cli_version", "mem_total_mb", "cpu_count"] as const) {
    if (previous[key] !== next[key]) return key;
  }
  const swing = Math.abs(previous.mem_free_mb - next.mem_free_mb);
  return next.mem_total_mb > 0 && swing / next.mem_total_mb >= MEMORY_SWING ? "memory" : undefined;
}

/** Violations that were told and dropped are no news. */
function hasGovernanceNews(previous: Beat, next: Beat): boolean {
  const [before, now] = [previous.governance, next.governance];
  if (before === undefined || now === undefined) return before !== now;
  const told = new Set(before.violations.map((violation) => violation.id));
  return JSON.stringify({ ...before, violations: [] }) !== JSON.stringify({ ...now, violations: [] }) || now.violations.some((violation) => !told.has(violation.id));
}

/** Uptime always moves. */
function withoutUptime(bot: Beat["bots"][number]): object {
  return { ...bot, uptime_seconds: 0 };
}

export interface Pace {
  readonly beatMs: number;
  /** Clock time (ms) until which it holds; undefined = until the next pace. */
  readonly until: number | undefined;
}

/** When the next regular beat is due (ms on the same clock as `now`). */
export function nextBeatAt(lastAt: number, intervalMs: number, pace: Pace | undefined, now: number): number {
  const active = pace !== undefined && (pace.until === undefined || now < pace.until);
  const interval = active ? Math.min(pace.beatMs, intervalMs) : intervalMs;
  return lastAt + Math.max(250, interval);
}
