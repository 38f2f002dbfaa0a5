import { toCommandStatus, type Command } from "../../src/fleet/commands/commands.core";
import { redactDeep } from "../../src/kernel/logging/redact-deep";
import type { AlarmTable } from "../shared/alarm-table";
import { isoOrNull, shown, SHOWN_ENTRIES, shownEntry, type LogRow } from "../shared/inspection";
import type { CountedSql } from "../shared/counted-sql";
import type { Governor } from "./governance";
import type { InstanceInspection } from "./instance.rpc";
import type { InstanceStore, Machine } from "./instance.store";
import type { AlarmReason } from "./keeper";
import type { Links } from "./links";

interface Parts {
  readonly sql: CountedSql;
  readonly store: InstanceStore;
  readonly links: Links;
  readonly alarms: AlarmTable<AlarmReason>;
  readonly governor: Governor;
}

/** Reasons in the order in which a person looks for them. */
const REASONS: readonly AlarmReason[] = ["grace", "silence", "backstop", "commands", "announce", "pairing", "governance"];

/** Everything of one machine as it lies here, without settling anything first: whoever looks must not change what is looked at. */
export function inspectMachine({ sql, store, links, alarms, governor }: Parts, machine: Machine, now: number): InstanceInspection {
  const facts = links.facts(machine.id);
  const governance = governor.facts(machine);
  return {
    registration: shown(machine.registration),
    state: shown(machine.state),
    live: shown(machine.live),
    flushedAt: new Date(machine.flushedAt).toISOString(),
    unannounced: machine.unannounced,
    projectedOnline: machine.projectedOnline,
    samples: machine.samples.length,
    link: { kind: facts.kind, since: isoOrNull(facts.since) },
    governance: governance && { ...shown(governance), lastReportAt: isoOrNull(governance.lastReportAt) },
    tokens: [...machine.tokens].map(([id, cut]) => ({ id, cut })),
    alarms: REASONS.flatMap((reason) => {
      const dueAt = alarms.dueAt(machine.id, reason);
      return dueAt === null ? [] : [{ reason, dueAt: new Date(dueAt).toISOString(), overdue: dueAt <= now }];
    }),
    commands: store.listRecentCommands(machine.id, now).slice(0, SHOWN_ENTRIES).map(shownCommand),
    events: sql.all<LogRow>("SELECT seq, data, at FROM events WHERE subject = ? ORDER BY seq DESC LIMIT ?", machine.id, SHOWN_ENTRIES).map(shownEntry),
    history: store.listHistory(machine.id).map((entry) => ({ ...entry, data: shown(entry.data) })),
  };
}

const shownCommand = (command: Command) => ({
  ...shown(toCommandStatus(command)),
  id: command.id,
  state: command.state,
  late: command.late,
  payload: redactDeep(command.payload),
  expiresAt: new Date(command.expiresAt).toISOString(),
});
