import { DurableObject } from "cloudflare:workers";
import { changedFields, DEFAULT_DATASETS, patched, phaseOf, type PolicyResolution, type TenantSpec, type TenantState } from "../../src/governance/tenants/tenants.core";
import type { ObjectBindings } from "../../src/kernel/context";
import { createLogger } from "../../src/kernel/logging/logger";
import type { Job } from "../../src/kernel/ports/services";
import { AlarmTable } from "../shared/alarm-table";
import { CountedSql } from "../shared/counted-sql";
import { hasTables, migrateObject } from "../shared/migrate";
import { ObjectOutbox, PROJECT_ALARM } from "../shared/object-outbox";
import type { ChangedBy, EntryAudit, OutboxEntry } from "../shared/object-outbox.rpc";
import { MemberSockets, TENANT_GONE, TENANT_PAUSED } from "./member-sockets";
import { PARTICIPATION_ALARM, ParticipationDesk } from "./participation";
import type { ParticipationAnswer, ParticipationReport } from "./participation.rpc";
import { tenantMigrations } from "./tenant.migrations";
import type { ChangeAnswer, CreateAnswer, ObserveAnswer, TenantChange, TenantRpc } from "./tenant.rpc";

interface TenantBindings extends ObjectBindings {
  readonly JOBS: Queue<Job>;
}

/** What the object keeps; `state` is null after a deletion, so that revisions go on where they were. */
interface Kept {
  readonly name: string;
  readonly revision: number;
  readonly state: TenantState | null;
  /** Ticket of the look that found `state.resolution`. */
  readonly observedBy: number;
  readonly contractId: string | null;
}

type AlarmReason = typeof PROJECT_ALARM | typeof PARTICIPATION_ALARM;

const KIND = "tenant";

/**
 * What operators want of a tenant and what was observed of it. One per name; it is never emptied: a name that is used again goes on
 * with the revisions of its earlier life, so that nothing late can overwrite the new one.
 */
export class TenantDO extends DurableObject<TenantBindings> implements TenantRpc {
  readonly #sql: CountedSql;
  readonly #alarms: AlarmTable<AlarmReason>;
  readonly #outbox: ObjectOutbox<typeof PARTICIPATION_ALARM>;
  readonly #participation: ParticipationDesk;
  readonly #sockets: MemberSockets;
  #kept: Kept | null = null;
  /** The last that was handed out. */
  #ticket = 0;

  constructor(ctx: DurableObjectState, env: TenantBindings) {
    super(ctx, env);
    this.#sql = new CountedSql(ctx.storage.sql);
    this.#alarms = new AlarmTable(ctx.storage, this.#sql);
    this.#outbox = new ObjectOutbox({ storage: ctx.storage, sql: this.#sql, alarms: this.#alarms, jobs: env.JOBS, log: createLogger({ object: KIND }) });
    this.#participation = new ParticipationDesk({ sql: this.#sql, outbox: this.#outbox, alarms: this.#alarms });
    this.#sockets = new MemberSockets(ctx);
    // A probed name stores nothing: tables come with the tenant.
    if (hasTables(ctx.storage.sql)) void ctx.blockConcurrencyWhile(() => this.#wake());
  }

  async #wake(): Promise<void> {
    migrateObject(this.ctx.storage, tenantMigrations);
    this.#kept = this.#load();
    await this.#alarms.load();
    this.#outbox.resume();
  }

  #load(): Kept | null {
    const [row] = this.#sql.all<{ name: string; revision: number; state: string | null; observed_by: number; contract_id: string | null }>("SELECT name, revision, state, observed_by, contract_id FROM tenant");
    return row ? { name: row.name, revision: row.revision, state: row.state === null ? null : (JSON.parse(row.state) as TenantState), observedBy: row.observed_by, contractId: row.contract_id } : null;
  }

  /** Writes the new state with its entry, in one transaction; memory follows when it is kept. */
  #commit(next: Kept, audit: EntryAudit | null): OutboxEntry {
    const entry = this.#outbox.transact((add) => {
      this.#sql.run(
        "INSERT INTO tenant (id, name, revision, state, observed_by, contract_id) VALUES (1, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET revision = excluded.revision, state = excluded.state, observed_by = excluded.observed_by, contract_id = excluded.contract_id",
        next.name,
        next.revision,
        next.state && JSON.stringify(next.state),
        next.observedBy,
        next.contractId,
      );
      if (!next.state) this.#participation.clear(add, next.name);
      return add({ kind: KIND, key: next.name, revision: next.revision, snapshot: next.state, audit });
    });
    this.#kept = next;
    this.#tellMembers();
    return entry;
  }

  async create(name: string, spec: TenantSpec, by: ChangedBy, floor: number): Promise<CreateAnswer> {
    migrateObject(this.ctx.storage, tenantMigrations);
    const kept = this.#kept;
    if (kept?.state) return { kind: "exists", entry: this.#unfinished(kept.state, spec) };
    const now = Date.now();
    const revision = Math.max(kept?.revision ?? 0, floor) + 1;
    const state: TenantState = { name, spec, datasets: DEFAULT_DATASETS, resolution: null, revision, bornRevision: revision, createdAt: now, updatedAt: now };
    return { kind: "created", entry: this.#commit({ name, revision, state, observedBy: this.#nextTicket(kept?.observedBy ?? 0), contractId: null }, { ...audited(name, "tenant.create", by), after: spec }) };
  }

  async bury(name: string, by: ChangedBy, floor: number): Promise<ChangeAnswer> {
    migrateObject(this.ctx.storage, tenantMigrations);
    const kept = this.#kept;
    if (kept?.state) return { kind: "missing" };
    const revision = Math.max(kept?.revision ?? 0, floor) + 1;
    const next = { name, revision, state: null, observedBy: this.#nextTicket(kept?.observedBy ?? 0), contractId: null };
    return { kind: "ok", entry: this.#commit(next, { ...audited(name, "tenant.delete", by), message: "the copy of a tenant whose source was lost" }) };
  }

  /** The entry of a creation that broke off before D1 showed it, when this is the same creation again. */
  #unfinished(state: TenantState, spec: TenantSpec): OutboxEntry | null {
    if (JSON.stringify(state.spec) !== JSON.stringify(spec)) return null;
    return this.#outbox.pending(PENDING_MAX).find((entry) => entry.kind === KIND && entry.revision === state.bornRevision) ?? null;
  }

  async change(change: TenantChange, by: ChangedBy): Promise<ChangeAnswer> {
    await this.#alarms.heal();
    const kept = this.#kept;
    if (!kept?.state) return { kind: "missing" };
    const revision = kept.revision + 1;
    const state = change.type === "delete" ? null : { ...changedState(kept.state, change), revision, updatedAt: Date.now() };
    // Whoever looked before this change would find out about what is over: the look that follows from the change is newer.
    return { kind: "ok", entry: this.#commit({ ...kept, revision, state, observedBy: this.#nextTicket(kept.observedBy) }, auditOf(kept.state, state, change, by)) };
  }

  async look(): Promise<{ readonly state: TenantState; readonly ticket: number } | null> {
    await this.#alarms.heal();
    const kept = this.#kept;
    if (!kept?.state) return null;
    return { state: kept.state, ticket: this.#nextTicket(kept.observedBy) };
  }

  /** The time lets tickets grow past a sleep, in which the last one is forgotten. */
  #nextTicket(observedBy: number): number {
    this.#ticket = Math.max(this.#ticket + 1, observedBy + 1, Date.now());
    return this.#ticket;
  }

  async observe(resolution: PolicyResolution, ticket: number): Promise<ObserveAnswer> {
    const kept = this.#kept;
    if (!kept?.state) return { kind: "missing" };
    if (ticket < kept.observedBy) return { kind: "ok", entry: null };
    if (JSON.stringify(kept.state.resolution) === JSON.stringify(resolution)) {
      // Nothing new, but whoever began earlier is out of date, also after a sleep.
      if (ticket > kept.observedBy) this.#sql.run("UPDATE tenant SET observed_by = ?", ticket);
      this.#kept = { ...kept, observedBy: ticket };
      return { kind: "ok", entry: null };
    }
    const revision = kept.revision + 1;
    const state: TenantState = { ...kept.state, resolution, revision, updatedAt: Date.now() };
    return { kind: "ok", entry: this.#commit({ ...kept, revision, state, observedBy: ticket }, null) };
  }

  async getState(): Promise<TenantState | null> {
    await this.#alarms.heal();
    return this.#kept?.state ?? null;
  }

  async announceContract(contractId: string): Promise<void> {
    const kept = this.#kept;
    if (!kept?.state || kept.contractId === contractId) return;
    this.#sql.run("UPDATE tenant SET contract_id = ?", contractId);
    this.#kept = { ...kept, contractId };
    this.#tellMembers();
  }

  async cutMembers(epoch: number): Promise<void> {
    this.#sockets.cut(epoch);
  }

  async recordParticipation(report: ParticipationReport): Promise<ParticipationAnswer> {
    await this.#alarms.heal();
    const kept = this.#kept;
    return kept?.state ? this.#participation.record(kept.name, report, Date.now()) : { kind: "missing" };
  }

  async pendingEntries(limit: number): Promise<readonly OutboxEntry[]> {
    return this.#kept ? this.#outbox.pending(limit) : [];
  }

  async ackEntries(seqs: readonly number[]): Promise<void> {
    if (this.#kept) this.#outbox.ack(seqs);
  }

  /** A member's socket. */
  override async fetch(request: Request): Promise<Response> {
    const kept = this.#kept;
    if (!kept?.state) return new Response(null, { status: 404 });
    if (kept.state.spec.suspended) return new Response(null, { status: 403 });
    return this.#sockets.accept(request, stateFrame(kept, kept.state));
  }

  #tellMembers(): void {
    const kept = this.#kept;
    if (kept?.state) this.#sockets.broadcast(stateFrame(kept, kept.state));
    else this.#sockets.closeAll(TENANT_GONE, "the tenant was deleted");
    if (kept?.state?.spec.suspended) this.#sockets.closeAll(TENANT_PAUSED, "the tenant is suspended");
  }

  override async webSocketMessage(ws: WebSocket): Promise<void> {
    this.#sockets.heard(ws);
  }

  override async webSocketClose(ws: WebSocket): Promise<void> {
    ws.close(1000, "closed");
  }

  override async alarm(): Promise<void> {
    const now = Date.now();
    const kept = this.#kept;
    for (const { subject, reason } of this.#alarms.listDue(now)) {
      if (reason === PROJECT_ALARM && kept) await this.#outbox.resend({ object: "tenant", name: kept.name }, now);
      else if (reason === PARTICIPATION_ALARM && kept?.state) this.#participation.flush(kept.name, now);
      else this.#alarms.disarm(subject, reason);
    }
    await this.#alarms.settle();
  }
}

/** More unacknowledged entries than one look shows. */
const PENDING_MAX = 100;

function changedState(state: TenantState, change: Exclude<TenantChange, { type: "delete" }>): TenantState {
  switch (change.type) {
    case "update":
      return { ...state, spec: patched(state.spec, change.patch) };
    case "suspend":
      return { ...state, spec: { ...state.spec, suspended: true } };
    case "resume":
      return { ...state, spec: { ...state.spec, suspended: false } };
    case "datasets":
      return { ...state, datasets: change.datasets };
  }
}

const ACTIONS: Readonly<Record<TenantChange["type"], string>> = { update: "tenant.update", suspend: "tenant.suspend", resume: "tenant.resume", datasets: "tenant.update_datasets", delete: "tenant.delete" };

const audited = (name: string, action: string, by: ChangedBy) => ({ by, action, kind: "Tenant", key: name, tenant: name });

function auditOf(before: TenantState, after: TenantState | null, change: TenantChange, by: ChangedBy): EntryAudit {
  const row = audited(before.name, ACTIONS[change.type], by);
  if (!after) return { ...row, before: before.spec };
  return change.type === "datasets" ? { ...row, before: before.datasets, after: after.datasets } : { ...row, ...changedFields(before.spec, after.spec) };
}

const stateFrame = (kept: Kept, state: TenantState): Readonly<Record<string, unknown>> => ({
  type: "tenant.state",
  tenant: state.name,
  phase: phaseOf(state.spec, state.resolution),
  ...(kept.contractId === null ? {} : { contractId: kept.contractId }),
});
