import type { AlertState } from "../../src/governance/budgets/money.core";
import type { CountedSql } from "../shared/counted-sql";
import type { Balance, LedgerRows, Reservation, ReservationStatus } from "./budget.core";
import type { AccountStatus, ModelSpend, UsageRow } from "./budget.rpc";

/** A settled call is told to D1 in a batch with those of the same moment. */
export const REPORT_AFTER_MS = 1_000;
/** Models that one account's month tells apart; the rest share one line. */
const MODELS_MAX = 200;
const OTHER_MODELS = "(other)";
const MONTHS_SHOWN = 36;

interface ReservationRow extends Record<string, SqlStorageValue> {
  readonly owner: string;
  readonly id: string;
  readonly period: string;
  readonly amount: number;
  readonly accounts: string;
  readonly status: ReservationStatus;
  readonly tenant: string | null;
  readonly user_id: string | null;
  readonly model: string | null;
  readonly created_at: number;
  readonly expires_at: number;
  readonly closed_at: number | null;
  readonly cost: number | null;
  readonly used_model: string | null;
  readonly input_tokens: number | null;
  readonly output_tokens: number | null;
}

const COLUMNS = "owner, id, period, amount, accounts, status, tenant, user_id, model, created_at, expires_at, closed_at, cost, used_model, input_tokens, output_tokens";

const readReservation = (row: ReservationRow): Reservation => ({
  owner: row.owner,
  id: row.id,
  period: row.period,
  amount: row.amount,
  accounts: JSON.parse(row.accounts) as string[],
  status: row.status,
  tenant: row.tenant,
  userId: row.user_id,
  model: row.model,
  createdAt: row.created_at,
  expiresAt: row.expires_at,
  closedAt: row.closed_at,
  usage: row.cost === null ? null : { cost: row.cost, model: row.used_model ?? "", inputTokens: row.input_tokens ?? 0, outputTokens: row.output_tokens ?? 0 },
});

/** The ledger's rows in the object's SQLite. */
export class LedgerStore implements LedgerRows {
  readonly #sql: CountedSql;

  constructor(sql: CountedSql) {
    this.#sql = sql;
  }

  limitOf(account: string): number | null {
    return this.#sql.all<{ micros: number | null }>("SELECT micros FROM limits WHERE account = ?", account)[0]?.micros ?? null;
  }

  putLimit(account: string, limit: number | null): void {
    if (limit === null) this.#sql.run("DELETE FROM limits WHERE account = ?", account);
    else this.#sql.run("INSERT INTO limits (account, micros) VALUES (?, ?) ON CONFLICT (account) DO UPDATE SET micros = excluded.micros", account, limit);
  }

  balanceOf(account: string, period: string): Balance | null {
    return this.#sql.all<{ account: string; period: string; spent: number; reserved: number; alert: AlertState }>("SELECT account, period, spent, reserved, alert FROM balances WHERE account = ? AND period = ?", account, period)[0] ?? null;
  }

  putBalance({ account, period, spent, reserved, alert }: Balance): void {
    this.#sql.run(
      "INSERT INTO balances (account, period, spent, reserved, alert) VALUES (?, ?, ?, ?, ?) ON CONFLICT (account, period) DO UPDATE SET spent = excluded.spent, reserved = excluded.reserved, alert = excluded.alert",
      account,
      period,
      spent,
      reserved,
      alert,
    );
  }

  findReservation(owner: string, id: string): Reservation | null {
    const [row] = this.#sql.all<ReservationRow>(`SELECT ${COLUMNS} FROM reservations WHERE owner = ? AND id = ?`, owner, id);
    return row ? readReservation(row) : null;
  }

  putReservation(reservation: Reservation): void {
    const { owner, id, status, closedAt, usage } = reservation;
    if (status === "open") {
      this.#sql.run(
        "INSERT INTO reservations (owner, id, period, amount, accounts, status, tenant, user_id, model, created_at, expires_at) VALUES (?, ?, ?, ?, ?, 'open', ?, ?, ?, ?, ?)",
        owner,
        id,
        reservation.period,
        reservation.amount,
        JSON.stringify(reservation.accounts),
        reservation.tenant,
        reservation.userId,
        reservation.model,
        reservation.createdAt,
        reservation.expiresAt,
      );
      return;
    }
    this.#sql.run(
      "UPDATE reservations SET status = ?, closed_at = ?, cost = ?, used_model = ?, input_tokens = ?, output_tokens = ?, report_due_at = ? WHERE owner = ? AND id = ?",
      status,
      closedAt,
      usage?.cost ?? null,
      usage?.model ?? null,
      usage?.inputTokens ?? null,
      usage?.outputTokens ?? null,
      usage && closedAt !== null ? closedAt + REPORT_AFTER_MS : null,
      owner,
      id,
    );
  }

  listExpired(now: number, max: number): Reservation[] {
    return this.#sql.all<ReservationRow>(`SELECT ${COLUMNS} FROM reservations WHERE status = 'open' AND expires_at <= ? ORDER BY expires_at LIMIT ?`, now, max).map(readReservation);
  }

  /** When the next open reservation runs out, ms; null when none is open. */
  nextExpiry(): number | null {
    return this.#sql.one<{ due: number | null }>("SELECT MIN(expires_at) AS due FROM reservations WHERE status = 'open'").due;
  }

  /** Accounts of people that have a limit, by name, as of a month. Their alerts are worked out from what they spent. */
  listUserLimits(period: string): Omit<AccountStatus, "alert">[] {
    return this.#sql.all<{ account: string; period: string; limit: number | null; spent: number; reserved: number }>(
      `SELECT l.account AS account, ? AS period, l.micros AS "limit", coalesce(b.spent, 0) AS spent, coalesce(b.reserved, 0) AS reserved
       FROM limits l LEFT JOIN balances b ON b.account = l.account AND b.period = ? WHERE l.account >= 'user:' AND l.account < 'user;' ORDER BY l.account`,
      period,
      period,
    );
  }

  /** Counts a settled call among its tenant's models. */
  addToModel(account: string, period: string, model: string, cost: number): void {
    const has = (name: string): boolean => this.#sql.all("SELECT 1 FROM models WHERE account = ? AND period = ? AND model = ?", account, period, name).length > 0;
    const isFull = (): boolean => this.#sql.one<{ n: number }>("SELECT count(*) AS n FROM models WHERE account = ? AND period = ?", account, period).n >= MODELS_MAX;
    const name = has(model) || !isFull() ? model : OTHER_MODELS;
    this.#sql.run(
      "INSERT INTO models (account, period, model, cost, requests) VALUES (?, ?, ?, ?, 1) ON CONFLICT (account, period, model) DO UPDATE SET cost = cost + excluded.cost, requests = requests + 1",
      account,
      period,
      name,
      cost,
    );
  }

  listModels(account: string, period: string): ModelSpend[] {
    return this.#sql.all<{ model: string; cost: number; requests: number }>("SELECT model, cost, requests FROM models WHERE account = ? AND period = ? ORDER BY cost DESC, model", account, period);
  }

  listMonths(account: string): { period: string; spent: number }[] {
    return this.#sql.all<{ period: string; spent: number }>("SELECT period, spent FROM balances WHERE account = ? ORDER BY period DESC LIMIT ?", account, MONTHS_SHOWN);
  }

  /** A number that only grows, for entries of the outbox. */
  nextRevision(): number {
    return this.#sql.one<{ revision: number }>("UPDATE changes SET revision = revision + 1 WHERE id = 0 RETURNING revision").revision;
  }

  /** Settled calls that D1 is to be told of now, oldest first. */
  listUnreported(now: number, max: number): UsageRow[] {
    return this.#sql
      .all<{ seq: number; created_at: number; tenant: string | null; user_id: string | null; used_model: string; input_tokens: number; output_tokens: number; cost: number; closed_at: number }>(
        "SELECT seq, created_at, tenant, user_id, used_model, input_tokens, output_tokens, cost, closed_at FROM reservations WHERE report_due_at <= ? ORDER BY report_due_at, seq LIMIT ?",
        now,
        max,
      )
      .map((row) => ({
        // A number of a row may come again once everything was forgotten; never at the same time.
        id: `use_${row.created_at.toString(36)}_${row.seq.toString(36)}`,
        seq: row.seq,
        tenant: row.tenant,
        userId: row.user_id,
        model: row.used_model,
        inputTokens: row.input_tokens,
        outputTokens: row.output_tokens,
        cost: row.cost,
        recordedAt: row.closed_at,
      }));
  }

  /** When D1 is to be told again; null: it knows. */
  putReportDue(seq: number, dueAt: number | null): void {
    this.#sql.run("UPDATE reservations SET report_due_at = ? WHERE seq = ?", dueAt, seq);
  }

  nextReport(): number | null {
    return this.#sql.one<{ due: number | null }>("SELECT MIN(report_due_at) AS due FROM reservations").due;
  }

  /** Forgets closed reservations that D1 knows of and that were made before `createdBefore` (ms), and months before `period`. Looks at the oldest `max` only. */
  forgetOld(createdBefore: number, period: string, max: number): void {
    this.#sql.run(
      "DELETE FROM reservations WHERE seq IN (SELECT seq FROM reservations ORDER BY seq LIMIT ?) AND created_at < ? AND status <> 'open' AND report_due_at IS NULL",
      max,
      createdBefore,
    );
    this.#sql.run("DELETE FROM balances WHERE period < ? AND reserved = 0", period);
    this.#sql.run("DELETE FROM models WHERE period < ?", period);
  }
}
