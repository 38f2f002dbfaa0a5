import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { vi } from "vitest";
import { saveAuth } from "../../../cli/src/core/auth-store";
import { ApiClient } from "../../../cli/src/core/http";
import { readText } from "../../../cli/src/core/files";
import { Logger } from "../../../cli/src/core/log";
import { settPaths, type Paths } from "../../../cli/src/core/paths";
import { Daemon } from "../../../cli/src/daemon/daemon";
import type { DaemonOptions } from "../../../cli/src/daemon/daemon-options";
import type { DaemonEnd } from "../../../cli/src/daemon/daemon-end";
import type { DaemonEvent } from "../../../cli/src/daemon/events";
import { LINK_TIMINGS } from "../../../cli/src/link/link";
import type { WatchEntry } from "../../../cli/src/watch/watch-entry";
import { WATCH_TIMINGS } from "../../../cli/src/watch/watcher";
import { installRuntimes } from "../../support/runtimes.mjs";
import { FakeContracts } from "./fake-contracts";
import { FakeServer } from "./fake-server";
import { eventually, temporaryHome } from "./support";

type Json = Record<string, unknown>;

const LINKS = { ...LINK_TIMINGS, openMs: 2_000, answerMs: 2_000, backoffBaseMs: 20, backoffCapMs: 100, shortLifeMs: 0 };
const WATCH = { ...WATCH_TIMINGS, pollMs: 50, adoptedPollMs: 30, stopMs: 1_000, settleMs: 60, comeBackMs: 5_000 };

/** A gateway that says which proxy it was given. */
export const GATEWAY: WatchEntry = { name: "gateway", command: [process.execPath, "-e", "console.log('proxy', process.env.HTTPS_PROXY ?? 'none'); setInterval(() => {}, 1000)"], restart: "always", gateway: true };
export const WORKER: WatchEntry = { name: "worker", command: [process.execPath, "-e", "console.log('proxy', process.env.HTTPS_PROXY ?? 'none'); setInterval(() => {}, 1000)"], restart: "always", gateway: false };

/** What a beat says of governance. */
export interface ToldGovernance {
  readonly contract_id: string;
  readonly revision: number;
  readonly awareness_version: string | null;
  readonly enforcing: string[];
  readonly violations: Array<{ readonly id: string; readonly kind: string; readonly subject: string; readonly at: string }>;
}

/** A machine whose tenant's contract is set by the test, with a stand-in for OpenClaw. */
export class GovernanceWorld {
  readonly server = new FakeServer();
  readonly contracts = new FakeContracts(this.server);
  readonly home = temporaryHome();
  readonly paths: Paths = settPaths(this.home.path);
  private running: { readonly daemon: Daemon; readonly end: Promise<DaemonEnd> } | undefined;

  static async open(): Promise<GovernanceWorld> {
    const world = new GovernanceWorld();
    await world.server.start();
    vi.stubEnv("SETT_INSTANCE_ID", "machine-1");
    vi.stubEnv("SETT_FINGERPRINT", "f".repeat(64));
    vi.stubEnv("OPENCLAW_STATE_DIR", world.path("openclaw"));
    vi.stubEnv("SETT_SKILLS", world.path("skills"));
    vi.stubEnv("PATH", installRuntimes(world.path("bin"), ["openclaw"]));
    mkdirSync(world.path("openclaw"));
    mkdirSync(world.path("skills"));
    return world;
  }

  async close(): Promise<void> {
    await this.stop();
    await this.server.kill();
    this.home.remove();
    vi.unstubAllEnvs();
  }

  path(...words: string[]): string {
    return join(this.home.path, ...words);
  }

  start(changes: Partial<DaemonOptions> = {}): DaemonEvent[] {
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
      flagEntries: [WORKER, GATEWAY],
      leaveRunning: false,
      openclaw: false,
      log: new Logger(paths.daemonLog, [auth.access_token]),
      onEvent: (event) => events.push(event),
      linkTimings: LINKS,
      watchTimings: WATCH,
      crashPolicy: { baseMs: 20, capMs: 50, limit: 50, windowMs: 60_000, stableMs: 60_000 },
      resolve: async () => [],
      ...changes,
    });
    this.running = { daemon, end: daemon.run() };
    return events;
  }

  async stop(): Promise<void> {
    this.running?.daemon.stop();
    await this.running?.end;
    this.running = undefined;
  }

  beat(): Json {
    return this.server.beats.at(-1) ?? {};
  }

  told(): ToldGovernance | undefined {
    return this.beat()["governance"] as ToldGovernance | undefined;
  }

  /** All violations that beats ever told, once each. */
  violations(): string[] {
    const all = this.server.beats.flatMap((beat) => (beat["governance"] as ToldGovernance | undefined)?.violations ?? []);
    return [...new Map(all.map((violation) => [violation.id, `${violation.kind} ${violation.subject}`])).values()];
  }

  async untilRevision(revision: number): Promise<ToldGovernance> {
    return eventually(`revision ${revision} told`, () => this.told()?.revision === revision && this.told());
  }

  /** The proxy that a process was given at its last start. */
  async proxyOf(name: string): Promise<string> {
    return eventually(`${name} has started`, () => {
      const lines = (readText(join(this.paths.logs, `${name}.log`)) ?? "").split("\n").filter((line) => line.startsWith("proxy "));
      return lines.at(-1)?.slice("proxy ".length);
    });
  }

  gatewayLog(): string[] {
    return (readText(join(this.paths.logs, "gateway.log")) ?? "").trim().split("\n");
  }

  /** What `sett status` reads. */
  state(): { readonly governance?: { readonly revision: number; readonly problem: string | null } | null } {
    return JSON.parse(readText(this.paths.state) ?? "{}") as ReturnType<GovernanceWorld["state"]>;
  }

  watched(name: string): Json | undefined {
    return (this.beat()["watched"] as Json[] | undefined)?.find((item) => item["name"] === name);
  }

  get openclawFile(): string {
    return this.path("openclaw", "openclaw.json");
  }

  openclaw(): Json {
    return existsSync(this.openclawFile) ? (JSON.parse(readFileSync(this.openclawFile, "utf8")) as Json) : {};
  }

  writeOpenclaw(config: Json): void {
    writeFileSync(this.openclawFile, JSON.stringify(config));
  }
}
