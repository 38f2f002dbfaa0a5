/** A cloud machine's way into being, step by step, as its own stream tells it. No I/O. */
import type { VmEvent } from "../api/live-types";
import type { CloudVm } from "./cloud.types";

export const VM_STEPS = ["create", "boot", "install", "setup", "online"] as const;
export type VmStep = (typeof VM_STEPS)[number];

const STEP_WORDS: Record<VmStep, string> = {
  create: "Order the computer",
  boot: "Boot it",
  install: "Install the software",
  setup: "Start the daemon",
  online: "Hear its first heartbeat",
};

/** Where a machine is on its way. `seq` orders what is told; what is not newer tells nothing. */
export interface Way {
  seq: number;
  status: string;
  step: string;
  stepPercent: number;
  percent: number;
  detail: string | null;
  isSettled: boolean;
}

/** What the list knows, until the stream says more. */
export const wayFromList = (vm: CloudVm): Way => ({
  seq: -1,
  status: vm.provision_status ?? "booting",
  step: vm.step,
  stepPercent: vm.step_percent,
  percent: vm.percent,
  detail: vm.provision_detail,
  isSettled: false,
});

/** The same way when the event is about what was missed, or repeated. */
export function foldWay(way: Way | null, event: VmEvent): Way | null {
  if (event.type === "cloud_vm.settled") {
    if (way === null || (event.seq !== null && event.seq < way.seq)) return way;
    return { ...way, status: event.provisionStatus, detail: event.detail ?? way.detail, isSettled: true };
  }
  const { seq, provisionStatus, step, stepPercent, percent, detail } = event;
  return way !== null && seq <= way.seq ? way : { seq, status: provisionStatus, step, stepPercent, percent, detail, isSettled: false };
}

export type StepState = "done" | "now" | "failed" | "waiting";

export interface StepBar {
  step: VmStep;
  title: string;
  state: StepState;
  /** 0 to 100 of this step. */
  percent: number;
  /** Only of the step that it is at. */
  detail: string | null;
}

/** One bar per step. Steps before the present one are done: whoever restarts has them behind. */
export function stepBars({ status, step, stepPercent, detail }: Pick<Way, "status" | "step" | "stepPercent" | "detail">): StepBar[] {
  const at = status === "online" ? VM_STEPS.length : Math.max(0, VM_STEPS.findIndex((known) => known === step));
  return VM_STEPS.map((name, index): StepBar => {
    const title = STEP_WORDS[name];
    if (index < at) return { step: name, title, state: "done", percent: 100, detail: null };
    if (index > at) return { step: name, title, state: "waiting", percent: 0, detail: null };
    return { step: name, title, state: status === "failed" ? "failed" : "now", percent: Math.min(100, Math.max(0, Math.round(stepPercent))), detail };
  });
}
