import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { sleep } from "../core/backoff";
import { errorText } from "../core/errors";
import { ensurePrivateDir } from "../core/files";
import { rotateOpenLog } from "../core/log";
import type { WatchedStatus } from "../core/api-types";
import { afterExit, judgeExit, NO_CRASHES, type CrashLoopPolicy, type CrashLoopState } from "./crash-loop";
import { identify, isAlive, isGroupAlive, sendSignal, type ProcessIdentity } from "./process-info";
import { childMark, commandKey, MARK_VARIABLE, RunFile } from "./run-file";
import type { WatchEntry } from "./watch-entry";
import { HELD, restartText, type RestartOutcome, type WatchChange, type WatchedView, type Watcher, type WatchTimings } from "./watcher";

export interface ManagedChildOptions {
  readonly home: string;
  readonly runFolder: string;
  readonly logFolder: string;
  readonly timings: WatchTimings;
  readonly policy: CrashLoopPolicy;
  onChange(change: WatchChange): void;
}

/**
 * A process the daemon starts and keeps running. It leads its own process group and writes its log by itself, so it
 * outlives a killed daemon and the next one adopts it; there are never two copies.
 */
export class ManagedChild implements Watcher {
  readonly name: string;
  readonly logPath: string;
  private status: WatchedStatus = "stopped";
  private identity: ProcessIdentity | undefined;
  private adopted = false;
  private startedAt: string | null = null;
  private restarts = 0;
  private crashes: CrashLoopState = NO_CRASHES;
  private retry: NodeJS.Timeout | undefined;
  private adoptedPoll: NodeJS.Timeout | undefined;
  private exited: Promise<void> = Promise.resolve();
  private lastExit = "";
  /** A stop or restart the daemon itself performs: the exit is no crash. */
  private expectExit = false;
  private closed = false;
  private held = false;
  /** Whether it ran, or was about to, when it was held. */
  private resumes = true;
  private respawning = false;
  private stopping: Promise<void> | undefined;
  private restarting: Promise<RestartOutcome> | undefined;
  private readonly runFile: RunFile;
  private readonly key: string;

  constructor(
    private readonly entry: WatchEntry,
    private readonly options: ManagedChildOptions,
  ) {
    this.name = entry.name;
    this.key = commandKey(entry);
    this.logPath = join(options.logFolder, `${entry.name}.log`);
    this.runFile = new RunFile(options.runFolder, options.home, entry.name);
  }

  view(): WatchedView {
    return { name: this.name, status: this.status, pid: this.identity?.pid ?? null, restarts: this.restarts, startedAt: this.identity === undefined ? null : this.startedAt };
  }

  start(): void {
    const left = this.runFile.findAlive();
    if (left === undefined) {
      if (this.held) this.change("stopped", HELD.text);
      else this.spawn("started");
      return;
    }
    this.restarts = left.restarts;
    this.watchAdopted(left.identity, left.startedAt);
    if (this.held) {
      void this.stop();
      return;
    }
    if (left.commandKey === "" || left.commandKey === this.key) {
      this.writeRunFile();
      this.change("running", "adopted: it was still running");
    } else {
      this.change("restarting", "its command changed while the daemon was away");
      void this.restart();
    }
  }

  poll(): void {
    try {
      rotateOpenLog(this.logPath);
    } catch {
      // A full disk: the next poll tries again.
    }
  }

  /** Stops the child gracefully and starts it again; also ends a crash loop. Concurrent calls share one restart. */
  restart(): Promise<RestartOutcome> {
    if (this.held) return Promise.resolve(HELD);
    this.restarting ??= this.restartOnce().finally(() => (this.restarting = undefined));
    return this.restarting;
  }

  async hold(held: boolean): Promise<void> {
    if (held === this.held) return;
    this.held = held;
    // While it is being stopped it is known already.
    if (held && this.startedAt !== null && (this.stopping === undefined || this.restarting !== undefined)) this.resumes = this.identity !== undefined || this.retry !== undefined || this.respawning || this.restarting !== undefined;
    this.clearRetry();
    await this.restarting;
    if (!held) await this.stopping;
    if (this.held !== held || this.closed) return;
    if (held) {
      await this.stop();
      if (this.identity === undefined) this.change("stopped", HELD.text);
    } else if (this.identity === undefined && this.resumes) {
      this.crashes = NO_CRASHES;
      this.spawn("resumed");
    }
  }

  async close(leaveRunning: boolean): Promise<void> {
    this.closed = true;
    this.clearRetry();
    await this.restarting;
    this.clearRetry();
    if (!leaveRunning) await this.stop();
    clearInterval(this.adoptedPoll);
  }

  private clearRetry(): void {
    clearTimeout(this.retry);
    this.retry = undefined;
  }

  private async restartOnce(): Promise<RestartOutcome> {
    const startedAt = Date.now();
    const before = this.identity?.pid ?? null;
    this.clearRetry();
    this.crashes = NO_CRASHES;
    if (this.identity !== undefined) {
      this.change("restarting", "restart asked for");
      await this.stop();
      if (this.current() !== undefined) return { ok: false, text: `${this.name} (pid ${before ?? "?"}) does not end, not even with SIGKILL` };
    }
    this.restarts += 1;
    this.spawn("restarted");
    const started = this.current();
    await sleep(this.options.timings.settleMs);
    if (started === undefined || this.current()?.pid !== started.pid || !isAlive(started)) {
      return { ok: false, text: `${this.name} ended at once after the restart (${this.lastExit}); see: sett logs ${this.name}` };
    }
    return { ok: true, text: restartText(this.name, before, started.pid, Date.now() - startedAt) };
  }

  /** The child that runs now; a call, because it changes across awaits. */
  private current(): ProcessIdentity | undefined {
    return this.identity;
  }

  private spawn(why: string): void {
    if (this.closed || this.held) return;
    const [program, ...args] = this.entry.command ?? [];
    this.expectExit = false;
    let log: number | undefined;
    try {
      ensurePrivateDir(this.options.logFolder);
      log = openSync(this.logPath, "a", 0o600);
      const child = spawn(program ?? "", args, {
        detached: true,
        stdio: ["ignore", log, log],
        env: { ...process.env, ...this.entry.env, [MARK_VARIABLE]: childMark(this.options.home, this.name) },
        ...(this.entry.cwd === undefined ? {} : { cwd: this.entry.cwd }),
      });
      const begunAt = Date.now();
      if (child.pid === undefined) {
        child.once("error", (error) => this.failedToStart(errorText(error)));
        return;
      }
      child.on("error", () => undefined);
      this.identity = identify(child.pid) ?? { pid: child.pid, start: null };
      this.adopted = false;
      this.startedAt = new Date(begunAt).toISOString();
      this.exited = new Promise((resolve) => {
        child.once("exit", (code, signal) => {
          this.ended(code, signal, Date.now() - begunAt);
          resolve();
        });
      });
      this.writeRunFile();
      this.change("running", why);
    } catch (error) {
      if (this.identity === undefined) this.failedToStart(errorText(error));
    } finally {
      if (log !== undefined) closeSync(log);
    }
  }

  private failedToStart(detail: string): void {
    this.lastExit = `could not start: ${detail}`;
    this.crashed(this.lastExit, 0);
  }

  private writeRunFile(): void {
    if (this.identity === undefined) return;
    const startedAt = this.startedAt ?? new Date().toISOString();
    try {
      this.runFile.write({ identity: this.identity, commandKey: this.key, startedAt, restarts: this.restarts });
    } catch {
      // A full disk: the child runs all the same, and its mark still lets the next daemon find it.
    }
  }

  private watchAdopted(identity: ProcessIdentity, startedAt: string): void {
    this.identity = identity;
    this.adopted = true;
    this.startedAt = startedAt;
    clearInterval(this.adoptedPoll);
    this.exited = new Promise((resolve) => {
      this.adoptedPoll = setInterval(() => {
        if (isAlive(identity)) return;
        clearInterval(this.adoptedPoll);
        // Only a parent learns the exit code; an adopted child's end is taken for a crash.
        this.ended(null, null, Date.now() - Date.parse(startedAt));
        resolve();
      }, this.options.timings.adoptedPollMs);
    });
  }

  private ended(code: number | null, signal: string | null, ranMs: number): void {
    const pid = this.identity?.pid;
    const wasAdopted = this.adopted;
    this.identity = undefined;
    this.lastExit = signal !== null ? `signal ${signal}` : code !== null ? `exit code ${code}` : "it ended";
    try {
      this.runFile.remove();
    } catch {
      // Left behind it names a dead process, which is harmless.
    }
    if (this.expectExit || this.closed || this.held) {
      if (this.restarting === undefined) this.change("stopped", this.lastExit);
      return;
    }
    const verdict = wasAdopted ? { crashed: true, restart: this.entry.restart !== "never" } : judgeExit(this.entry.restart, code, signal);
    if (!verdict.restart) this.change(verdict.crashed ? "crashed" : "stopped", this.lastExit);
    else this.crashed(this.lastExit, ranMs, pid);
  }

  private crashed(detail: string, ranMs: number, pid?: number): void {
    const { state, decision } = afterExit(this.crashes, Date.now(), ranMs, this.options.policy);
    this.crashes = state;
    if (decision.act === "give_up") {
      this.change("crashed", `${detail}; ${decision.crashes} crashes in a row: not tried again until a restart command or a config change`);
      return;
    }
    this.change("crashed", `${detail}; starting again in ${decision.delayMs / 1000} s`);
    this.clearRetry();
    this.retry = setTimeout(() => {
      this.retry = undefined;
      void this.respawn(pid);
    }, decision.delayMs);
  }

  private async respawn(oldPid: number | undefined): Promise<void> {
    // What a dead wrapper leaves behind in its group would otherwise be a second copy.
    this.respawning = true;
    if (oldPid !== undefined) await this.clearGroup(oldPid);
    this.respawning = false;
    if (this.closed || this.held || this.identity !== undefined || this.restarting !== undefined) return;
    this.restarts += 1;
    this.spawn("started again");
  }

  /** SIGTERM to the group, SIGKILL after the grace. Returns when the child and its group are gone. */
  private stop(): Promise<void> {
    this.stopping ??= this.stopOnce().finally(() => (this.stopping = undefined));
    return this.stopping;
  }

  private async stopOnce(): Promise<void> {
    const identity = this.identity;
    if (identity === undefined) return;
    this.expectExit = true;
    const { stopMs } = this.options.timings;
    if (isAlive(identity)) this.signalGroup(identity.pid, "SIGTERM");
    await Promise.race([this.exited, sleep(stopMs)]);
    if (isAlive(identity)) this.signalGroup(identity.pid, "SIGKILL");
    await Promise.race([this.exited, sleep(2_000)]);
    await this.clearGroup(identity.pid);
  }

  private async clearGroup(pid: number): Promise<void> {
    const until = Date.now() + this.options.timings.stopMs;
    if (!isGroupAlive(pid)) return;
    this.signalGroup(pid, "SIGTERM");
    while (Date.now() < until) {
      await sleep(50);
      if (!isGroupAlive(pid)) return;
    }
    this.signalGroup(pid, "SIGKILL");
  }

  private signalGroup(pid: number, signal: NodeJS.Signals): boolean {
    try {
      return sendSignal(pid, signal, true);
    } catch {
      return false;
    }
  }

  private change(status: WatchedStatus, detail: string): void {
    this.status = status;
    this.options.onChange({ ...this.view(), detail });
  }
}
