import { DurableObject } from "cloudflare:workers";
import { SECOND_MS } from "../../src/kernel/clock";
import type { ObjectBindings } from "../../src/kernel/context";
import { createLogger, describeError } from "../../src/kernel/logging/logger";
import type { MachineSummary } from "../instance/machine.rpc";
import { CountedSql } from "../shared/counted-sql";
import { EventLog, type LoggedEvent } from "../shared/event-log";
import { shown, SHOWN_ENTRIES, shownEntry, type LogRow, type ShownEntry } from "../shared/inspection";
import { hasTables, migrateObject } from "../shared/migrate";
import { readUpgrade, type Upgrade } from "../shared/upgrade";
import { instanceObject } from "../stubs";
import { accountFeedMigrations } from "./account-feed.migrations";
import type { AccountFeedRpc, DashboardEvent, FeedInspection, MachineEvent, MachineReport, Overview } from "./account-feed.rpc";
import { EMPTY_OVERVIEW, replaceContribution, withUnpairedBots } from "./overview.core";

const EVENTS_KEEP = 1_000;
/** How long a machine goes on showing every beat unasked: longer than the 300 s between beats of a machine with a stream. Its next report ends it. */
const WATCH_MS = 360 * SECOND_MS;
/** Fastest beat asked of a watched machine; many machines of one account share the feed, so they are asked for less. */
const PACE_MIN_MS = 5 * SECOND_MS;
const PACE_PER_MACHINE_MS = 25;
const PACE_MAX_MS = 60 * SECOND_MS;
/** A summary older than this is asked for afresh when somebody reads. */
const FRESH_MS = 10 * SECOND_MS;
/** Most machines that one read or one new dashboard asks. */
const ASK_MAX = 200;
const ACCOUNT = 0;
/** Cloud machines on their way: their percents are in no row here. */
const IN_FLIGHT: ReadonlySet<string> = new Set(["booting", "installing", "setup"]);

interface Entry {
  readonly seq: number;
  readonly summary: MachineSummary;
  /** When the summary was true, ms; 0 after a wake-up. */
  readonly asOf: number;
}

interface StreamAttachment {
  readonly type: "dashboard" | "progress" | "sse";
  readonly userId: number;
  readonly tokenId: string | null;
}

/**
 * What an account's dashboards see: summaries of its machines, counters, event logs and open streams. One per user.
 * Rows are written for what a person would notice; moving numbers live in memory and are asked for when somebody reads.
 */
export class AccountFeedDO extends DurableObject<ObjectBindings> implements AccountFeedRpc {
  static constructions = 0;

  readonly #sql: CountedSql;
  readonly #dashboardLog: EventLog;
  readonly #machineLog: EventLog;
  readonly #logger = createLogger({ object: "account-feed" });
  readonly #machines = new Map<string, Entry>();
  /** Machine → when it was removed, ms: an overtaken report must not bring it back. Reports carry the time as their sequence. */
  readonly #removed = new Map<string, number>();
  /** Over all machines. */
  #machineTotals: Overview = EMPTY_OVERVIEW;
  #unpairedBots = 0;
  #ready = false;

  constructor(ctx: DurableObjectState, env: ObjectBindings) {
    super(ctx, env);
    AccountFeedDO.constructions++;
    this.#sql = new CountedSql(ctx.storage.sql);
    this.#dashboardLog = new EventLog(this.#sql, "dashboard_events", EVENTS_KEEP);
    this.#machineLog = new EventLog(this.#sql, "machine_events", EVENTS_KEEP);
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair("ping", "pong"));
    if (hasTables(ctx.storage.sql)) this.#open();
  }

  /** Tables come with the first report: an account without machines stores nothing here. */
  #open(): void {
    if (this.#ready) return;
    migrateObject(this.ctx.storage, accountFeedMigrations);
    this.#ready = true;
    for (const row of this.#sql.all<{ instance_id: string; seq: number; summary: string }>("SELECT instance_id, seq, summary FROM machines")) {
      this.#put(row.instance_id, { seq: row.seq, summary: upgradeSummary(JSON.parse(row.summary) as MachineSummary), asOf: 0 });
    }
    this.#unpairedBots = this.#sql.all<{ count: number }>("SELECT count FROM unpaired_bots")[0]?.count ?? 0;
  }

  get #overview(): Overview {
    return withUnpairedBots(this.#machineTotals, this.#unpairedBots);
  }

  #put(instanceId: string, entry: Entry | null): void {
    this.#machineTotals = replaceContribution(this.#machineTotals, this.#machines.get(instanceId)?.summary ?? null, entry?.summary ?? null);
    if (entry) this.#machines.set(instanceId, entry);
    else this.#machines.delete(instanceId);
  }

  async report(_userId: number, report: MachineReport): Promise<{ readonly watchUntil: number; readonly paceMs: number }> {
    this.#open();
    const now = Date.now();
    const { summary, seq } = report;
    const known = this.#machines.get(summary.instanceId);
    if (!known && seq <= (this.#removed.get(summary.instanceId) ?? 0)) return { watchUntil: 0, paceMs: PACE_MAX_MS };
    if (!known || seq > known.seq) {
      this.#put(summary.instanceId, { seq, summary, asOf: now });
      if (report.notable) {
        this.#sql.run(
          "INSERT INTO machines (instance_id, seq, summary) VALUES (?, ?, ?) ON CONFLICT (instance_id) DO UPDATE SET seq = excluded.seq, summary = excluded.summary",
          summary.instanceId,
          seq,
          JSON.stringify(summary),
        );
      }
    }
    const watchers = this.#sockets("dashboard");
    for (const event of report.events) this.#publishDashboard(event, now);
    for (const event of report.passing ?? []) this.#broadcast(this.#listeners(), { id: this.#dashboardLog.head(), data: event });
    if (watchers.length === 0) return { watchUntil: 0, paceMs: PACE_MAX_MS };
    const current = this.#machines.get(summary.instanceId)?.summary ?? summary;
    this.#broadcast(watchers, { id: this.#dashboardLog.head(), data: { type: "heartbeat.update", instanceId: summary.instanceId, machine: current, overview: this.#overview } });
    return { watchUntil: now + WATCH_MS, paceMs: this.#paceMs() };
  }

  #publishDashboard(event: DashboardEvent, now: number): void {
    const shown = typeof event["instanceId"] === "string" ? (this.#machines.get(event["instanceId"])?.summary ?? null) : null;
    const full = event.type === "machine.online" || event.type === "machine.offline" ? { ...event, machine: shown, overview: this.#overview } : event;
    this.#broadcast(this.#listeners(), this.#dashboardLog.append(ACCOUNT, full, now));
  }

  #paceMs(): number {
    return Math.min(Math.max(PACE_MIN_MS, this.#machines.size * PACE_PER_MACHINE_MS), PACE_MAX_MS);
  }

  async getOverview(userId: number): Promise<Overview> {
    await this.#refresh(userId);
    return this.#overview;
  }

  async listMachines(userId: number): Promise<readonly MachineSummary[]> {
    await this.#refresh(userId);
    return this.#summaries();
  }

  #summaries(): MachineSummary[] {
    return [...this.#machines.values()].map((entry) => entry.summary).sort((a, b) => a.label.localeCompare(b.label) || a.instanceId.localeCompare(b.instanceId));
  }

  /** Asks the machines that seem reachable or are coming to be and whose numbers are old; what does not answer keeps its last summary. */
  async #refresh(userId: number): Promise<void> {
    const now = Date.now();
    const old = [...this.#machines]
      .filter(([, { summary, asOf }]) => (summary.reachable || IN_FLIGHT.has(summary.provisionStatus ?? "")) && asOf < now - FRESH_MS)
      .sort(([, a], [, b]) => a.asOf - b.asOf)
      .slice(0, ASK_MAX);
    await Promise.all(
      old.map(async ([instanceId, entry]) => {
        try {
          const summary = await instanceObject(this.env, { userId, instanceId }).getSummary({ userId, instanceId });
          const current = this.#machines.get(instanceId);
          if (!summary) this.#forget(instanceId);
          else if (current && current.seq === entry.seq) this.#put(instanceId, { ...current, summary, asOf: now });
        } catch (error) {
          this.#logger.warn("a machine's object did not answer", { event: "feed.refresh.failed", instance_id: instanceId, ...describeError(error) });
        }
      }),
    );
  }

  #forget(instanceId: string): boolean {
    if (!this.#machines.has(instanceId)) return false;
    this.#put(instanceId, null);
    this.#sql.run("DELETE FROM machines WHERE instance_id = ?", instanceId);
    return true;
  }

  async removeMachine(_userId: number, instanceId: string): Promise<void> {
    const now = Date.now();
    this.#removed.set(instanceId, now);
    if (this.#forget(instanceId)) this.#publishDashboard({ type: "machine.removed", instanceId, at: new Date(now).toISOString() }, now);
  }

  async publish(_userId: number, event: MachineEvent, targetInstanceId: string | null, keep: boolean): Promise<void> {
    const onlyMachine = this.#machines.size === 1 && this.#machines.has(targetInstanceId ?? "");
    if (targetInstanceId !== null && !onlyMachine) return;
    if (keep) this.#open();
    const logged = keep ? this.#machineLog.append(ACCOUNT, event, Date.now()) : { id: this.#ready ? this.#machineLog.head() : 0, data: event };
    this.#broadcast(this.#sockets("sse"), logged);
  }

  async withdrawCommands(_userId: number): Promise<void> {
    // Entries stay in their places, so that no number is given twice.
    if (this.#ready) this.#sql.run("UPDATE machine_events SET data = ? WHERE json_extract(data, '$.type') = 'command'", JSON.stringify({ type: "resync" }));
  }

  /** One row when the count changed, none otherwise. */
  async setUnpairedBots(_userId: number, count: number): Promise<void> {
    if (count === this.#unpairedBots) return;
    this.#open();
    this.#sql.run("INSERT INTO unpaired_bots (id, count) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET count = excluded.count", ACCOUNT, count);
    this.#unpairedBots = count;
    const watchers = this.#sockets("dashboard");
    if (watchers.length > 0) this.#broadcast(watchers, { id: this.#dashboardLog.head(), data: { type: "heartbeat.update", overview: this.#overview } });
  }

  async purge(_userId: number): Promise<void> {
    for (const ws of this.ctx.getWebSockets()) ws.close(4401, "the account was removed");
    this.#machines.clear();
    this.#machineTotals = EMPTY_OVERVIEW;
    this.#unpairedBots = 0;
    this.#ready = false;
    await this.ctx.storage.deleteAll();
  }

  async inspect(_userId: number): Promise<FeedInspection> {
    const entries = (table: "dashboard_events" | "machine_events"): ShownEntry[] =>
      this.#ready ? this.#sql.all<LogRow>(`SELECT seq, data, at FROM ${table} ORDER BY seq DESC LIMIT ?`, SHOWN_ENTRIES).map(shownEntry) : [];
    return {
      overview: this.#overview,
      unpairedBots: this.#unpairedBots,
      machines: [...this.#machines].slice(0, ASK_MAX).map(([instanceId, { seq, summary, asOf }]) => ({ instanceId, seq, asOf: asOf === 0 ? null : new Date(asOf).toISOString(), summary: shown(summary) })),
      streams: { dashboard: this.#sockets("dashboard").length, sse: this.#sockets("sse").length },
      dashboardEvents: entries("dashboard_events"),
      machineEvents: entries("machine_events"),
    };
  }

  async cutPeople(): Promise<void> {
    this.#cut(null);
  }

  async cutToken(_userId: number, tokenId: string): Promise<void> {
    this.#cut(tokenId);
  }

  #cut(tokenId: string | null): void {
    for (const ws of this.ctx.getWebSockets()) {
      if ((ws.deserializeAttachment() as StreamAttachment | null)?.tokenId === tokenId) ws.close(4401, "token revoked");
    }
  }

  #sockets(type: StreamAttachment["type"]): WebSocket[] {
    return this.ctx.getWebSockets(type).filter((ws) => ws.readyState === WebSocket.OPEN);
  }

  /** Who hears events: dashboards, and streams that follow how one machine comes to be. Only dashboards make machines beat faster. */
  #listeners(): WebSocket[] {
    return [...this.#sockets("dashboard"), ...this.#sockets("progress")];
  }

  #broadcast(sockets: readonly WebSocket[], event: LoggedEvent): void {
    if (sockets.length === 0) return;
    const text = JSON.stringify(event);
    for (const ws of sockets) {
      try {
        ws.send(text);
      } catch {
        // It is closing; its client resumes from the log.
      }
    }
  }

  /** Upgrades: the inner end of a dashboard stream, of one that follows a machine's progress, or of a machine stream that named no machine. */
  override async fetch(request: Request): Promise<Response> {
    const upgrade = readUpgrade(request);
    if (!upgrade || upgrade.type === "socket") return new Response(null, { status: 400 });
    const { 0: client, 1: server } = new WebSocketPair();
    this.ctx.acceptWebSocket(server, [upgrade.type]);
    server.serializeAttachment({ type: upgrade.type, userId: upgrade.ref.userId, tokenId: upgrade.caller.tokenId } satisfies StreamAttachment);
    this.#replay(server, upgrade);
    if (upgrade.type === "dashboard") {
      const head = this.#ready ? this.#dashboardLog.head() : 0;
      this.#broadcast([server], { id: head, data: { type: "heartbeat.update", overview: this.#overview, machines: this.#summaries() } });
      this.ctx.waitUntil(this.#startWatching(upgrade.ref.userId));
    }
    return new Response(null, { status: 101, webSocket: client });
  }

  #replay(server: WebSocket, { type, lastEventId }: Upgrade): void {
    if (lastEventId === null || !this.#ready) return;
    const replay = (type === "sse" ? this.#machineLog : this.#dashboardLog).replay(ACCOUNT, lastEventId);
    const events = replay.kind === "resync" ? [{ id: replay.head, data: { type: "resync" } }] : replay.events;
    for (const event of events) this.#broadcast([server], event);
  }

  /** Tells the machines that somebody looks, and shows their fresh numbers. */
  async #startWatching(userId: number): Promise<void> {
    const until = Date.now() + WATCH_MS;
    const paceMs = this.#paceMs();
    const reachable = [...this.#machines].filter(([, entry]) => entry.summary.reachable).slice(0, ASK_MAX);
    await Promise.allSettled(reachable.map(([instanceId]) => instanceObject(this.env, { userId, instanceId }).watch({ userId, instanceId }, until, paceMs)));
    await this.#refresh(userId);
    if (reachable.length > 0) this.#broadcast(this.#sockets("dashboard"), { id: this.#dashboardLog.head(), data: { type: "heartbeat.update", overview: this.#overview, machines: this.#summaries() } });
  }

  override async webSocketMessage(): Promise<void> {
    // Streams only listen; their pings are answered by the platform.
  }

  override async webSocketClose(ws: WebSocket): Promise<void> {
    ws.close(1000, "closed");
  }
}

/** A summary stored before there was provisioning. */
const upgradeSummary = (stored: MachineSummary): MachineSummary => ({ ...stored, provisionDetail: stored.provisionDetail ?? null, provisionPercent: stored.provisionPercent ?? null });
