import { alertStateOf, periodOf, type AlertState } from "../../src/governance/budgets/money.core";

/**
 * The rules of the ledger, over rows that somebody keeps: the object in SQLite, tests in memory. All amounts are whole micro-USD. Every
 * function leaves the rows consistent: an account's `reserved` is the sum of its open reservations of that month, its `spent` the sum of
 * what was settled. Whoever calls runs each function in one transaction.
 */

/** Most that an account may hold in a month without any limit of its own; keeps sums exact integers with room for overruns. */
export const LEDGER_MAX = 4e15;

/** What an account has in one month. */
export interface Balance {
  readonly account: string;
  readonly period: string;
  readonly spent: number;
  readonly reserved: number;
  /** As last told; a change is told once. */
  readonly alert: AlertState;
}

export type ReservationStatus = "open" | "settled" | "released" | "expired";

/** Money set aside for one model call, and what became of it. Booked in the month in which it was reserved. */
export interface Reservation {
  /** Who reserved; ids are unique within it. */
  readonly owner: string;
  readonly id: string;
  readonly period: string;
  readonly amount: number;
  readonly accounts: readonly string[];
  readonly status: ReservationStatus;
  readonly tenant: string | null;
  readonly userId: string | null;
  readonly model: string | null;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly closedAt: number | null;
  readonly usage: Usage | null;
}

/** What a call really used. */
export interface Usage {
  readonly cost: number;
  readonly model: string;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** Where the rows lie. Reads see the writes before them. */
export interface LedgerRows {
  /** Null: no limit. */
  limitOf(account: string): number | null;
  putLimit(account: string, limit: number | null): void;
  balanceOf(account: string, period: string): Balance | null;
  putBalance(balance: Balance): void;
  findReservation(owner: string, id: string): Reservation | null;
  putReservation(reservation: Reservation): void;
  /** Open reservations whose time is over, oldest first, at most `max`. */
  listExpired(now: number, max: number): readonly Reservation[];
}

/** An account that came to be, or ceased to be, near or over its limit. */
export interface AlertChange {
  readonly account: string;
  readonly period: string;
  readonly from: AlertState;
  readonly to: AlertState;
  readonly spent: number;
  readonly limit: number | null;
}

export interface ReserveRequest {
  readonly owner: string;
  readonly id: string;
  readonly amount: number;
  /** All that must have room. */
  readonly accounts: readonly string[];
  /** Limits that others keep and that travel with the request, by account; remembered until told anew. */
  readonly toldLimits: Readonly<Record<string, number | null>>;
  readonly tenant: string | null;
  readonly userId: string | null;
  readonly model: string | null;
  readonly ttlMs: number;
}

export type ReserveVerdict =
  | { readonly kind: "granted"; readonly reservation: Reservation; readonly repeated: boolean }
  /** `free` is what the account could still take. */
  | { readonly kind: "exceeded"; readonly account: string; readonly free: number; readonly limit: number }
  /** The id stands for another reservation. */
  | { readonly kind: "mismatch" }
  /** The id stands for this reservation, which is over: it holds nothing any more. */
  | { readonly kind: "closed"; readonly status: ReservationStatus };

export type SettleVerdict = { readonly kind: "settled"; readonly reservation: Reservation; readonly repeated: boolean } | { readonly kind: "mismatch" } | { readonly kind: "unknown" };

export type ReleaseVerdict = { readonly kind: "released" } | { readonly kind: "settled" } | { readonly kind: "unknown" };

/** Most expired reservations that are read at a time. */
const EXPIRE_MAX = 500;

/** Sets money aside when every account has room for it, or nothing at all. Expired reservations give theirs back first. */
export function reserve(rows: LedgerRows, request: ReserveRequest, now: number): { readonly verdict: ReserveVerdict; readonly alerts: readonly AlertChange[] } {
  const known = rows.findReservation(request.owner, request.id);
  if (known) return { verdict: repeatOf(known, request, now), alerts: [] };
  // The alarm lets go of them, too; whoever comes before it must not be refused for money that nobody holds.
  while (expire(rows, now) === EXPIRE_MAX);
  const period = periodOf(now);
  const alerts = Object.entries(request.toldLimits).flatMap(([account, limit]) => (rows.limitOf(account) === limit ? [] : changeLimit(rows, account, limit, now)));
  for (const account of request.accounts) {
    const ceiling = rows.limitOf(account) ?? LEDGER_MAX;
    const { spent, reserved } = rows.balanceOf(account, period) ?? emptyBalance(account, period);
    // Room first: what is exceeded takes not even a call that costs nothing.
    if (spent + reserved + request.amount > ceiling || spent >= ceiling) return { verdict: { kind: "exceeded", account, free: Math.max(0, ceiling - spent - reserved), limit: ceiling }, alerts };
  }
  const { owner, id, amount, accounts, tenant, userId, model, ttlMs } = request;
  const reservation: Reservation = { owner, id, amount, accounts, tenant, userId, model, period, status: "open", createdAt: now, expiresAt: now + ttlMs, closedAt: null, usage: null };
  rows.putReservation(reservation);
  for (const account of accounts) move(rows, account, period, 0, amount);
  return { verdict: { kind: "granted", reservation, repeated: false }, alerts };
}

/** Only what is still set aside is granted again: an id that was used up would else let calls pass for which nothing is. */
function repeatOf(known: Reservation, request: ReserveRequest, now: number): ReserveVerdict {
  if (!isSame(known, request)) return { kind: "mismatch" };
  if (known.status !== "open") return { kind: "closed", status: known.status };
  return now < known.expiresAt ? { kind: "granted", reservation: known, repeated: true } : { kind: "closed", status: "expired" };
}

const isSame = (known: Reservation, request: ReserveRequest): boolean => known.amount === request.amount && known.accounts.length === request.accounts.length && known.accounts.every((account, index) => account === request.accounts[index]);

/**
 * Books what a call really cost, in full, also when that is more than was reserved, and also when the reservation was let go before: the
 * money is spent. A repeat books nothing.
 */
export function settle(rows: LedgerRows, owner: string, id: string, usage: Usage, now: number): { readonly verdict: SettleVerdict; readonly alerts: readonly AlertChange[] } {
  const known = rows.findReservation(owner, id);
  if (!known) return { verdict: { kind: "unknown" }, alerts: [] };
  if (known.usage) return { verdict: isSameUsage(known.usage, usage) ? { kind: "settled", reservation: known, repeated: true } : { kind: "mismatch" }, alerts: [] };
  const reservation: Reservation = { ...known, status: "settled", closedAt: now, usage };
  rows.putReservation(reservation);
  const held = known.status === "open" ? known.amount : 0;
  const alerts = known.accounts.flatMap((account) => move(rows, account, known.period, usage.cost, -held));
  return { verdict: { kind: "settled", reservation, repeated: false }, alerts };
}

const isSameUsage = (a: Usage, b: Usage): boolean => a.cost === b.cost && a.model === b.model && a.inputTokens === b.inputTokens && a.outputTokens === b.outputTokens;

/** Gives an open reservation's money back. One that was let go before stays so; one that is settled stays settled. */
export function release(rows: LedgerRows, owner: string, id: string, now: number): ReleaseVerdict {
  const known = rows.findReservation(owner, id);
  if (!known) return { kind: "unknown" };
  if (known.status === "settled") return { kind: "settled" };
  if (known.status === "open") letGo(rows, known, "released", now);
  return { kind: "released" };
}

/** Lets go of reservations whose time is over. @returns how many; {@link EXPIRE_MAX} means that there may be more */
export function expire(rows: LedgerRows, now: number): number {
  const expired = rows.listExpired(now, EXPIRE_MAX);
  for (const reservation of expired) letGo(rows, reservation, "expired", now);
  return expired.length;
}

function letGo(rows: LedgerRows, reservation: Reservation, status: "released" | "expired", now: number): void {
  rows.putReservation({ ...reservation, status, closedAt: now });
  for (const account of reservation.accounts) move(rows, account, reservation.period, 0, -reservation.amount);
}

/** Changes a limit (null takes it away). One below what is spent is taken: then nothing more is granted. */
export function changeLimit(rows: LedgerRows, account: string, limit: number | null, now: number): readonly AlertChange[] {
  rows.putLimit(account, limit);
  return move(rows, account, periodOf(now), 0, 0);
}

/** What an account has in the month of `now`, its limit with it. */
export function statusOf(rows: LedgerRows, account: string, now: number): Balance & { readonly limit: number | null } {
  const limit = rows.limitOf(account);
  const balance = rows.balanceOf(account, periodOf(now)) ?? emptyBalance(account, periodOf(now));
  return { ...balance, limit, alert: alertStateOf(balance.spent, limit) };
}

/** Moves a balance, and answers whether that changed its alert. */
function move(rows: LedgerRows, account: string, period: string, spentBy: number, reservedBy: number): readonly AlertChange[] {
  const before = rows.balanceOf(account, period) ?? emptyBalance(account, period);
  const limit = rows.limitOf(account);
  const spent = before.spent + spentBy;
  const reserved = before.reserved + reservedBy;
  if (reserved < 0 || !Number.isSafeInteger(spent + reserved)) throw new Error(`the ledger of ${account} does not add up`);
  const alert = alertStateOf(spent, limit);
  rows.putBalance({ account, period, spent, reserved, alert });
  return alert === before.alert ? [] : [{ account, period, from: before.alert, to: alert, spent, limit }];
}

const emptyBalance = (account: string, period: string): Balance => ({ account, period, spent: 0, reserved: 0, alert: "ok" });
