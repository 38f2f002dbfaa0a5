import { DAY_MS, MINUTE_MS } from "../../kernel/clock";
import type { MatrixAccount } from "../../kernel/ports/matrix";

/** Rules of long work: what an account's state is called, and when a job is woken or given up. */

export type MatrixStatus = "active" | "deactivated" | "erased" | "missing";

/** Accounts of one step: few enough for one queue message, many enough that ten thousand people are a few hundred. */
export const STEP_ACCOUNTS = 25;
/** A step that has not ended by then is taken for broken off: longer than all its calls may take. */
const SILENCE_MS = 2 * MINUTE_MS;
/** Wakings without any progress, after which nobody waits any more. */
const MAX_ATTEMPTS = 5;
/** How often the schedule looks at everybody. */
const REFRESH_EVERY_MS = DAY_MS;

/** @param account what the homeserver has; null when it has none */
export function matrixStatusOf(account: Pick<MatrixAccount, "deactivated" | "erased"> | null): MatrixStatus {
  if (account === null) return "missing";
  if (account.erased === true) return "erased";
  return account.deactivated ? "deactivated" : "active";
}

/** Adds what one step saw to what is known. */
export function addCounts(known: Readonly<Record<string, number>>, seen: readonly string[]): Record<string, number> {
  const counts = { ...known };
  for (const name of seen) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

interface Standing {
  readonly progressAt: number;
  readonly attempts: number;
}

/** What the sweep does about a job that has not ended. @param now ms */
export function verdictOn({ progressAt, attempts }: Standing, now: number): "leave" | "wake" | "fail" {
  if (now - progressAt < SILENCE_MS) return "leave";
  return attempts < MAX_ATTEMPTS ? "wake" : "fail";
}

/** Until when (ms) a job must have been silent to be looked at. */
export const silentSince = (now: number): number => now - SILENCE_MS;

/** Whether the schedule begins another refresh. @param newestAt when the newest was made, ms; null when there was none */
export const isRefreshDue = (newestAt: number | null, now: number): boolean => newestAt === null || now - newestAt >= REFRESH_EVERY_MS;
