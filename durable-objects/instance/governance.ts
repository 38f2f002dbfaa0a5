import type { ParticipationEvent } from "../../src/governance/awareness/participation.core";
import type { ObjectBindings } from "../../src/kernel/context";
import { MINUTE_MS } from "../../src/kernel/clock";
import { describeError, type Logger } from "../../src/kernel/logging/logger";
import type { MachineEvent } from "../account-feed/account-feed.rpc";
import type { AlarmTable } from "../shared/alarm-table";
import type { CountedSql } from "../shared/counted-sql";
import type { EventLog, LoggedEvent } from "../shared/event-log";
import { tenantObject } from "../stubs";
import type { Announcer } from "./announcer";
import { beginsStretch, foldReport, foldTold, hasUntold, NO_REPORTS, pointerOf, toFacts, type ReportState } from "./governance.core";
import type { ContractPointer, GovernanceBeat, GovernanceFacts, MachineContract } from "./governance.rpc";
import type { InstanceStore, Machine } from "./instance.store";
import type { AlarmReason } from "./keeper";
import type { Links } from "./links";

/** Most events of one report to the tenant's object. */
const EVENTS_PER_REPORT = 20;
const RETRY_MS = MINUTE_MS;

interface GovernorParts {
  readonly sql: CountedSql;
  readonly store: InstanceStore;
  readonly log: EventLog;
  readonly links: Links;
  readonly alarms: AlarmTable<AlarmReason>;
  readonly announcer: Announcer;
  readonly bindings: ObjectBindings;
  readonly logger: Logger;
  readonly transaction: (work: () => void) => void;
  readonly defer: (work: Promise<unknown>) => void;
}

interface Governed {
  contract: MachineContract;
  reports: ReportState;
  /** A report of mere presence did not arrive; the next beat repeats it. */
  owed: boolean;
  telling: boolean;
}

/** Keeps the contract of a governed machine, and tells its tenant's object how the machine takes part. */
export class Governor {
  readonly #parts: GovernorParts;
  readonly #governed = new Map<number, Governed>();

  constructor(parts: GovernorParts) {
    this.#parts = parts;
  }

  /** After a wake-up. */
  async load(): Promise<void> {
    for (const row of this.#parts.sql.all<{ machine_id: number; contract: string; reports: string }>("SELECT machine_id, contract, reports FROM governance")) {
      // JSON that this very class wrote.
      const governed: Governed = { contract: JSON.parse(row.contract) as MachineContract, reports: JSON.parse(row.reports) as ReportState, owed: false, telling: false };
      this.#governed.set(row.machine_id, governed);
      if (!governed.contract.released && hasUntold(governed.reports)) await this.#retryLater(row.machine_id, Date.now());
    }
  }

  contractOf(machineId: number): MachineContract | null {
    return this.#governed.get(machineId)?.contract ?? null;
  }

  /** The suspended tenant that keeps the machine from working; null when none does. */
  suspendedBy(machineId: number): string | null {
    const contract = this.contractOf(machineId);
    return contract?.suspended && !contract.released ? contract.tenant : null;
  }

  /** What the answer to a beat says of the contract. */
  pointerOf(machineId: number): ContractPointer | null {
    const governed = this.#governed.get(machineId);
    return governed ? pointerOf(governed.contract, governed.reports) : null;
  }

  facts(machine: Machine): GovernanceFacts | null {
    const governed = this.#governed.get(machine.id);
    return governed ? toFacts(governed.contract, governed.reports, machine.live.lastSeen) : null;
  }

  /**
   * Keeps a contract and tells the machine. An older one, or the same again, changes nothing.
   * @returns the revision that is kept now
   * @throws Error when commands could not be withdrawn from streams; the same contract again withdraws them
   */
  async govern(machine: Machine, contract: MachineContract, now: number): Promise<number> {
    const { log, links, store, transaction, announcer } = this.#parts;
    const known = this.#governed.get(machine.id);
    if (known && contract.revision <= known.contract.revision) {
      if (contract.revision === known.contract.revision) await this.#withdrawCommands(machine);
      return known.contract.revision;
    }
    const reports = known && known.contract.tenant !== contract.tenant ? forAnotherTenant(known.reports) : (known?.reports ?? NO_REPORTS);
    const data: MachineEvent = { type: "contract", contract_id: contract.contractId, revision: contract.revision };
    let event: LoggedEvent | undefined;
    transaction(() => {
      this.#save(machine.id, contract, reports);
      event = log.append(machine.id, data, now);
      store.appendHistory(machine.id, "contract.change", { tenant: contract.tenant, revision: contract.revision, suspended: contract.suspended, released: contract.released }, now);
    });
    if (known) Object.assign(known, { contract, reports });
    else this.#governed.set(machine.id, { contract, reports, owed: false, telling: false });
    if (event) links.broadcast(machine.id, event);
    await this.#withdrawCommands(machine);
    await announcer.publish(machine.ref.userId, data, machine.ref.instanceId, true);
    return contract.revision;
  }

  /** A suspended machine's commands wait with us alone; once it is resumed its beats bring them. */
  async #withdrawCommands(machine: Machine): Promise<void> {
    if (this.suspendedBy(machine.id) !== null) await this.#parts.announcer.withdrawCommands(machine.ref.userId);
  }

  /** Takes what a beat says. Steady: no row, no alarm, and one call of the tenant's object every few minutes beside the beat. */
  takeBeat(machine: Machine, beat: GovernanceBeat | null, previousBeatAt: number, now: number): void {
    const governed = this.#governed.get(machine.id);
    if (!governed) return;
    const reports = foldReport(governed.reports, beat, previousBeatAt);
    if (reports !== governed.reports) {
      governed.reports = reports;
      this.#save(machine.id, governed.contract, reports);
    }
    if (governed.contract.released) return;
    if (hasUntold(reports) || governed.owed || (beat !== null && beginsStretch(previousBeatAt, now))) this.#parts.defer(this.#tell(machine, governed, now));
  }

  /** What did not reach the tenant's object goes again. */
  async onAlarm(machine: Machine, now: number): Promise<void> {
    this.#parts.alarms.disarm(machine.id, "governance");
    const governed = this.#governed.get(machine.id);
    if (governed && !governed.contract.released && hasUntold(governed.reports)) await this.#tell(machine, governed, now);
  }

  /** The machine is another one now, or gone; its table may be, too. */
  forget(machineId: number, tableGone: boolean): void {
    if (this.#governed.delete(machineId) && !tableGone) this.#parts.sql.run("DELETE FROM governance WHERE machine_id = ?", machineId);
  }

  async #tell(machine: Machine, governed: Governed, now: number): Promise<void> {
    if (governed.telling) return;
    governed.telling = true;
    const { reports, contract } = governed;
    const violations = reports.untold.violations.slice(0, EVENTS_PER_REPORT - 1);
    const told = { changed: reports.untold.changed, violations };
    try {
      const events = eventsOf(machine.ref.instanceId, reports, violations, now);
      const answer = await tenantObject(this.#parts.bindings, contract.tenant).recordParticipation({ events, seenAt: machine.live.lastSeen, machine: machine.ref.instanceId });
      governed.owed = false;
      if (machine.gone || this.#governed.get(machine.id) !== governed || governed.contract.tenant !== contract.tenant) return;
      if (hasUntold(reports)) {
        governed.reports = answer.kind === "missing" ? { ...governed.reports, untold: NO_REPORTS.untold } : foldTold(governed.reports, told, reports.reported);
        this.#save(machine.id, governed.contract, governed.reports);
        if (hasUntold(governed.reports)) await this.#retryLater(machine.id, now);
      }
    } catch (error) {
      governed.owed = true;
      this.#parts.logger.warn("the tenant took no report", { event: "instance.participation.failed", ...describeError(error) });
      if (!machine.gone && hasUntold(governed.reports)) await this.#retryLater(machine.id, now);
    } finally {
      governed.telling = false;
    }
  }

  async #retryLater(machineId: number, now: number): Promise<void> {
    const { alarms } = this.#parts;
    if (alarms.dueAt(machineId, "governance") === null) await alarms.arm(machineId, "governance", now + RETRY_MS);
  }

  /** One row. */
  #save(machineId: number, contract: MachineContract, reports: ReportState): void {
    this.#parts.sql.run(
      "INSERT INTO governance (machine_id, contract, reports) VALUES (?, ?, ?) ON CONFLICT (machine_id) DO UPDATE SET contract = excluded.contract, reports = excluded.reports",
      machineId,
      JSON.stringify(contract),
      JSON.stringify(reports),
    );
  }
}

/** Another tenant has heard nothing of what this machine runs. */
const forAnotherTenant = (reports: ReportState): ReportState => ({ ...reports, untold: { changed: reports.reported !== null, violations: [] } });

/** As the tenant's object counts them: a change of version shows itself, each violation counts once. */
function eventsOf(instanceId: string, { reported, untold }: ReportState, violations: ReportState["untold"]["violations"], now: number): ParticipationEvent[] {
  const version = reported?.awarenessVersion ?? undefined;
  const shown: ParticipationEvent[] = untold.changed ? [{ kind: "heartbeat", idempotencyKey: `${instanceId}:report:${now}`, at: now, contractVersion: version }] : [];
  const counted = violations.map((violation): ParticipationEvent => {
    const at = violation.at === null ? now : Date.parse(violation.at);
    return { kind: "skill_execution", idempotencyKey: `${instanceId}:violation:${violation.id}`, at, contractVersion: version, outcome: "policy-violation", violation: { kind: violation.kind, subject: violation.subject ?? "" } };
  });
  return [...shown, ...counted];
}
