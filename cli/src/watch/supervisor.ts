import { existsSync } from "node:fs";
import type { GatewayStatus, WatchedWire } from "../core/api-types";
import type { Paths } from "../core/paths";
import { CRASH_LOOP_POLICY, type CrashLoopPolicy } from "./crash-loop";
import { findByPidfile, ForeignProcess, type Finding } from "./foreign-process";
import { ManagedChild } from "./managed-child";
import { findProgram, OpenclawStatus } from "./openclaw";
import { findByPattern, findOpenclawGateway, listProcesses, ownLineage, type ProcessRow } from "./process-table";
import { listRunFiles } from "./run-file";
import { gatewayOf, type WatchEntry } from "./watch-entry";
import { WATCH_TIMINGS, type RestartOutcome, type WatchChange, type Watcher, type WatchTimings } from "./watcher";

export interface SupervisorOptions {
  readonly paths: Paths;
  readonly timings?: WatchTimings;
  readonly policy?: CrashLoopPolicy;
  /** Look for an openclaw gateway of this machine. */
  readonly openclaw: boolean;
  onChange(change: WatchChange): void;
}

export interface GatewayView {
  readonly status: GatewayStatus;
  readonly pid: number | null;
}

const OPENCLAW = "openclaw gateway";
/** A whole-table scan for a gateway nobody has seen yet is not needed at every poll. */
const IDLE_SCAN_MS = 10_000;

/** All watched processes of this machine, and the question which of them is the gateway. */
export class Supervisor {
  private readonly watchers = new Map<string, { readonly entry: WatchEntry; readonly watcher: Watcher }>();
  private readonly timings: WatchTimings;
  private readonly openclaw: ForeignProcess | undefined;
  private readonly openclawStatus = new OpenclawStatus();
  private timer: NodeJS.Timeout | undefined;
  private rows: readonly ProcessRow[] | undefined;
  private scannedAt = 0;
  private held = false;

  constructor(private readonly options: SupervisorOptions) {
    this.timings = options.timings ?? WATCH_TIMINGS;
    if (!options.openclaw) return;
    this.openclaw = new ForeignProcess({
      name: OPENCLAW,
      timings: this.timings,
      find: () => this.findOpenclaw(),
      restartCommand: ["openclaw", "gateway", "restart"],
      stopCommand: ["openclaw", "gateway", "stop"],
      startCommand: ["openclaw", "gateway", "start"],
      onChange: (change) => options.onChange(change),
    });
  }

  /** `held`: the agents stay stopped from the beginning. */
  start(entries: readonly WatchEntry[], held = false): void {
    this.held = held;
    for (const entry of entries) this.add(entry);
    this.reportOrphans();
    if (held) void this.holdAgents();
    this.openclaw?.start();
    this.timer = setInterval(() => this.poll(), this.timings.pollMs);
  }

  /** Applies a changed config: stops what left it, starts what is new, restarts what differs. */
  async update(entries: readonly WatchEntry[]): Promise<void> {
    const wanted = new Map(entries.map((entry) => [entry.name, entry]));
    for (const [name, { entry, watcher }] of this.watchers) {
      const next = wanted.get(name);
      if (next !== undefined && JSON.stringify(next) === JSON.stringify(entry)) continue;
      this.watchers.delete(name);
      await watcher.close(false);
    }
    // Rebuilt in the file's order, because the first entry may stand for the gateway.
    const kept = new Map(this.watchers);
    this.watchers.clear();
    for (const entry of entries) {
      const old = kept.get(entry.name);
      if (old === undefined) this.add(entry);
      else this.watchers.set(entry.name, old);
    }
    await this.holdAgents();
  }

  /** Stops the gateway and the bots' processes and keeps them stopped, or lets them run again. Settles when they have followed. */
  async hold(held: boolean): Promise<void> {
    this.held = held;
    await this.holdAgents();
  }

  private async holdAgents(): Promise<void> {
    const gateway = this.gatewayEntry()?.watcher;
    const all = [...this.watchers.values()].map(({ entry, watcher }) => watcher.hold(this.held && (entry.bot !== undefined || watcher === gateway)));
    await Promise.all([...all, this.openclaw?.hold(this.held)]);
  }

  /** Whether an OpenClaw gateway runs that this daemon did not start, so that its environment is not ours to set. */
  foreignGateway(): boolean {
    const real = this.openclaw?.view();
    return real?.status === "running" && this.ownerOf(real.pid) === undefined;
  }

  watched(): WatchedWire[] {
    return [...this.watchers.values()].map(({ watcher }) => {
      const view = watcher.view();
      return { name: view.name, status: view.status, pid: view.pid, restarts: view.restarts, started_at: view.startedAt };
    });
  }

  /** The gateway: a real openclaw one if it runs or ran; else the entry marked or listed first; else what is installed. */
  gateway(): GatewayView {
    const real = this.openclaw?.view();
    if (real !== undefined && real.status !== "not_found") return { status: real.status, pid: real.pid };
    const standIn = this.gatewayEntry()?.watcher.view();
    if (standIn !== undefined) return { status: standIn.status === "not_found" ? "stopped" : standIn.status, pid: standIn.pid };
    if (this.openclaw === undefined) return { status: "unknown", pid: null };
    return { status: findProgram("openclaw") === undefined ? "not_installed" : "stopped", pid: null };
  }

  openclawRunning(): boolean {
    return this.openclaw?.view().status === "running";
  }

  hermesRunning(): boolean {
    return this.table().some((row) => /(^|\/)hermes(-agent)?\b.*\bgateway\b/.test(row.argv.join(" ")) && !/ (status|restart|stop)\b/.test(row.argv.join(" ")));
  }

  /** Restarts one process by name, or the gateway. Never rejects. */
  async restart(name: string | undefined): Promise<RestartOutcome> {
    const target = name === undefined ? this.gatewayWatcher() : (this.watchers.get(name)?.watcher ?? (name === OPENCLAW || name === "openclaw" ? this.openclaw : undefined));
    if (target !== undefined) return target.restart();
    const names = [...this.watchers.keys()];
    if (name === undefined) return { ok: false, text: "nothing to restart: no openclaw gateway was found and no process is watched" };
    return { ok: false, text: `no watched process is called "${name}"${names.length === 0 ? "" : `; watched: ${names.join(", ")}`}` };
  }

  async close(leaveRunning: boolean): Promise<void> {
    clearInterval(this.timer);
    await Promise.all([...this.watchers.values()].map(({ watcher }) => watcher.close(leaveRunning)));
  }

  /** Children of an earlier daemon that nobody asks for any more: they are named, not killed. */
  private reportOrphans(): void {
    for (const { name, pid } of listRunFiles(this.options.paths.run)) {
      if (this.watchers.has(name)) continue;
      this.options.onChange({ name, status: "running", pid, restarts: 0, startedAt: null, detail: "left by an earlier daemon and not watched now; stop it with kill, or watch it again" });
    }
  }

  private add(entry: WatchEntry): void {
    const watcher = this.create(entry);
    this.watchers.set(entry.name, { entry, watcher });
    if (this.held && (entry.bot !== undefined || this.gatewayEntry()?.watcher === watcher)) void watcher.hold(true);
    watcher.start();
  }

  private create(entry: WatchEntry): Watcher {
    const onChange = (change: WatchChange): void => {
      // A watcher that was taken out of the config no longer speaks for its name.
      if (this.watchers.get(entry.name)?.watcher === watcher) this.options.onChange(change);
    };
    const watcher: Watcher =
      entry.command !== undefined
        ? new ManagedChild(entry, {
            home: this.options.paths.home,
            runFolder: this.options.paths.run,
            logFolder: this.options.paths.logs,
            timings: this.timings,
            policy: this.options.policy ?? CRASH_LOOP_POLICY,
            onChange,
          })
        : new ForeignProcess({
            name: entry.name,
            timings: this.timings,
            find: () => this.findForeign(entry),
            onChange,
            ...(entry.restartCommand === undefined ? {} : { restartCommand: entry.restartCommand }),
          });
    return watcher;
  }

  private poll(): void {
    this.rows = undefined;
    for (const { watcher } of this.watchers.values()) watcher.poll();
    this.openclaw?.poll();
  }

  private gatewayEntry(): { readonly entry: WatchEntry; readonly watcher: Watcher } | undefined {
    const entry = gatewayOf([...this.watchers.values()].map((item) => item.entry));
    return entry === undefined ? undefined : this.watchers.get(entry.name);
  }

  /** An openclaw gateway that is one of our own children is restarted as that child, or there would be two. */
  private gatewayWatcher(): Watcher | undefined {
    const real = this.openclaw?.view();
    if (real === undefined || real.status === "not_found") return this.gatewayEntry()?.watcher;
    const own = this.ownerOf(real.pid);
    return own ?? this.openclaw;
  }

  private ownerOf(pid: number | null): Watcher | undefined {
    if (pid === null) return this.gatewayEntry()?.entry.command?.some((word) => /openclaw/.test(word)) === true ? this.gatewayEntry()?.watcher : undefined;
    const parents = new Map(this.table().map((row) => [row.pid, row.ppid]));
    const owners = new Map([...this.watchers.values()].map(({ watcher }) => [watcher.view().pid, watcher]));
    for (let at: number | undefined = pid, depth = 0; at !== undefined && at > 1 && depth < 20; at = parents.get(at), depth += 1) {
      const owner = owners.get(at);
      if (owner !== undefined) return owner;
    }
    return undefined;
  }

  private table(): readonly ProcessRow[] {
    this.rows ??= listProcesses();
    return this.rows;
  }

  private findForeign(entry: WatchEntry): Finding {
    if (entry.pidfile !== undefined && (existsSync(entry.pidfile) || entry.match === undefined)) return findByPidfile(entry.pidfile);
    if (entry.match === undefined) return { pid: undefined, goneMeans: "stopped" };
    // Looked up afresh: the caller may just have restarted it.
    this.rows = undefined;
    const rows = this.table();
    const row = findByPattern(rows, new RegExp(entry.match), ownLineage(rows, process.pid));
    return { pid: row?.pid, goneMeans: "crashed" };
  }

  private findOpenclaw(): Finding {
    const seen = this.openclaw?.everSeen === true;
    const installed = findProgram("openclaw") !== undefined;
    if (!seen && !installed && Date.now() - this.scannedAt < IDLE_SCAN_MS) return { pid: undefined, goneMeans: "crashed" };
    this.scannedAt = Date.now();
    this.rows = undefined;
    const rows = this.table();
    const row = findOpenclawGateway(rows, ownLineage(rows, process.pid));
    return { pid: row?.pid ?? (installed ? this.openclawStatus.servicePid() : undefined), goneMeans: "crashed" };
  }
}
