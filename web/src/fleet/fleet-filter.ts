/** Which machines are shown, and in which order. */
import { nameOf } from "./fleet.reducer";
import type { MachineEntry } from "./fleet.types";
import { machineStatus, type MachineStatus } from "./machine-status";

export interface FleetFilter {
  text: string;
  status: MachineStatus | null;
}

/** By name and nothing else: a card must not jump away from the pointer because its state changed. */
export function sortEntries(entries: Record<string, MachineEntry>): MachineEntry[] {
  return Object.values(entries)
    .map((entry) => ({ entry, key: nameOf(entry.machine).toLowerCase() }))
    .toSorted((a, b) => collator.compare(a.key, b.key) || (a.entry.machine.instanceId < b.entry.machine.instanceId ? -1 : 1))
    .map(({ entry }) => entry);
}

const collator = new Intl.Collator("en", { numeric: true });

/** Every word must occur somewhere in what the card shows. */
export function filterEntries(entries: readonly MachineEntry[], { text, status }: FleetFilter): MachineEntry[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return entries.filter((entry) => {
    if (status !== null && machineStatus(entry) !== status) return false;
    if (words.length === 0) return true;
    const { machine } = entry;
    const haystack = [machine.label, machine.hostname, machine.instanceId, machine.os, machine.arch, machine.cliVersion, machine.gatewayStatus]
      .concat(machine.watched.map((process) => process.name))
      .join(" ")
      .toLowerCase();
    return words.every((word) => haystack.includes(word));
  });
}

export function countStatuses(entries: readonly MachineEntry[]): Record<MachineStatus, number> {
  const counts: Record<MachineStatus, number> = { online: 0, reachable: 0, "link-down": 0, offline: 0 };
  for (const entry of entries) counts[machineStatus(entry)] += 1;
  return counts;
}
