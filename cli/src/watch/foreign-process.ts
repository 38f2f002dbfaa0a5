import { readFileSync } from "node:fs";
import { sleep } from "../core/backoff";
import { errorText } from "../core/errors";
import type { WatchedStatus } from "../core/api-types";
import { identify, isAlive, sendSignal, type ProcessIdentity } from "./process-info";
import { runCommand } from "./run-command";
import { HELD, restartText, type RestartOutcome, type WatchChange, type WatchedView, type Watcher, type WatchTimings } from "./watcher";

/** Where a foreign process is found. `expected` tells a crash (a pid file left behind) from a clean stop. */
export interface Finding {
  readonly pid: number | undefined;
  readonly goneMeans: "crashed" | "stopped";
}

export interface ForeignOptions {
  readonly name: string;
  readonly timings: WatchTimings;
  find(): Finding;
  readonly restartCommand?: readonly string[];
  /** Stops and starts it where a signal would only make its own supervisor bring it back. */
  readonly stopCommand?: readonly string[];
  readonly startCommand?: readonly string[];
  onChange(change: WatchChange): void;
}

/** A process somebody else runs: watched by looking, restarted by its own means. */
export class ForeignProcess implements Watcher {
  readonly name: string;
  private status: WatchedStatus = "not_found";
  private identity: ProcessIdentity | undefined;
  private restarts = 0;
  private seenAt: string | null = null;
  private restarting: Promise<RestartOutcome> | undefined;
  private held = false;
  /** Whether it was we who stopped it. */
  private stoppedByHold = false;
  private stopping: Promise<void> | undefined;

  constructor(private readonly options: ForeignOptions) {
    this.name = options.name;
  }

  view(): WatchedView {
    return { name: this.name, status: this.status, pid: this.identity?.pid ?? null, restarts: this.restarts, startedAt: this.identity === undefined ? null : this.seenAt };
  }

  /** Whether it has run at any time since the daemon began. */
  get everSeen(): boolean {
    return this.seenAt !== null;
  }

  start(): void {
    this.poll();
  }

  poll(): void {
    this.look();
    if (this.held && this.identity !== undefined) this.stopping ??= this.stop(this.identity).finally(() => (this.stopping = undefined));
  }

  private look(): void {
    if (this.identity !== undefined && isAlive(this.identity)) return;
    const finding = this.options.find();
    const found = finding.pid === undefined ? undefined : identify(finding.pid);
    if (found === undefined) {
      if (this.identity === undefined) return;
      const pid = this.identity.pid;
      this.identity = undefined;
      if (this.restarting === undefined) this.change(finding.goneMeans, `pid ${pid} is gone`);
      return;
    }
    const known = this.identity?.pid;
    if (this.seenAt !== null) this.restarts += 1;
    this.identity = found;
    this.seenAt = new Date().toISOString();
    this.change("running", known === undefined ? "found" : `pid ${known} → ${found.pid}`);
  }

  restart(): Promise<RestartOutcome> {
    if (this.held) return Promise.resolve(HELD);
    this.restarting ??= this.restartOnce().finally(() => (this.restarting = undefined));
    return this.restarting;
  }

  async hold(held: boolean): Promise<void> {
    if (held === this.held) return;
    this.held = held;
    await this.restarting;
    this.poll();
    await this.stopping;
    if (held || this.held || !this.stoppedByHold) return;
    this.stoppedByHold = false;
    const argv = this.options.startCommand ?? this.options.restartCommand;
    if (argv !== undefined) await this.runRestartCommand(argv);
    this.poll();
  }

  private async stop(identity: ProcessIdentity): Promise<void> {
    this.stoppedByHold = true;
    const { stopCommand, timings } = this.options;
    if (stopCommand !== undefined) await runCommand(stopCommand, timings.restartCommandMs);
    if (isAlive(identity)) this.terminate(identity);
    await sleep(Math.min(200, timings.pollMs));
    this.look();
  }

  async close(): Promise<void> {
    await this.restarting;
  }

  private async restartOnce(): Promise<RestartOutcome> {
    const startedAt = Date.now();
    const before = this.identity;
    const { restartCommand, timings } = this.options;
    if (restartCommand === undefined && before === undefined) {
      return { ok: false, text: `${this.name} is not running and has no restart_command: this daemon cannot start it` };
    }
    this.change("restarting", "restart asked for");
    const failure = restartCommand === undefined ? this.terminate(before) : await this.runRestartCommand(restartCommand);
    if (failure !== undefined) {
      this.settle();
      return { ok: false, text: failure };
    }
    const until = Date.now() + timings.comeBackMs;
    while (Date.now() < until) {
      await sleep(Math.min(200, timings.pollMs));
      this.poll();
      const now = this.identity;
      if (now === undefined || (before !== undefined && now.pid === before.pid && now.start === before.start)) continue;
      await sleep(timings.settleMs);
      if (!isAlive(now)) continue;
      return { ok: true, text: restartText(this.name, before?.pid ?? null, now.pid, Date.now() - startedAt) };
    }
    this.settle();
    const seconds = Math.round(timings.comeBackMs / 1000);
    if (this.identity !== undefined) return { ok: false, text: `${this.name} still runs as pid ${this.identity.pid}: the restart changed nothing within ${seconds} s` };
    return { ok: false, text: `${this.name} was stopped, but nothing started it again within ${seconds} s` };
  }

  private terminate(identity: ProcessIdentity | undefined): string | undefined {
    if (identity === undefined) return undefined;
    try {
      sendSignal(identity.pid, "SIGTERM");
      return undefined;
    } catch (error) {
      return `cannot stop ${this.name} (pid ${identity.pid}): ${errorText(error)}`;
    }
  }

  private async runRestartCommand(argv: readonly string[]): Promise<string | undefined> {
    const output = await runCommand(argv, this.options.timings.restartCommandMs);
    if (output.timedOut) return `the restart command of ${this.name} took too long: ${output.tail}`;
    return output.code === 0 ? undefined : `the restart command of ${this.name} failed (exit code ${output.code ?? "none"}): ${output.tail}`;
  }

  /** After a failed restart: say what is true now instead of "restarting". */
  private settle(): void {
    const alive = this.identity !== undefined && isAlive(this.identity);
    if (!alive) this.identity = undefined;
    this.change(alive ? "running" : this.seenAt === null ? "not_found" : "stopped", "after a failed restart");
  }

  private change(status: WatchedStatus, detail: string): void {
    this.status = status;
    this.options.onChange({ ...this.view(), detail });
  }
}

/** Finds by pid file: a file that names a dead process means a crash, no file a clean stop. */
export function findByPidfile(path: string): Finding {
  try {
    const pid = Number.parseInt(readFileSync(path, "utf8").trim(), 10);
    return { pid: Number.isNaN(pid) ? undefined : pid, goneMeans: "crashed" };
  } catch {
    return { pid: undefined, goneMeans: "stopped" };
  }
}
