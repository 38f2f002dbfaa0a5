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

const UTC = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z$/;
const TIME = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)(Z|[+-]\d\d:?\d\d)?)?$/i;

/** A date or time that somebody else wrote in ISO 8601, as UTC with `Z`; without a zone it is UTC. Null when it is none. */
export function utcIso(text: string): string | null {
  const parts = TIME.exec(text);
  if (!parts) return null;
  const [, day, time = "00:00", zone = "Z"] = parts;
  const ms = Date.parse(`${day}T${time}${zone.toUpperCase()}`);
  if (Number.isNaN(ms)) return null;
  const written = UTC.test(text) ? text : iso(ms);
  // A zone can carry a time out of the years that have four digits.
  return UTC.test(written) ? written : null;
}
