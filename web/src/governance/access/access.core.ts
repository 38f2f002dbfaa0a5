/** Lifetimes of access tokens. */

export const LIFETIMES = [
  { days: 7, label: "7 days" },
  { days: 30, label: "30 days" },
  { days: 90, label: "90 days" },
  { days: 365, label: "1 year" },
  { days: null, label: "Never" },
] as const;

const DAY_MS = 86_400_000;

/** When a token made now ends; null: never. */
export const endOf = (days: number | null, nowMs: number): string | null => (days === null ? null : new Date(nowMs + days * DAY_MS).toISOString());

/** "never expires", "expired 3 Jan 2026", "until 3 Jan 2026" */
export function describeEnd(expiresAt: string | undefined, nowMs: number): string {
  if (expiresAt === undefined) return "never expires";
  const day = new Date(expiresAt).toLocaleDateString(undefined, { dateStyle: "medium" });
  return Date.parse(expiresAt) <= nowMs ? `expired ${day}` : `until ${day}`;
}
