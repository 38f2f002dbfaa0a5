import type { Passage } from "../../kernel/sse/bridge";
import { percentOf, type VmStatus, type VmStep } from "../vm-provisioning";

/** What somebody hears who watches one machine come to be (docs/design/live-wire.md §4). */

/** A machine as its row tells it. */
export interface WatchedVm {
  readonly instanceId: string;
  readonly status: VmStatus;
  readonly step: VmStep;
  readonly stepPercent: number;
  readonly detail: string | null;
  /** Orders what is told: events carry it as `seq`. */
  readonly version: number;
  /** ms */
  readonly updatedAt: number;
}

type EventData = Readonly<Record<string, unknown>>;

const SETTLED: ReadonlySet<unknown> = new Set<VmStatus>(["online", "failed", "destroyed"]);

/** Nothing changes any more unless somebody asks for it. */
export const isSettled = (status: VmStatus): boolean => SETTLED.has(status);

const settledEvent = ({ instanceId, provisionStatus, detail, seq, at }: EventData): EventData => ({ type: "cloud_vm.settled", instanceId, provisionStatus, detail, seq, at });

/** What is true now, in the words of the events that follow; with the last word where nothing follows. */
export function openingOf(vm: WatchedVm): readonly EventData[] {
  const { instanceId, status, step, stepPercent, detail, version, updatedAt } = vm;
  const now = { type: "cloud_vm.progress", instanceId, provisionStatus: status, step, percent: percentOf(vm), stepPercent, detail, seq: version, at: new Date(updatedAt).toISOString() };
  return isSettled(status) ? [now, settledEvent(now)] : [now];
}

const NOTHING: Passage = { say: [], ends: false };

/**
 * What of the account's events this machine's watchers hear. Events older than the opening are what a client missed: they are told, and
 * settle nothing, since what came after them is known.
 */
export function passageOf(data: EventData, { instanceId, version }: Pick<WatchedVm, "instanceId" | "version">): Passage {
  if (data["instanceId"] !== instanceId) return NOTHING;
  if (data["type"] === "machine.removed") {
    return { say: [settledEvent({ instanceId, provisionStatus: "destroyed", detail: null, seq: null, at: data["at"] })], ends: true };
  }
  const seq = data["seq"];
  if (data["type"] !== "cloud_vm.progress" || typeof seq !== "number" || seq === version) return NOTHING;
  const ends = seq > version && SETTLED.has(data["provisionStatus"]);
  return { say: ends ? [data, settledEvent(data)] : [data], ends };
}
