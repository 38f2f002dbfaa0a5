/** One word for the state of a machine, and the sentence that explains it. */
import { humanise } from "../lib/format";
import type { MachineEntry } from "./fleet.types";

export type MachineStatus = "online" | "reachable" | "link-down" | "offline";

export const MACHINE_STATUSES: readonly MachineStatus[] = ["online", "reachable", "link-down", "offline"];

export const STATUS_LABEL: Record<MachineStatus, string> = {
  online: "Online",
  reachable: "Reachable",
  "link-down": "Link down",
  offline: "Offline",
};

const OFFLINE_REASON: Record<string, string> = {
  link_lost: "its link was lost",
  silence: "it went silent",
  goodbye: "it said goodbye",
  revoked: "its token was revoked",
  deleted: "it was removed",
};

export function machineStatus({ machine, linkDownAt }: Pick<MachineEntry, "machine" | "linkDownAt">): MachineStatus {
  if (!machine.reachable) return "offline";
  if (linkDownAt !== null) return "link-down";
  return machine.isOnline ? "online" : "reachable";
}

export function offlineReasonText(reason: string | null): string | null {
  return reason === null ? null : (OFFLINE_REASON[reason] ?? humanise(reason));
}
