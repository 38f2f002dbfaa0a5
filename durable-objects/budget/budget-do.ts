import { DurableObject } from "cloudflare:workers";
import { alertStateOf, MICROS_PER_USD, periodOf, tenantAccount, userOfAccount } from "../../src/governance/budgets/money.core";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../src/kernel/clock";
import type { ObjectBindings } from "../../src/kernel/context";
import { createLogger, describeError } from "../../src/kernel/logging/logger";
import type { Job } from "../../src/kernel/ports/services";
import { AlarmTable } from "../shared/alarm-table";
import { CountedSql } from "../shared/counted-sql";
import { migrateObject } from "../shared/migrate";
import { ObjectOutbox, PROJECT_ALARM } from "../shared/object-outbox";
import type { ChangedBy, NewEntry, OutboxEntry } from "../shared/object-outbox.rpc";
import { changeLimit, expire, release, reserve, settle, statusOf, type AlertChange, type ReleaseVerdict, type ReserveRequest, type ReserveVerdict, type SettleVerdict, type Usage } from "./budget.core";
import { budgetMigrations } from "./budget.migrations";
import type { AccountStatus, BudgetRpc, LimitAction, LimitChange, SpendReport, UsageJob } from "./budget.rpc";
import { LedgerStore } from "./budget.store";

interface BudgetBindings extends ObjectBindings {
  readonly JOBS: Queue<Job>;
}

type Reason = "expire" | "report";
const LEDGER = 0;
/** Rows of one message; it stays below half of what the queue takes. */
const REPORT_ROWS = 100;
const REPORT_BATCHES = 20;
/** Rows that nobody confirmed go out again. */
const REPORT_AGAIN_MS = MINUTE_MS;
/** A closed reservation is known for this long: a repeat gets the first answer, a late settlement is booked. */
const KEEP_CLOSED_MS = 8 * DAY_MS;
const KEEP_MONTHS_MS = 36 * 31 * DAY_MS;
/** A step of the alarm that failed is tried again after this. */
const ALARM_AGAIN_MS = MINUTE_MS;
const FORGET_EVERY_MS = HOUR_MS;
const FORGET_ROWS = 5_000;

/** What happens of itself. */
const byLedger = (at: number): ChangedBy => ({ actorType: "system", actorId: "budget.ledger", requestId: "budget.ledger", ip: null, userAgent: null, at });

/**
 * The one ledger of the organisation: what may be spent on models, what is set aside, what was spent. One object, so that no two
 * reservations can take the same money; every method is one transaction without a wait inside.
 */
export class BudgetDO extends DurableObject<BudgetBindings> implements BudgetRpc {
  readonly #sql: CountedSql;
  readonly #rows: LedgerStore;
  readonly #alarms: AlarmTable<Reason | typeof PROJECT_ALARM>;
  readonly #outbox: ObjectOutbox<Reason>;
  readonly #log = createLogger({ object: "budget" });
  #forgotAt = 0;

  constructor(ctx: DurableObjectState, env: BudgetBindings) {
    super(ctx, env);
    this.#sql = new CountedSql(ctx.storage.sql);
    this.#rows = new LedgerStore(this.#sql);
    this.#alarms = new AlarmTable(ctx.storage, this.#sql);
    this.#outbox = new ObjectOutbox({ storage: ctx.storage, sql: this.#sql, alarms: this.#alarms, jobs: env.JOBS, log: this.#log });
    void ctx.blockConcurrencyWhile(async () => {
      migrateObject(ctx.storage, budgetMigrations);
      await this.#alarms.load();
      await this.#outbox.resume();
      this.#restore("expire", this.#rows.nextExpiry());
      this.#restore("report", this.#rows.nextReport());
    });
  }

  #restore(reason: Reason, dueAt: number | null): void {
    if (dueAt !== null) this.#alarms.restoreDerived(LEDGER, reason, dueAt);
  }

  /** Sets or brings forward an alarm. Not awaited: it is part of the same write as what the call just stored. */
  #armBy(reason: Reason, dueAt: number): void {
    void this.#alarms.heal();
    const known = this.#alarms.dueAt(LEDGER, reason);
    if (known === null || known > dueAt) void this.#alarms.armDerived(LEDGER, reason, dueAt);
  }

  async reserve(request: ReserveRequest): Promise<ReserveVerdict> {
    const { verdict } = this.#outbox.transact((add) => this.#note(reserve(this.#rows, request, Date.now()), add));
    if (verdict.kind === "granted" && verdict.reservation.status === "open") this.#armBy("expire", verdict.reservation.expiresAt);
    return verdict;
  }

  async settle(owner: string, id: string, usage: Usage): Promise<SettleVerdict> {
    const { verdict } = this.#outbox.transact((add) => {
      const outcome = this.#note(settle(this.#rows, owner, id, usage, Date.now()), add);
      const { verdict: settled } = outcome;
      if (settled.kind === "settled" && !settled.repeated && settled.reservation.tenant !== null) {
        this.#rows.addToModel(tenantAccount(settled.reservation.tenant), settled.reservation.period, usage.model, usage.cost);
      }
      return outcome;
    });
    const due = this.#rows.nextReport();
    if (due !== null) this.#armBy("report", due);
    return verdict;
  }

  async release(owner: string, id: string): Promise<ReleaseVerdict> {
    return this.#outbox.transact(() => release(this.#rows, owner, id, Date.now()));
  }

  async setLimit(account: string, limit: number | null, action: LimitAction, by: ChangedBy): Promise<LimitChange> {
    const now = Date.now();
    return this.#outbox.transact((add) => {
      const previous = this.#rows.limitOf(account);
      if (previous === limit) return { status: statusOf(this.#rows, account, now), previous, entries: [] };
      const userId = userOfAccount(account);
      const change = this.#entry(account, {
        by,
        action,
        kind: userId === null ? "GlobalBudget" : "AccountBudget",
        key: userId ?? account,
        before: usdOrNull(previous),
        after: usdOrNull(limit),
      });
      const entries: OutboxEntry[] = [add(change)];
      for (const alert of changeLimit(this.#rows, account, limit, now)) entries.push(add(this.#alertEntry(alert, by)));
      return { status: statusOf(this.#rows, account, now), previous, entries };
    });
  }

  async getStatuses(accounts: readonly string[]): Promise<readonly AccountStatus[]> {
    const now = Date.now();
    expireAll(this.#rows, now, (step) => this.#outbox.transact(step));
    return accounts.map((account) => statusOf(this.#rows, account, now));
  }

  async listUserLimits(): Promise<readonly AccountStatus[]> {
    const now = Date.now();
    expireAll(this.#rows, now, (step) => this.#outbox.transact(step));
    return this.#rows.listUserLimits(periodOf(now)).map((row) => ({ ...row, alert: alertStateOf(row.spent, row.limit) }));
  }

  async getSpend(account: string, limit: number | null): Promise<SpendReport> {
    const [known] = await this.getStatuses([account]);
    if (!known) throw new Error("an account has no status");
    return { status: { ...known, limit, alert: alertStateOf(known.spent, limit) }, models: this.#rows.listModels(account, known.period), months: this.#rows.listMonths(account) };
  }

  async confirmUsage(seqs: readonly number[]): Promise<void> {
    this.ctx.storage.transactionSync(() => {
      for (const seq of seqs) this.#rows.putReportDue(seq, null);
    });
  }

  async pendingEntries(limit: number): Promise<readonly OutboxEntry[]> {
    return this.#outbox.pending(limit);
  }

  async ackEntries(seqs: readonly number[]): Promise<void> {
    this.#outbox.ack(seqs);
  }

  override async alarm(): Promise<void> {
    const now = Date.now();
    for (const { reason } of this.#alarms.listDue(now)) {
      try {
        await this.#run(reason, now);
      } catch (error) {
        // The platform gives an alarm up that fails too often; this one must go on for ever.
        this.#log.error("the ledger's alarm failed", { event: "budget.alarm.failed", reason, ...describeError(error) });
        this.#alarms.restoreDerived(LEDGER, reason, now + ALARM_AGAIN_MS);
      }
    }
    this.#forget(now);
    await this.#alarms.settle();
  }

  async #run(reason: Reason | typeof PROJECT_ALARM, now: number): Promise<void> {
    if (reason === PROJECT_ALARM) await this.#outbox.resend({ object: "budget", name: "org" }, now);
    else if (reason === "expire") this.#expire(now);
    else await this.#report(now);
  }

  #expire(now: number): void {
    expireAll(this.#rows, now, (step) => this.#outbox.transact(step));
    this.#alarms.disarm(LEDGER, "expire");
    this.#restore("expire", this.#rows.nextExpiry());
  }

  /** Tells D1 of settled calls, through the queue. What it does not confirm goes out again. */
  async #report(now: number): Promise<void> {
    for (let batch = 0; batch < REPORT_BATCHES; batch++) {
      const rows = this.#rows.listUnreported(now, REPORT_ROWS);
      const [first] = rows;
      if (!first) break;
      const payload: UsageJob = { rows };
      const job: Job = { v: 1, id: `usage:${first.id}:${now}`, type: "budget.usage", payload };
      const sent = await this.env.JOBS.send(job).then(() => true, (error: unknown) => {
        this.#log.warn("settled calls were not enqueued", { event: "budget.usage.unsent", ...describeError(error) });
        return false;
      });
      // A confirmation that came meanwhile stays: only what is still due moves.
      this.#sql.run("UPDATE reservations SET report_due_at = ? WHERE report_due_at <= ? AND seq IN (SELECT value FROM json_each(?))", now + REPORT_AGAIN_MS, now, JSON.stringify(rows.map(({ seq }) => seq)));
      if (!sent) break;
    }
    this.#alarms.disarm(LEDGER, "report");
    this.#restore("report", this.#rows.nextReport());
  }

  #forget(now: number): void {
    if (now - this.#forgotAt < FORGET_EVERY_MS) return;
    this.#forgotAt = now;
    this.#rows.forgetOld(now - KEEP_CLOSED_MS, periodOf(now - KEEP_MONTHS_MS), FORGET_ROWS);
  }

  /** Puts alerts into the outbox, in the transaction of what raised them. */
  #note<T extends { readonly alerts: readonly AlertChange[] }>(outcome: T, add: (entry: NewEntry) => OutboxEntry): T {
    for (const alert of outcome.alerts) add(this.#alertEntry(alert, byLedger(Date.now())));
    return outcome;
  }

  #alertEntry({ account, period, from, to, spent, limit }: AlertChange, by: ChangedBy): NewEntry {
    this.#log.warn("a budget's alert changed", { event: "budget.alert", account, period, from, to });
    const tenant = account.startsWith("tenant:") ? { tenant: account.slice("tenant:".length) } : {};
    return this.#entry(account, {
      by,
      action: "budget.alert",
      kind: "Budget",
      key: account,
      ...tenant,
      before: { budgetAlertState: from },
      after: { budgetAlertState: to, period, currentSpendUsd: spent / MICROS_PER_USD, monthlyLimitUsd: limit === null ? null : limit / MICROS_PER_USD },
    });
  }

  #entry(account: string, audit: NonNullable<NewEntry["audit"]>): NewEntry {
    return { kind: "budget", key: account, revision: this.#rows.nextRevision(), snapshot: null, audit };
  }
}

const usdOrNull = (micros: number | null): Readonly<Record<string, number | null>> => ({ monthlyLimitUsd: micros === null ? null : micros / MICROS_PER_USD });

/** Lets go of everything whose time is over, a transaction at a time. */
function expireAll(rows: LedgerStore, now: number, transact: (step: () => number) => number): void {
  while ((rows.nextExpiry() ?? Infinity) <= now) transact(() => expire(rows, now));
}
