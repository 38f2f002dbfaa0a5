import type { WatchedStatus } from "../core/api-types";

/** What became of a restart; `text` is what the fleet's owner reads. */
export interface RestartOutcome {
  readonly ok: boolean;
  readonly text: string;
}

export interface WatchedView {
  readonly name: string;
  readonly status: WatchedStatus;
  readonly pid: number | null;
  readonly restarts: number;
  readonly startedAt: string | null;
}

/** A change worth telling: goes to the log, the terminal and, as a beat, to the server. */
export interface WatchChange extends WatchedView {
  readonly detail: string;
}

/** Something the daemon watches, its own child or a foreign process. */
export interface Watcher {
  readonly name: string;
  view(): WatchedView;
  start(): void;
  /** Looks again (foreign and adopted processes); called every poll. */
  poll(): void;
  restart(): Promise<RestartOutcome>;
  /** Stopped and kept from running as long as it is held; afterwards it runs as before. */
  hold(held: boolean): Promise<void>;
  /** Ends the watching; a child is stopped too unless it is left running. */
  close(leaveRunning: boolean): Promise<void>;
}

export interface WatchTimings {
  readonly pollMs: number;
  readonly adoptedPollMs: number;
  /** How long a process may take to end by itself before SIGKILL. */
  readonly stopMs: number;
  /** How long a new process must live to count as running again. */
  readonly settleMs: number;
  /** How long a foreign supervisor may take to bring a process back. */
  readonly comeBackMs: number;
  readonly restartCommandMs: number;
}

export const WATCH_TIMINGS: WatchTimings = {
  pollMs: 2_000,
  adoptedPollMs: 500,
  stopMs: 5_000,
  settleMs: 500,
  comeBackMs: 30_000,
  restartCommandMs: 60_000,
};

/** What a restart of a held process answers. */
export const HELD: RestartOutcome = { ok: false, text: "the machine is suspended: its agents stay stopped until it is resumed" };

/** "pid 12 → 34 in 0.8 s" and the like. */
export function restartText(name: string, before: number | null, after: number, tookMs: number): string {
  const pids = before === null ? `pid ${after}` : `pid ${before} → ${after}`;
  return `restarted ${name}: ${pids} in ${(tookMs / 1000).toFixed(1)} s`;
}
