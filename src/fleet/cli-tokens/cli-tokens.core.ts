import { DAY_MS, HOUR_MS } from "../../kernel/clock";

/** Lifetimes a token may have, as people write them; null never ends. */
export const LIFETIMES = { "1h": HOUR_MS, "24h": DAY_MS, "7d": 7 * DAY_MS, "30d": 30 * DAY_MS, "90d": 90 * DAY_MS, "1y": 365 * DAY_MS, never: null } as const;

export type Lifetime = keyof typeof LIFETIMES;
export const LIFETIME_NAMES = Object.keys(LIFETIMES) as [Lifetime, ...Lifetime[]];

/** What every token may do today. */
export const CLI_SCOPES: readonly string[] = ["cli"];

/** End of a token minted now: whole seconds, since the token itself carries no more. */
export const expiryOf = (lifetimeMs: number | null, nowMs: number): number | null => (lifetimeMs === null ? null : Math.floor((nowMs + lifetimeMs) / 1_000) * 1_000);

export type TokenStatus = "revoked" | "expired" | "bound" | "active";

interface TokenState {
  readonly revokedAt: number | null;
  readonly expiresAt: number | null;
  readonly boundInstanceId: string | null;
}

/** Computed, never stored: revoked beats expired beats bound beats active. */
export function statusOf(token: TokenState, nowMs: number): TokenStatus {
  if (token.revokedAt !== null) return "revoked";
  if (token.expiresAt !== null && token.expiresAt <= nowMs) return "expired";
  return token.boundInstanceId === null ? "active" : "bound";
}

/** Whether a token still opens anything. */
export const isUsable = (token: TokenState, nowMs: number): boolean => ["active", "bound"].includes(statusOf(token, nowMs));

/** Whether `nowMs` is the first use in its clock hour. */
export const isFirstInHour = (lastMs: number | null, nowMs: number): boolean => lastMs === null || Math.floor(lastMs / HOUR_MS) !== Math.floor(nowMs / HOUR_MS);

/** `base`, or `base-2`, `base-3`, …: the first that nobody holds. */
export function freeName(base: string, taken: ReadonlySet<string>): string {
  let name = base;
  for (let n = 2; taken.has(name); n++) name = `${base}-${n}`;
  return name;
}
