/** Where "now" comes from. Injected everywhere so that cores and stories can move time. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
}

export const systemClock: Clock = { now: () => Date.now() };

export const SECOND_MS = 1_000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/** ISO 8601 UTC with `Z`, the only time format on our wires. */
export const iso = (ms: number): string => new Date(ms).toISOString();

/** {@link iso}, keeping absence. */
export const isoOrNull = (ms: number | null | undefined): string | null => (ms == null ? null : iso(ms));
