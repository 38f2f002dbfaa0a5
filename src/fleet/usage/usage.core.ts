import type { CountedFeature } from "../plans";

/** What metered use means: periods, megabytes, shares of a limit. No I/O, no clock. */

/** Bytes of media that people uploaded, as their apps report them. */
export const MEDIA_METRIC = "media_bytes";

/** The period of what accumulates. */
export const ALL_TIME = "all";

/** A calendar month in UTC. */
export const PERIOD_PATTERN = /^20\d\d-(0[1-9]|1[0-2])$/;

/** Bytes of one MB of a plan. */
export const MB_BYTES = 1_048_576;

/** The month that a moment belongs to, in UTC wherever anybody is. @param ms since the epoch */
export const periodOf = (ms: number): string => new Date(ms).toISOString().slice(0, 7);

/** A period's first moment and the first after it, ms. */
export function boundsOf(period: string): { readonly startsAt: number; readonly endsAt: number } {
  const [year = 0, month = 1] = period.split("-").map(Number);
  return { startsAt: Date.UTC(year, month - 1, 1), endsAt: Date.UTC(year, month, 1) };
}

/** Megabytes with two decimals, rounded down: nothing looks full that is not. */
export const toMb = (bytes: number): number => Math.floor((bytes / MB_BYTES) * 100) / 100;

export interface MonthlySum {
  readonly period: string;
  readonly used: number;
}

/** What had gathered by the end of a period. Periods compare as text; {@link ALL_TIME} is no month. */
export const gatheredBy = (sums: readonly MonthlySum[], period: string): number => sums.reduce((bytes, sum) => (sum.period !== ALL_TIME && sum.period <= period ? bytes + sum.used : bytes), 0);

/** How much of a limit is used. */
export interface Gauge {
  readonly used: number;
  /** Null: none. */
  readonly limit: number | null;
  readonly unit: "MB" | "count";
}

/** Percent of the limit with one decimal, rounded down so that only a full limit is 100; null without a limit. */
export function percentOf({ used, limit }: Pick<Gauge, "used" | "limit">): number | null {
  if (limit === null) return null;
  if (limit === 0) return used > 0 ? 100 : 0;
  return Math.floor((used / limit) * 1_000) / 10;
}

export interface UsageWarning {
  readonly feature: string;
  readonly level: "warning" | "critical";
  /** Percent that was reached. */
  readonly threshold: 80 | 100;
  readonly used: number;
  readonly limit: number;
  readonly pct: number;
  readonly message: string;
}

const WORDS: Readonly<Partial<Record<string, string>>> = { multiple_openclaw_instances: "machines", max_bots: "bots", max_bot_shares: "shares", storage_mb: "MB of media" } satisfies Partial<Record<CountedFeature, string>>;

/** Warnings at 80 % and at 100 % of a limit; what a plan does not have at all warns of nothing while nothing is used. */
export function warningsOf(gauges: Readonly<Record<string, Gauge>>): UsageWarning[] {
  return Object.entries(gauges).flatMap(([feature, gauge]) => {
    const pct = percentOf(gauge);
    if (gauge.limit === null || pct === null || pct < 80) return [];
    const full = pct >= 100;
    const message = `${full ? "All" : "Most"} of your plan is used: ${gauge.used} of ${gauge.limit} ${WORDS[feature] ?? feature}.`;
    return [{ feature, level: full ? "critical" : "warning", threshold: full ? 100 : 80, used: gauge.used, limit: gauge.limit, pct, message }];
  });
}
