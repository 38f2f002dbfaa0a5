/** Money of the ledger: whole millionths of a US dollar, so that no sum of any order loses or wins anything. */

/** Most of a limit, USD. */
export const MAX_LIMIT_USD = 1_000_000_000;
/** Most that one model call may reserve or cost, USD. Keeps every sum of the ledger an exact integer. */
export const MAX_CALL_USD = 1_000_000;
export const MICROS_PER_USD = 1_000_000;

/** The only currency; anything else is refused. */
export const CURRENCY = "USD";

/** Whether an amount of USD has at most six decimals. */
export const isWholeMicros = (usd: number): boolean => Math.round(usd * MICROS_PER_USD) / MICROS_PER_USD === usd;

/** Micro-USD of an amount of USD from 0 to {@link MAX_LIMIT_USD}. @throws RangeError when it has more than six decimals or is out of range */
export function usdToMicros(usd: number): number {
  if (!(usd >= 0 && usd <= MAX_LIMIT_USD) || !isWholeMicros(usd)) throw new RangeError("an amount of money is out of range or has more than six decimals");
  return Math.round(usd * MICROS_PER_USD);
}

/** Micro-USD of a limit that others keep as whatever number of USD: rounded down, so that it is never overstepped, and at most the ledger's largest. */
export function limitMicros(usd: number): number {
  const held = Math.min(usd, MAX_LIMIT_USD);
  return isWholeMicros(held) ? Math.round(held * MICROS_PER_USD) : Math.floor(held * MICROS_PER_USD);
}

/** USD of a sum of micro-USD: the number that prints with at most six decimals. */
export const microsToUsd = (micros: number): number => micros / MICROS_PER_USD;

export const ALERT_STATES = ["ok", "warning", "exceeded"] as const;
export type AlertState = (typeof ALERT_STATES)[number];

/** How near `spent` is to `limit` (micro-USD, null: none): warning from 80 %, exceeded from 100 %. A limit of 0 is exceeded from the start. */
export function alertStateOf(spent: number, limit: number | null): AlertState {
  if (limit === null) return "ok";
  if (spent >= limit) return "exceeded";
  return (limit - spent) * 5 <= limit ? "warning" : "ok";
}

/** The month of UTC that `nowMs` lies in, for example `2026-11`. */
export const periodOf = (nowMs: number): string => new Date(nowMs).toISOString().slice(0, 7);

/** When the month of `nowMs` is over, ms. */
export function periodEnd(nowMs: number): number {
  const date = new Date(nowMs);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1);
}

/** The account that every reservation counts against. */
export const GLOBAL_ACCOUNT = "global";
export const tenantAccount = (name: string): string => `tenant:${name}`;
export const userAccount = (userId: string): string => `user:${userId}`;

/** The person of a user's account; null of other accounts. */
export const userOfAccount = (account: string): string | null => (account.startsWith("user:") ? account.slice("user:".length) : null);
