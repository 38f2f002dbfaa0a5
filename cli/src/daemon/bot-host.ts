import { join } from "node:path";
import { botBeats } from "../bots/bot-beat";
import type { BotCommandContext } from "../bots/bot-commands";
import { BotManager } from "../bots/bot-manager";
import type { BotTimings } from "../bots/bot-timings";
import type { BotRecord } from "../bots/bot-record";
import { hermesName } from "../bots/hermes";
import { openclawFolder } from "../bots/openclaw-config";
import { SkillFolder } from "../bots/skill-folder";
import type { Auth } from "../core/auth-store";
import type { BotBeat, WatchedWire } from "../core/api-types";
import { sleep } from "../core/backoff";
import type { Config, HermesConfig } from "../core/config";
import type { ApiClient } from "../core/http";
import type { Logger } from "../core/log";
import type { Paths } from "../core/paths";
import { ImageFinder, type ProgramCapability } from "../watch/openclaw";
import type { Supervisor } from "../watch/supervisor";
import type { RestartOutcome, WatchTimings } from "../watch/watcher";
import type { DaemonEvent } from "./events";

export interface BotHostOptions {
  readonly paths: Paths;
  readonly api: ApiClient;
  readonly auth: Auth;
  readonly log: Logger;
  readonly supervisor: Supervisor;
  readonly watchTimings: WatchTimings;
  readonly timings: BotTimings | undefined;
  config(): Config;
  /** Goes before the config's. */
  readonly hermesCommand: readonly string[] | undefined;
  instanceId(): string;
  /** The watched processes follow, then a beat. Never rejects. */
  onChange(): Promise<void>;
  emit(event: DaemonEvent): void;
  /** Something slow to ask has become known. */
  onNews(): void;
}

/** Where skills are: SETT_SKILLS, else the config, else OpenClaw's own folder. */
export function skillsPath(config: Config, env: NodeJS.ProcessEnv = process.env): string {
  return env["SETT_SKILLS"] || config.skills || join(openclawFolder(env), "skills");
}

/** The daemon's bots: what they are to its processes, its beats and its commands. */
export class BotHost {
  readonly manager: BotManager;
  readonly skills: SkillFolder;
  private readonly images: ImageFinder;

  constructor(private readonly options: BotHostOptions) {
    const { paths, api, auth, log } = options;
    this.skills = new SkillFolder(skillsPath(options.config()));
    this.images = new ImageFinder(options.onNews);
    this.manager = new BotManager({
      paths,
      api,
      log,
      owner: auth.user_id,
      ...(options.timings === undefined ? {} : { timings: options.timings }),
      instanceId: () => options.instanceId(),
      hermes: () => this.hermes(),
      onChange: () => options.onChange(),
      onBot: (account, detail, ok) => options.emit({ event: "bot", account, ok, detail }),
    });
  }

  beats(): BotBeat[] {
    const { supervisor } = this.options;
    const watched = supervisor.watched();
    return botBeats(this.manager.list(), {
      gateway: supervisor.gateway().status,
      hermes: (record) => {
        const row = rowOf(watched, record);
        if (row !== undefined) return { status: row.status, startedAt: row.started_at };
        const problem = this.manager.hermesProblem(record);
        return problem === null ? undefined : { problem };
      },
      skills: this.skills.list(),
      now: Date.now(),
    });
  }

  /** What beats say of Hermes: the program, a command of the config, or an image that docker has. */
  hermesCapability(program: ProgramCapability, foreignRuns: boolean): ProgramCapability {
    const hermes = this.hermes();
    const watched = this.options.supervisor.watched();
    const running = foreignRuns || this.manager.list().some((record) => rowOf(watched, record)?.status === "running");
    if (program.installed) return { ...program, running };
    return { installed: hermes.command !== undefined || this.images.has(hermes.image), ...(running ? { running } : {}) };
  }

  private hermes(): HermesConfig {
    const { hermes } = this.options.config();
    const { hermesCommand } = this.options;
    return hermesCommand === undefined ? hermes : { ...hermes, command: hermesCommand };
  }

  context(): BotCommandContext {
    return { bots: this.manager, skills: this.skills, api: this.options.api, settled: (record) => this.settled(record) };
  }

  async restartBot(botId: string): Promise<RestartOutcome> {
    const record = this.manager.find(botId);
    if (record === undefined) return { ok: false, text: "that bot is not on this machine" };
    if (record.runtime !== "hermes") return this.options.supervisor.restart(undefined);
    const problem = this.manager.hermesProblem(record);
    if (problem !== null) return { ok: false, text: problem };
    const before = this.manager.entries().find((entry) => entry.bot === record.account);
    this.manager.forgetLaunch(record.account);
    const after = this.manager.entries().find((entry) => entry.bot === record.account);
    if (JSON.stringify(before) === JSON.stringify(after)) return this.options.supervisor.restart(hermesName(record.account));
    // It learns something new with this start (its recovery key): the changed entry is the restart.
    await this.options.onChange();
    const state = await this.settled(record);
    return { ok: state.ok, text: state.ok ? `restarted: ${state.text}` : state.text };
  }

  private async settled(record: BotRecord): Promise<{ readonly ok: boolean; readonly text: string }> {
    if (record.runtime !== "hermes") return { ok: true, text: "OpenClaw has them" };
    const { supervisor, watchTimings } = this.options;
    const problem = this.manager.hermesProblem(record);
    if (problem !== null) return { ok: false, text: problem };
    for (const until = Date.now() + watchTimings.comeBackMs; Date.now() < until; ) {
      const row = rowOf(supervisor.watched(), record);
      await sleep(watchTimings.settleMs);
      if (row?.status === "running" && rowOf(supervisor.watched(), record)?.pid === row.pid) return { ok: true, text: `its Hermes runs as pid ${row.pid ?? "?"}` };
    }
    return { ok: false, text: `its Hermes does not stay up; see: sett logs ${hermesName(record.account)}` };
  }
}

function rowOf(watched: readonly WatchedWire[], record: BotRecord): WatchedWire | undefined {
  return record.runtime === "hermes" ? watched.find((row) => row.name === hermesName(record.account)) : undefined;
}
