import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, vi } from "vitest";
import { BOT_TIMINGS } from "../../../cli/src/bots/bot-timings";
import { newRecord, type BotRecord } from "../../../cli/src/bots/bot-record";
import { BotStore } from "../../../cli/src/bots/bot-store";
import { saveAuth } from "../../../cli/src/core/auth-store";
import { ApiClient } from "../../../cli/src/core/http";
import { Logger } from "../../../cli/src/core/log";
import { settPaths, type Paths } from "../../../cli/src/core/paths";
import { Daemon } from "../../../cli/src/daemon/daemon";
import type { DaemonEnd } from "../../../cli/src/daemon/daemon-end";
import type { DaemonEvent } from "../../../cli/src/daemon/events";
import { LINK_TIMINGS } from "../../../cli/src/link/link";
import type { WatchEntry } from "../../../cli/src/watch/watch-entry";
import { WATCH_TIMINGS } from "../../../cli/src/watch/watcher";
import { installRuntimes } from "../../support/runtimes.mjs";
import { FakeBots } from "./fake-bots";
import { FakeServer } from "./fake-server";
import { eventually, IDLE_COMMAND, temporaryHome } from "./support";

type Json = Record<string, unknown>;

const LINKS = { ...LINK_TIMINGS, openMs: 2_000, answerMs: 2_000, backoffBaseMs: 20, backoffCapMs: 100, shortLifeMs: 0 };
const WATCH = { ...WATCH_TIMINGS, pollMs: 50, adoptedPollMs: 30, stopMs: 1_000, settleMs: 60, comeBackMs: 5_000 };
const BOTS = { ...BOT_TIMINGS, retryBaseMs: 10, retryCapMs: 50 };
const GATEWAY: WatchEntry = { name: "gateway", command: IDLE_COMMAND, restart: "always", gateway: true };

/** One start of the stand-in for Hermes. */
export interface HermesStart {
  readonly pid: number;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** A machine whose daemon has bots, with a server, a homeserver and stand-ins for the runtimes. */
export class BotWorld {
  readonly server = new FakeServer();
  readonly home = temporaryHome();
  readonly paths: Paths = settPaths(this.home.path);
  readonly store = new BotStore(this.paths.bots);
  readonly bots = new FakeBots(this.server);
  private readonly running: Array<{ readonly daemon: Daemon; readonly end: Promise<DaemonEnd> }> = [];

  static async open(): Promise<BotWorld> {
    const world = new BotWorld();
    await world.server.start();
    vi.stubEnv("SETT_INSTANCE_ID", "machine-1");
    vi.stubEnv("SETT_FINGERPRINT", "f".repeat(64));
    vi.stubEnv("OPENCLAW_STATE_DIR", world.path("openclaw"));
    vi.stubEnv("FAKE_HERMES_LOG", world.path("hermes.jsonl"));
    vi.stubEnv("PATH", installRuntimes(world.path("bin"), ["openclaw", "hermes"]));
    mkdirSync(world.path("openclaw"));
    return world;
  }

  async close(): Promise<void> {
    for (const { daemon, end } of this.running) {
      daemon.stop();
      await end;
    }
    await this.server.kill();
    this.home.remove();
    vi.unstubAllEnvs();
  }

  path(...words: string[]): string {
    return join(this.home.path, ...words);
  }

  /** Starts a daemon and waits for its first beat. */
  async start(): Promise<{ readonly events: DaemonEvent[] }> {
    const { server, paths } = this;
    const auth = { server: server.url, access_token: server.token, user_id: "@ada:x.test", expires_at: null, instance_id: null };
    saveAuth(paths, auth);
    const events: DaemonEvent[] = [];
    const daemon = new Daemon({
      paths,
      auth,
      api: new ApiClient(server.url, auth.access_token),
      label: "box",
      transport: "socket",
      configFile: paths.config,
      configMustExist: false,
      flagEntries: [GATEWAY],
      leaveRunning: false,
      openclaw: false,
      log: new Logger(paths.daemonLog, [auth.access_token]),
      onEvent: (event) => events.push(event),
      linkTimings: LINKS,
      watchTimings: WATCH,
      botTimings: BOTS,
    });
    this.running.push({ daemon, end: daemon.run() });
    await eventually("linked", () => server.linked && server.beats.length > 0);
    return { events };
  }

  /** What the last beat says of the first bot. */
  beat(): Json {
    return this.beats()[0] ?? {};
  }

  beats(): Json[] {
    return (this.server.beats.at(-1)?.["bots"] ?? []) as Json[];
  }

  get openclawFile(): string {
    return this.path("openclaw", "openclaw.json");
  }

  accounts(): Record<string, Json> {
    if (!existsSync(this.openclawFile)) return {};
    const config = JSON.parse(readFileSync(this.openclawFile, "utf8")) as { channels?: { badgerclaw?: { accounts?: Record<string, Json> } } };
    return config.channels?.badgerclaw?.accounts ?? {};
  }

  hermesStarts(): HermesStart[] {
    const path = this.path("hermes.jsonl");
    return existsSync(path) ? readFileSync(path, "utf8").trim().split("\n").map((line) => JSON.parse(line) as HermesStart) : [];
  }

  /** The bot `ada` as a daemon before this one left it. */
  keep(changes: Partial<BotRecord> = {}): BotRecord {
    const bot = this.bots.bots.get("ada") ?? this.bots.add("ada");
    bot.instance = "machine-1";
    const about = { account: "ada", server: this.server.url, instance_id: "machine-1", bot_id: bot.id, bot_name: "ada", runtime: "openclaw" as const, owner: "@ada:x.test", code_hash: null, unclaimed_code: null, paired_at: "2026-01-01T00:00:00Z" };
    const record = { ...newRecord({ user_id: bot.userId, homeserver: this.server.url, access_token: bot.token, device_id: bot.device }, about, undefined), configured: true, ...changes };
    this.store.save(record);
    return record;
  }

  /** Sends a command and waits for its result. */
  async send(type: string, payload: Json): Promise<Json> {
    const command = this.server.addCommand(`c-${this.server.commands.size}`, type, payload);
    this.server.deliver(command);
    await eventually(`${type} done`, () => command.results.length > 0);
    return command.results[0] ?? {};
  }

  /** Nothing that anybody else may read names a secret: not the log, not a command line, not what the server was told. */
  expectHidden(secret: string): void {
    const { paths } = this;
    const folders = [paths.logs, paths.run].filter((folder) => existsSync(folder));
    const files = [...folders.flatMap((folder) => readdirSync(folder).map((file) => join(folder, file))), this.path("openclaw", "calls.jsonl"), paths.state, paths.journal];
    for (const file of files) if (existsSync(file)) expect(readFileSync(file, "utf8")).not.toContain(secret);
    for (const { argv } of this.hermesStarts()) expect(argv.join(" ")).not.toContain(secret);
    expect(JSON.stringify(this.server.beats)).not.toContain(secret);
  }
}
