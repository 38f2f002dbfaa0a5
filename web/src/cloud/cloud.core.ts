/** What the cloud pages say of a machine. No I/O. */
import type { MachineEntry } from "../fleet/fleet.types";
import { countOf, formatDay } from "../lib/format";
import type { CloudVm, CloudVmList, VmAddon } from "./cloud.types";

/** `silent`: it is up as far as we know, but it does not beat. */
export type VmState = "booting" | "installing" | "setup" | "online" | "silent" | "failed" | "destroying";
export type VmTone = "ok" | "info" | "warn" | "bad" | "quiet";

export const STATE_WORDS: Record<VmState, { label: string; tone: VmTone; isMoving: boolean }> = {
  booting: { label: "Booting", tone: "info", isMoving: true },
  installing: { label: "Installing", tone: "info", isMoving: true },
  setup: { label: "Setting up", tone: "info", isMoving: true },
  online: { label: "Online", tone: "ok", isMoving: false },
  silent: { label: "Not heard", tone: "warn", isMoving: false },
  failed: { label: "Failed", tone: "bad", isMoving: false },
  destroying: { label: "Being destroyed", tone: "quiet", isMoving: true },
};

const isVmState = (text: string): text is VmState => text in STATE_WORDS;

/** Whether it is on its way and has a percentage. */
export const isInFlight = (state: VmState): boolean => state === "booting" || state === "installing" || state === "setup";

/** How far a machine is, by whatever told it last. */
export interface Progress {
  status: string;
  /** 0 to 100 of the whole way. */
  percent: number;
  detail: string | null;
}

/** The list's word, and the live fleet's over it. */
export function progressOf(vm: CloudVm, entry: MachineEntry | undefined): Progress {
  const live = entry?.machine;
  if (live?.provisionStatus != null) return { status: live.provisionStatus, percent: live.provisionPercent ?? vm.percent, detail: live.provisionDetail };
  return { status: vm.provision_status ?? "booting", percent: vm.percent, detail: vm.provision_detail };
}

/** @param isHeard null while nobody knows */
export function stateOf(status: string, isHeard: boolean | null): VmState {
  if (status === "online") return isHeard === false ? "silent" : "online";
  return isVmState(status) ? status : "failed";
}

/** "2 cores · 8 GB memory · 40 GB disk". */
export function describeSize({ cpu, ram, disk_size_gb }: Pick<CloudVm, "cpu" | "ram" | "disk_size_gb">): string {
  return [countOf(cpu, "core"), `${ram} GB memory`, ...(disk_size_gb === null ? [] : [`${disk_size_gb} GB disk`])].join(" · ");
}

/** A word about money: `warn` when it is going to end. */
export interface Payer {
  text: string;
  isEnding: boolean;
}

/** What pays for a machine, and until when. */
export function describePayer(vm: Pick<CloudVm, "addon_id" | "destroy_after" | "unpaid_since">, addons: readonly VmAddon[] | undefined): Payer {
  if (vm.destroy_after !== null) return { text: `Nothing pays for it: it is destroyed on ${formatDay(vm.destroy_after)}`, isEnding: true };
  if (vm.unpaid_since !== null) return { text: "Nothing pays for it", isEnding: true };
  if (vm.addon_id === null) return { text: "Included in your plan", isEnding: false };
  const addon = addons?.find(({ id }) => id === vm.addon_id);
  if (!addon) return { text: "Paid by an add-on", isEnding: false };
  if (addon.status === "grace") return { text: `Its add-on's payment failed${addon.grace_until ? `: pay before ${formatDay(addon.grace_until)}` : ""}`, isEnding: true };
  if (addon.status === "expired") return { text: "Its add-on has ended", isEnding: true };
  if (addon.status === "cancelled") return { text: `Its add-on ends${addon.period_end ? ` on ${formatDay(addon.period_end)}` : ""}, and the machine with it`, isEnding: true };
  return { text: `Paid by an add-on${addon.period_end ? `, renews on ${formatDay(addon.period_end)}` : ""}`, isEnding: false };
}

/** "2 cloud machines, 1 more possible"; the second part is left out where there is no end. */
export function describePlaces({ cloud_vms, available }: CloudVmList): string {
  const have = countOf(cloud_vms.length, "machine");
  return available < 0 ? have : `${have}, ${available === 0 ? "no more" : `${available} more`} paid for`;
}

/** What would show another list: which machines there are and what they are doing. */
export function cloudVersion(entries: Readonly<Record<string, MachineEntry>> | undefined): string {
  return Object.values(entries ?? {})
    .filter(({ machine }) => machine.provisionStatus !== null)
    .map(({ machine }) => `${machine.instanceId}:${machine.provisionStatus}`)
    .sort()
    .join(" ");
}
