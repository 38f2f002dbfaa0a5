/**
 * The life of a cloud machine: which step follows which, how long each may take, how often it is tried, and how far along it is. No I/O, no
 * clock: times are ms. docs/design/cloud-vms.md
 */
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "../../kernel/clock";
import type { ComputerStatus } from "../../kernel/ports/compute";

export const CPUS = [1, 2, 4, 8, 16] as const;
export const RAM_GB = [4, 8, 16, 32, 64] as const;

export type VmStatus = "booting" | "installing" | "setup" | "online" | "failed" | "destroying" | "destroyed";
export type VmStep = "create" | "boot" | "install" | "setup" | "online";

/** How long a step may take, and how often it is begun. */
export const STEP_MS = 10 * MINUTE_MS;
export const STEP_TRIES = 3;
/** How long whoever claimed a row has for its one call: longer than any driver's time limit. */
export const LEASE_MS = 90 * SECOND_MS;
/** A computer that the provider denies this long is gone: one denial may be a list that lags behind. */
export const MISSING_MS = 30 * SECOND_MS;
/** After a call whose outcome nobody knows, the next one waits for it to show. */
export const UNCERTAIN_MS = 30 * SECOND_MS;
/** A call that we gave up takes effect within this, or never. */
export const LATE_EFFECT_MS = 15 * MINUTE_MS;
/** Silence after which a machine that should be up is looked at. */
export const SILENCE_MS = 5 * MINUTE_MS;
/** How often one that is online is looked at without a reason. */
export const CHECK_ONLINE_MS = HOUR_MS;
/** We restart a silent machine of our own accord at most this often, and make a lost one anew. */
export const MEND_EVERY_MS = HOUR_MS;
export const REBUILD_EVERY_MS = DAY_MS;
/** A destroying row older than this is shown to administrators. */
export const STUCK_MS = HOUR_MS;

/** As the contract shows a step. */
export const STATUS_OF: Readonly<Record<VmStep, VmStatus>> = { create: "booting", boot: "booting", install: "installing", setup: "setup", online: "setup" };

/** Where each step begins and ends on the whole way, percent. */
const SPAN: Readonly<Record<VmStep, readonly [number, number]>> = { create: [0, 10], boot: [10, 30], install: [30, 80], setup: [80, 90], online: [90, 100] };

/** How far along a machine is, percent of the whole way; one that failed stays where it failed. */
export function percentOf({ status, step, stepPercent }: { readonly status: VmStatus; readonly step: VmStep; readonly stepPercent: number }): number {
  if (status === "online") return 100;
  const [from, to] = SPAN[step];
  return Math.floor(from + ((to - from) * Math.min(100, Math.max(0, stepPercent))) / 100);
}

export const isInFlight = (status: VmStatus): boolean => status === "booting" || status === "installing" || status === "setup";
/** Whether its computer may be there, or may come to be there. */
export const isLiving = (status: VmStatus): boolean => status !== "destroyed" && status !== "destroying";

/** Columns of a step's beginning. */
export interface StepChange {
  readonly status: VmStatus;
  readonly step: VmStep;
  readonly stepStartedAt: number;
  readonly stepDeadlineAt: number;
  readonly stepTries: number;
  readonly stepPercent: number;
  readonly detail: string;
  readonly settleAt: number;
  readonly settleAttempts: number;
}

const DETAIL_OF: Readonly<Record<VmStep, string>> = {
  create: "Asking the provider for a computer",
  boot: "Waiting for the computer to boot",
  install: "Installing the software",
  setup: "Starting the daemon",
  online: "Waiting for the first heartbeat",
};

/** The beginning of a step, due at once. */
export const beginStep = (step: VmStep, now: number): StepChange => ({
  status: STATUS_OF[step],
  step,
  stepStartedAt: now,
  stepDeadlineAt: now + STEP_MS,
  stepTries: 0,
  stepPercent: 0,
  detail: DETAIL_OF[step],
  settleAt: now,
  settleAttempts: 0,
});

/** What a step that is not over yet does next. */
export type Patience = { readonly kind: "wait" } | { readonly kind: "retry"; readonly stepTries: number; readonly stepDeadlineAt: number } | { readonly kind: "give_up" };

/** Whether a step that did not end may go on. Its time being over costs a try; a try gives it its time again. */
export function patience({ stepDeadlineAt, stepTries }: { readonly stepDeadlineAt: number; readonly stepTries: number }, now: number): Patience {
  if (now < stepDeadlineAt) return { kind: "wait" };
  return stepTries + 1 >= STEP_TRIES ? { kind: "give_up" } : { kind: "retry", stepTries: stepTries + 1, stepDeadlineAt: now + STEP_MS };
}

/** What follows from the provider's word on a computer that should run. */
export type BootVerdict = "up" | "wait" | "start" | "broken" | "going";

export function bootVerdict(status: ComputerStatus): BootVerdict {
  switch (status) {
    case "running":
      return "up";
    case "creating":
    case "starting":
    case "restarting":
    case "stopping":
      return "wait";
    case "stopped":
    case "suspended":
      return "start";
    case "deleting":
      return "going";
    case "error":
      return "broken";
  }
}

/** How far a computer's boot is, as far as anybody can know. */
export const bootPercent = (status: ComputerStatus): number => ({ creating: 20, starting: 60, restarting: 60, stopping: 10, stopped: 10, suspended: 10, deleting: 0, error: 0, running: 100 })[status];

/** When to look again at something that the provider works on: soon at first, then seldom. */
export function pollMs(sinceMs: number): number {
  if (sinceMs < 15 * SECOND_MS) return SECOND_MS;
  return sinceMs < 2 * MINUTE_MS ? 5 * SECOND_MS : 15 * SECOND_MS;
}

/**
 * When to try again after `attempts` failures of the provider in a row. At most four minutes: with the sweep's minute, what is to go is gone
 * within a reconcile period after the provider is well again.
 */
export const retryMs = (attempts: number): number => Math.min(2 * SECOND_MS * 2 ** Math.max(0, attempts - 1), 4 * MINUTE_MS);
