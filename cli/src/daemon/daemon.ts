import { saveAuth } from "../core/auth-store";
import { Backoff } from "../core/backoff";
import type { Beat } from "../core/api-types";
import { loadConfig, type Config } from "../core/config";
import { CliError, errorText } from "../core/errors";
import { fileStamp } from "../core/files";
import { machineFingerprint, proposeInstanceId } from "../core/identity";
import type { JsonObject } from "../core/json";
import { openBeatLink } from "../link/beat-link";
import type { Fatal } from "../link/frames";
import { keepLinked } from "../link/keep-linked";
import { ladderFor, type Transport } from "../link/ladder";
import { LINK_TIMINGS, type Link, type LinkHooks, type LinkTimings } from "../link/link";
import { openSocketLink } from "../link/socket-link";
import { openStreamLink } from "../link/stream-link";
import { Governor } from "../governance/governor";
import { CLI_VERSION } from "../version";
import { Supervisor } from "../watch/supervisor";
import { withAgentsEnvironment, type WatchEntry } from "../watch/watch-entry";
import { WATCH_TIMINGS } from "../watch/watcher";
import { BEAT_MS } from "./beat";
import { BeatBuilder } from "./beat-builder";
import { BeatLoop } from "./beat-loop";
import { BotHost } from "./bot-host";
import type { CommandRunner } from "./command-runner";
import { createRunner } from "./create-runner";
import type { DaemonOptions } from "./daemon-options";
import { describeEnd, type DaemonEnd } from "./daemon-end";
import type { DaemonEvent } from "./events";
import { Journal } from "./journal";
import { registerMachine } from "./register-machine";
import { proxyPortOf, readState, resumeFrom, writeState } from "./state-file";

/** Beat intervals until the server names its own (live-wire §1). */
const DEFAULT_INTERVAL_MS: Record<Transport, number> = { socket: BEAT_MS, sse: 300_000, beats: 30_000 };
const GOODBYE_MS = 3_000;
/** How long a stop waits for results on their way. */
const LAST_RESULTS_MS = 1_000;
const FIGURES_POLL_MS = 10_000;

/** One machine's daemon: watches processes, keeps the link, beats, and does commands. Runs once. */
export class Daemon {
  private readonly stopper = new AbortController();
  private readonly startedAt = new Date().toISOString();
  private readonly supervisor: Supervisor;
  private readonly beats: BeatLoop;
  private readonly reporter: BeatBuilder;
  private readonly bots: BotHost;
  private readonly governor: Governor;
  private readonly linkTimings: LinkTimings;
  /** What the last daemon left, read before this one writes its own. */
  private readonly formerState: JsonObject | undefined;
  private runner: CommandRunner | undefined;
  private config: Config;
  private configStamp: string;
  private link: Link | undefined;
  private linkSince: string | null = null;
  private instanceId: string;
  private lastEventId: string | undefined;
  private lastBeatAt: string | null = null;
  private lastError: string | null = null;
  private lastRestart: string | null = null;
  private openingBeat: Beat | undefined;
  private handover: readonly string[] | undefined;
  private saveTimer: NodeJS.Timeout | undefined;
  private applying: Promise<void> = Promise.resolve();

  /** Throws a usage error when the config file is wrong. */
  constructor(private readonly options: DaemonOptions) {
    this.linkTimings = options.linkTimings ?? LINK_TIMINGS;
    this.formerState = readState(options.paths.state);
    this.config = loadConfig(options.configFile, options.configMustExist);
    this.configStamp = fileStamp(options.configFile);
    // Always the id this machine would choose: the server finds its own row by the fingerprint and answers the real one,
    // and a copied home folder does not speak for the machine it was copied from.
    this.instanceId = proposeInstanceId();
    this.supervisor = new Supervisor({
      paths: options.paths,
      openclaw: options.openclaw,
      ...(options.watchTimings === undefined ? {} : { timings: options.watchTimings }),
      ...(options.crashPolicy === undefined ? {} : { policy: options.crashPolicy }),
      onChange: (change) => {
        const { name, status, pid, restarts, detail } = change;
        this.emit({ event: "process", name, status, pid, restarts, detail });
        this.beats.changed();
      },
    });
    this.bots = new BotHost({
      paths: options.paths,
      api: options.api,
      auth: options.auth,
      log: options.log,
      supervisor: this.supervisor,
      watchTimings: options.watchTimings ?? WATCH_TIMINGS,
      timings: options.botTimings,
      config: () => this.config,
      hermesCommand: options.hermesCommand,
      instanceId: () => this.instanceId,
      onChange: () => this.applyEntries(),
      emit: (event) => this.emit(event),
      onNews: () => this.beats.changed(),
    });
    this.governor = new Governor({
      paths: options.paths,
      api: options.api,
      log: options.log,
      formerPort: proxyPortOf(this.formerState),
      instanceId: () => this.instanceId,
      applySettings: (patch, secrets) => this.bots.manager.openclaw.applySettings(patch, secrets),
      skills: () => this.bots.skills.list().map((skill) => skill.name),
      foreignGateway: () => this.supervisor.foreignGateway(),
      onChange: () => this.applyEntries(),
      onNews: () => this.beats.changed(),
      emit: (event) => this.emit(event),
      ...(options.resolve === undefined ? {} : { resolve: options.resolve }),
      ...(options.linkTimings === undefined ? {} : { retry: { baseMs: options.linkTimings.backoffBaseMs, capMs: options.linkTimings.backoffCapMs } }),
    });
    const news = (): void => this.beats.changed();
    this.reporter = new BeatBuilder(this.supervisor, this.startedAt, news, this.bots, () => this.governor.beat());
    this.beats = new BeatLoop({
      build: () => this.reporter.build(this.lastRestart),
      onSent: (reason, beat) => {
        this.lastBeatAt = new Date().toISOString();
        this.governor.told(beat.governance);
        this.emit({ event: "beat", reason, gateway_status: beat.gateway_status, gateway_pid: beat.gateway_pid });
      },
      onRefused: (detail) => {
        this.lastError = detail;
        options.log.warn("beat.refused", { detail });
      },
    });
  }

  /** Asks the daemon to leave: goodbye, then its children end (unless they are left running). */
  stop(): void {
    this.stopper.abort();
  }

  /** Runs until stopped or sent away. Rejects only with CliError for what must end at the start. */
  async run(): Promise<DaemonEnd> {
    const { options } = this;
    const { signal } = this.stopper;
    this.emit({ event: "started", pid: process.pid, version: CLI_VERSION, server: options.api.server, home: options.paths.home });
    const journal = new Journal(options.paths.journal);
    const timers: NodeJS.Timeout[] = [];
    let fatal: Fatal | undefined;
    let failure: CliError | undefined;
    try {
      await this.governor.start();
      this.supervisor.start(this.entries(), this.governor.suspended);
      this.saveState();
      timers.push(setInterval(() => this.look(), (options.watchTimings ?? WATCH_TIMINGS).pollMs), setInterval(() => this.beats.changed(), FIGURES_POLL_MS));
      await this.register(signal);
      this.runner = this.createRunner(journal);
      if (!signal.aborted) fatal = await this.keepLinked(signal);
    } catch (error) {
      if (!(error instanceof CliError)) throw error;
      failure = error;
    } finally {
      for (const timer of timers) clearInterval(timer);
      await this.bots.manager.stop();
      await this.leave(fatal !== undefined || failure !== undefined);
      journal.close();
    }
    return describeEnd(fatal, failure, this.handover);
  }

  private async leave(sentAway: boolean): Promise<void> {
    if (this.link !== undefined && !sentAway) await this.runner?.drain(LAST_RESULTS_MS);
    this.runner?.stop();
    this.beats.linkDown();
    const link = this.link;
    this.link = undefined;
    const handingOver = this.handover !== undefined;
    if (link !== undefined && !sentAway && !handingOver) await link.goodbye(GOODBYE_MS);
    link?.close();
    // A revoked token or a new version is no reason to take the gateway down; the next daemon adopts it.
    const leave = this.options.leaveRunning || sentAway || handingOver;
    const running = this.supervisor.watched().filter((item) => item.status === "running");
    await this.supervisor.close(leave);
    await this.governor.stop();
    const left = leave ? running.map((item) => `${item.name} (pid ${item.pid ?? "?"})`) : [];
    this.emit({ event: "goodbye", reason: handingOver ? "update" : sentAway ? "sent away" : "stopped", left_running: left });
    clearTimeout(this.saveTimer);
    this.writeStateNow();
  }

  /** Registers the machine and takes the id that the server has for it. Throws CliError when it refuses. */
  private async register(signal: AbortSignal): Promise<void> {
    const { api, label, paths } = this.options;
    const instance = await registerMachine({
      api,
      body: { instance_id: this.instanceId, label, version: CLI_VERSION, online: true, machine_fingerprint: machineFingerprint(paths) },
      backoff: new Backoff({ baseMs: this.linkTimings.backoffBaseMs, capMs: this.linkTimings.backoffCapMs }),
      signal,
      onWait: (detail, waitMs) => this.waits(detail, waitMs),
    });
    if (instance === undefined) return;
    this.instanceId = instance.instance_id || this.instanceId;
    if (this.options.auth.instance_id !== this.instanceId) saveAuth(paths, { ...this.options.auth, instance_id: this.instanceId });
    this.lastEventId = resumeFrom(this.formerState, api.server, this.instanceId);
    this.emit({ event: "registered", instance_id: this.instanceId, label });
  }

  private waits(detail: string, waitMs: number): void {
    this.lastError = detail;
    this.emit({ event: "waiting", detail, wait_ms: waitMs });
  }

  private keepLinked(signal: AbortSignal): Promise<Fatal | undefined> {
    return keepLinked({
      ladder: ladderFor(this.options.transport),
      timings: this.linkTimings,
      signal,
      open: (transport) => this.open(transport),
      serverAnswers: () => this.serverAnswers(),
      onUp: (link) => {
        this.link = link;
        this.linkSince = new Date().toISOString();
        this.lastError = null;
        this.emit({ event: "linked", transport: link.transport });
        this.beats.linkUp(link, link.transport === "beats" ? this.openingBeat : undefined);
        this.runner?.flush();
        this.bots.manager.linkUp();
        this.governor.linkUp();
      },
      onDown: (transport, detail) => {
        this.link = undefined;
        this.linkSince = null;
        this.beats.linkDown();
        this.bots.manager.linkDown();
        this.governor.linkDown();
        this.emit({ event: "unlinked", transport, detail });
      },
      onWait: (_transport, detail, waitMs) => this.waits(detail, waitMs),
    });
  }

  private open(transport: Transport): Promise<Link> {
    const { api } = this.options;
    const hooks = this.hooks();
    this.beats.setInterval(DEFAULT_INTERVAL_MS[transport]);
    if (transport === "socket") return openSocketLink(api, this.instanceId, this.lastEventId, hooks, this.linkTimings);
    if (transport === "sse") return openStreamLink(api, this.instanceId, this.lastEventId, hooks, this.linkTimings);
    const firstBeat = (): Beat => (this.openingBeat = this.reporter.build(this.lastRestart));
    return openBeatLink(api, this.instanceId, firstBeat, hooks, this.linkTimings);
  }

  private hooks(): LinkHooks {
    return {
      onCommands: (commands) => this.runner?.receive(commands),
      onEvent: (type, data) => {
        this.options.log.debug("event.received", { type });
        if (type === "resync") this.beats.sayAll("resync");
        this.bots.manager.handleEvent(type, data);
        this.governor.handleEvent(type);
      },
      onEventId: (id) => {
        this.lastEventId = id;
        this.saveState();
      },
      onPace: (beatMs, until) => this.beats.setPace({ beatMs, until }),
      onInterval: (ms) => this.beats.setInterval(ms),
      onContract: (contract) => this.governor.heard(contract),
    };
  }

  private async serverAnswers(): Promise<boolean> {
    try {
      const answer = await this.options.api.request("GET", "/health", { timeoutMs: 5_000 });
      return answer.status < 500;
    } catch {
      return false;
    }
  }

  private createRunner(journal: Journal): CommandRunner {
    const { api, log } = this.options;
    return createRunner({
      journal,
      log,
      paused: this.governor.suspended,
      sender: () => this.link,
      restart: async (name) => {
        const outcome = await this.supervisor.restart(name);
        if (outcome.ok) this.lastRestart = new Date().toISOString();
        this.beats.changed();
        return outcome;
      },
      restartBot: (botId) => this.bots.restartBot(botId),
      bots: this.bots.context(),
      update: () => this.config.update,
      server: api.server,
      emit: (event) => this.emit(event),
      onUpdated: (binary) => {
        if (this.stopper.signal.aborted) return;
        this.handover = binary;
        this.stop();
      },
    });
  }

  private entries(): readonly WatchEntry[] {
    const flagged = new Set(this.options.flagEntries.map((entry) => entry.name));
    const entries = [...this.options.flagEntries, ...this.config.watch.filter((entry) => !flagged.has(entry.name)), ...this.bots.manager.entries()];
    const environment = this.governor.environment();
    return environment === undefined ? entries : withAgentsEnvironment(entries, environment);
  }

  /** Has the watched processes follow the config and the bots; changes take turns. */
  private applyEntries(): Promise<void> {
    // At once: to stop the agents takes its time, and no command is done meanwhile.
    if (this.governor.suspended) this.runner?.setPaused(true);
    this.applying = this.applying
      .then(async () => {
        if (!this.stopper.signal.aborted) {
          const { suspended } = this.governor;
          // Held before anything is started anew, let go after.
          if (suspended) await this.supervisor.hold(true);
          await this.supervisor.update(this.entries());
          if (!suspended) await this.supervisor.hold(false);
          this.runner?.setPaused(this.governor.suspended);
        }
        this.beats.changed();
      })
      .catch((error: unknown) => this.options.log.error("processes.update.failed", { detail: errorText(error) }));
    return this.applying;
  }

  /** Looks after whatever others change on disk. */
  private look(): void {
    void this.reloadConfig();
    this.bots.manager.tick();
    this.governor.tick();
  }

  private async reloadConfig(): Promise<void> {
    const stamp = fileStamp(this.options.configFile);
    if (stamp === this.configStamp) return;
    this.configStamp = stamp;
    try {
      this.config = loadConfig(this.options.configFile);
    } catch (error) {
      this.emit({ event: "config", ok: false, detail: `${errorText(error)} (the old one stays in force)` });
      return;
    }
    this.emit({ event: "config", ok: true, detail: "config changed" });
    await this.applyEntries();
  }

  private emit(event: DaemonEvent): void {
    const { event: name, ...fields } = event;
    this.options.log.info(`daemon.${name}`, fields);
    this.options.onEvent(event);
    this.saveState();
  }

  /** Writes the state file soon; many events at once cost one write. */
  private saveState(): void {
    this.saveTimer ??= setTimeout(() => {
      this.saveTimer = undefined;
      this.writeStateNow();
    }, 100);
  }

  private writeStateNow(): void {
    const gateway = this.supervisor.gateway();
    try {
      writeState(this.options.paths.state, {
        pid: process.pid,
        version: CLI_VERSION,
        started_at: this.startedAt,
        server: this.options.api.server,
        instance_id: this.instanceId,
        link: this.link?.transport ?? "none",
        link_since: this.linkSince,
        last_beat_at: this.lastBeatAt,
        last_error: this.lastError,
        gateway_status: gateway.status,
        gateway_pid: gateway.pid,
        watched: this.supervisor.watched(),
        last_event_id: this.lastEventId ?? null,
        governance: this.governor.state(),
      });
    } catch (error) {
      this.options.log.warn("state.write.failed", { error });
    }
  }
}
