import type { AlertState } from "../../src/governance/budgets/money.core";
import type { ChangedBy, OutboxEntry, OutboxRpc } from "../shared/object-outbox.rpc";
import type { ReleaseVerdict, ReserveRequest, ReserveVerdict, SettleVerdict, Usage } from "./budget.core";

export type { Reservation, ReserveRequest, ReserveVerdict, SettleVerdict, ReleaseVerdict, Usage } from "./budget.core";

/** An account this month; amounts are micro-USD. */
export interface AccountStatus {
  readonly account: string;
  /** Month of UTC, for example `2026-11`. */
  readonly period: string;
  /** Null: none. */
  readonly limit: number | null;
  readonly spent: number;
  readonly reserved: number;
  readonly alert: AlertState;
}

/** What an account spent on one model this month. */
export interface ModelSpend {
  readonly model: string;
  readonly cost: number;
  readonly requests: number;
}

export interface SpendReport {
  readonly status: AccountStatus;
  /** Dearest first. */
  readonly models: readonly ModelSpend[];
  /** This month and those before it, newest first. */
  readonly months: readonly { readonly period: string; readonly spent: number }[];
}

/** What the audit calls a change of a limit. */
export type LimitAction = "budget.set" | "budget.remove";

/** A limit as it is now, and what D1 must still be told. */
export interface LimitChange {
  readonly status: AccountStatus;
  readonly previous: number | null;
  readonly entries: readonly OutboxEntry[];
}

/** One settled call on its way to D1. */
export interface UsageRow {
  /** Unique for ever: a repeat is the same row. */
  readonly id: string;
  readonly seq: number;
  readonly tenant: string | null;
  readonly userId: string | null;
  readonly model: string;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Micro-USD. */
  readonly cost: number;
  /** Ms. */
  readonly recordedAt: number;
}

/** Payload of the job `budget.usage`. */
export interface UsageJob {
  readonly rows: readonly UsageRow[];
}

/** RPC surface of BudgetDO: the one ledger of the organisation. Every call is one transaction; all may be repeated. */
export interface BudgetRpc extends OutboxRpc {
  reserve(request: ReserveRequest): Promise<ReserveVerdict>;
  settle(owner: string, id: string, usage: Usage): Promise<SettleVerdict>;
  release(owner: string, id: string): Promise<ReleaseVerdict>;
  /** Sets the limit of `global` or of a person's account; null takes it away. One that is so already changes nothing. */
  setLimit(account: string, limit: number | null, action: LimitAction, by: ChangedBy): Promise<LimitChange>;
  /** Where accounts stand, known or not. */
  getStatuses(accounts: readonly string[]): Promise<readonly AccountStatus[]>;
  /** People's accounts with a limit, by name. */
  listUserLimits(): Promise<readonly AccountStatus[]>;
  /** What an account whose limit others keep spent. */
  getSpend(account: string, limit: number | null): Promise<SpendReport>;
  /** D1 has these rows. Unknown ones are no error. */
  confirmUsage(seqs: readonly number[]): Promise<void>;
}
