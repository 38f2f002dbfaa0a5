import { DurableObject } from "cloudflare:workers";
import { createLogger } from "../../src/kernel/logging/logger";
import type { CommandStatus } from "../../src/fleet/commands/commands.core";
import { toCommandStatus, toCommandView, type Transition } from "../../src/fleet/commands/commands.core";
import { canRepair } from "../../src/fleet/pairings/pairings.core";
import type { MachineEvent } from "../account-feed/account-feed.rpc";
import { AlarmTable } from "../shared/alarm-table";
import { CountedSql } from "../shared/counted-sql";
import { EventLog } from "../shared/event-log";
import { hasTables, migrateObject } from "../shared/migrate";
import { objectTag } from "../stubs";
import { Announcer, type AnnouncerBindings } from "./announcer";
import { CommandDesk } from "./command-desk";
import { Governor } from "./governance";
import type { GovernanceFacts, GovernAnswer, MachineContract } from "./governance.rpc";
import { inspectMachine } from "./inspection";
import { instanceMigrations } from "./instance.migrations";
import type { BeatAnswer, Caller, CommandAnswer, CommandResult, EnqueueAnswer, InstanceInspection, InstanceRef, InstanceRpc, NewCommand, Provisioning, Refusal, Registration, RepairAnswer, RosterBot, Spending, TokenCut } from "./instance.rpc";
import { InstanceStore, type Machine } from "./instance.store";
import { Keeper, type AlarmReason } from "./keeper";
import { attachmentOf, close, CLOSE, Links, send } from "./links";
import { foldRepair, foldRoster, forgetBots, LINKED_BEAT_SECONDS, NEW_LIVE, NEW_MACHINE, SOCKET_BEAT_MS, UNLINKED_BEAT_SECONDS } from "./machine.core";
import { machineSkills, skillContent } from "./skills.core";
import { toBotDetail } from "./machine.views";
import type { BotDetail, HeartbeatPayload, MachineDetail, MachineSkill, MachineSummary } from "./machine.rpc";
import { readFrame } from "./socket-frames";
import { readUpgrade } from "../shared/upgrade";

/** Events kept for reconnecting links. */
const EVENTS_KEEP = 1_000;

/**
 * What a machine is doing now: liveness, commands, event log, links. One per instance, named `userId/instanceId`.
 * A shell: rules live in machine.core and commands.core, storage in instance.store, links in links.
 */
export class InstanceDO extends DurableObject<AnnouncerBindings> implements InstanceRpc {
  /** Constructions in this isolate; a test reads it to see that the object really slept. */
  static constructions = 0;

  readonly #sql: CountedSql;
  readonly #store: InstanceStore;
  readonly #links: Links;
  readonly #log: EventLog;
  readonly #alarms: AlarmTable<AlarmReason>;
  readonly #announcer: Announcer;
  readonly #keeper: Keeper;
  readonly #governor: Governor;
  readonly #desk: CommandDesk;
  #machines: Machine[] = [];

  constructor(ctx: DurableObjectState, env: AnnouncerBindings) {
    super(ctx, env);
    InstanceDO.constructions++;
    this.#sql = new CountedSql(ctx.storage.sql);
    this.#store = new InstanceStore(this.#sql);
    this.#links = new Links(ctx);
    this.#log = new EventLog(this.#sql, "events", EVENTS_KEEP);
    this.#alarms = new AlarmTable(ctx.storage, this.#sql);
    const logger = createLogger({ object: "instance" });
    this.#announcer = new Announcer(env, logger);
    const parts = { store: this.#store, links: this.#links, alarms: this.#alarms, announcer: this.#announcer };
    this.#keeper = new Keeper({ ...parts, defer: (work) => ctx.waitUntil(work) });
    const transaction = (work: () => void): void => ctx.storage.transactionSync(work);
    this.#governor = new Governor({ ...parts, sql: this.#sql, log: this.#log, bindings: env, logger, transaction, defer: (work) => ctx.waitUntil(work) });
    this.#desk = new CommandDesk({ ...parts, log: this.#log, keeper: this.#keeper, transaction, suspendedBy: (machineId) => this.#governor.suspendedBy(machineId), tag: objectTag(ctx.id) });
    // A probed name stores nothing: tables come with the first registration.
    if (hasTables(ctx.storage.sql)) void ctx.blockConcurrencyWhile(() => this.#wake());
  }

  async #wake(): Promise<void> {
    migrateObject(this.ctx.storage, instanceMigrations);
    this.#machines = this.#store.loadMachines();
    for (const machine of this.#machines) {
      const attached = this.#links.attachedLive(machine.id);
      if (attached && attached.lastSeen >= machine.live.lastSeen) machine.live = attached;
    }
    await this.#alarms.load();
    await this.#governor.load();
    for (const machine of this.#machines) await this.#keeper.resume(machine, Date.now());
  }

  #find(ref: InstanceRef): Machine | null {
    return this.#machines.find((machine) => machine.ref.userId === ref.userId && machine.ref.instanceId === ref.instanceId) ?? null;
  }

  /** Null when the caller may speak for the machine. */
  #refusal(machine: Machine | null, caller: Caller): Refusal | null {
    if (!machine) return { kind: "gone" };
    if (caller.tokenId === null) return null;
    const cut = machine.tokens.get(caller.tokenId);
    if (cut === undefined) return { kind: "unknownToken", instanceId: machine.ref.instanceId };
    return cut === null ? null : { kind: "revoked" };
  }

  async register(ref: InstanceRef, registration: Registration): Promise<void> {
    if (this.#machines.length === 0) migrateObject(this.ctx.storage, instanceMigrations);
    const now = Date.now();
    let machine = this.#find(ref);
    if (machine && JSON.stringify(machine.registration) === JSON.stringify(registration)) return;
    if (machine) {
      // The purge of an earlier machine of this id did not come: its bots, its count of rosters, its provisioning and its contract are not this one's. A registration from before bots has no date.
      const { createdAt = registration.createdAt }: Partial<Registration> = machine.registration;
      if (createdAt !== registration.createdAt) {
        machine.state = forgetBots(machine.state);
        machine.provisioning = null;
        this.#governor.forget(machine.id, false);
      }
      machine.registration = registration;
      machine.unannounced = true;
      this.#store.saveMachine(machine);
    } else {
      machine = this.#store.insertMachine(ref, registration, NEW_MACHINE, NEW_LIVE, now);
      this.#machines.push(machine);
      this.#store.appendHistory(machine.id, "machine.registered", { label: registration.label }, now);
    }
    await this.#keeper.announce(machine, [], now);
  }

  async beat(ref: InstanceRef, caller: Caller, payload: HeartbeatPayload): Promise<BeatAnswer> {
    const machine = this.#find(ref);
    const refusal = this.#refusal(machine, caller);
    if (refusal || !machine) return refusal ?? { kind: "gone" };
    const now = Date.now();
    await this.#alarms.heal();
    await this.#takeBeat(machine, payload, now);
    const linked = this.#links.facts(machine.id).kind !== "none";
    return { kind: "ok", pending: this.#desk.pending(machine, now), beatIntervalSeconds: linked ? LINKED_BEAT_SECONDS : UNLINKED_BEAT_SECONDS, contract: this.#governor.pointerOf(machine.id) };
  }

  async #takeBeat(machine: Machine, payload: HeartbeatPayload, now: number): Promise<void> {
    const previousBeatAt = machine.live.lastSeen;
    await this.#keeper.takeBeat(machine, payload, now);
    if (!machine.gone) this.#governor.takeBeat(machine, payload.governance, previousBeatAt, now);
  }

  async admitToken(ref: InstanceRef, tokenId: string, registering: boolean): Promise<void> {
    const machine = this.#find(ref);
    const cut = machine?.tokens.get(tokenId);
    if (machine && (cut === undefined || (cut === "unbound" && registering))) this.#store.saveToken(machine, tokenId, null);
  }

  async disconnect(ref: InstanceRef, caller: Caller): Promise<{ readonly kind: "ok" } | Refusal> {
    const machine = this.#find(ref);
    const refusal = this.#refusal(machine, caller);
    if (refusal || !machine) return refusal ?? { kind: "gone" };
    await this.#keeper.goOffline(machine, "goodbye", Date.now());
    return { kind: "ok" };
  }

  async cutToken(ref: InstanceRef, tokenId: string, how: TokenCut, goOffline: boolean): Promise<void> {
    const machine = this.#find(ref);
    if (!machine) return;
    const now = Date.now();
    if (machine.tokens.get(tokenId) !== "revoked") this.#store.saveToken(machine, tokenId, how);
    this.#links.closeAll(machine.id, CLOSE.tokenDead, "token revoked", tokenId);
    if (goOffline) await this.#keeper.goOffline(machine, "revoked", now);
  }

  async enqueueCommand(ref: InstanceRef, command: NewCommand): Promise<EnqueueAnswer> {
    const machine = this.#find(ref);
    if (!machine) return { kind: "gone" };
    const now = Date.now();
    await this.#keeper.settle(machine, now);
    return this.#desk.enqueue(machine, command, now);
  }

  async listCommands(ref: InstanceRef): Promise<readonly CommandStatus[] | null> {
    const machine = this.#find(ref);
    if (!machine) return null;
    const now = Date.now();
    if ([...machine.open.values()].some((command) => command.expiresAt <= now)) await this.#desk.expireOverdue(machine, now);
    return this.#store.listRecentCommands(machine.id, now).map(toCommandStatus);
  }

  async acknowledgeCommand(userId: number, caller: Caller, commandId: string): Promise<CommandAnswer> {
    return this.#onCommand(userId, caller, commandId, (machine, command) => this.#desk.acknowledge(machine, command, Date.now()));
  }

  async recordCommandResult(userId: number, caller: Caller, commandId: string, result: CommandResult): Promise<CommandAnswer> {
    return this.#onCommand(userId, caller, commandId, (machine, command) => this.#desk.complete(machine, command, result, Date.now()));
  }

  async #onCommand(userId: number, caller: Caller, commandId: string, advance: (machine: Machine, command: Transition["command"]) => Promise<Transition>): Promise<CommandAnswer> {
    const found = this.#machines.length === 0 ? null : this.#store.findCommand(commandId);
    const machine = this.#machines.find((m) => m.id === found?.machineId && m.ref.userId === userId) ?? null;
    const refusal = this.#refusal(machine, caller);
    if (refusal || !machine || !found) return refusal ?? { kind: "gone" };
    const transition = await advance(machine, found.command);
    return { kind: transition.kind === "refused" ? "finished" : "ok", command: toCommandView(transition.command) };
  }

  async getDetail(ref: InstanceRef): Promise<MachineDetail | null> {
    const machine = this.#find(ref);
    if (!machine) return null;
    await this.#keeper.settle(machine, Date.now());
    const facts = this.#keeper.facts(machine);
    return {
      ...this.#keeper.summary(machine),
      bots: Object.keys(machine.state.roster).map((id) => toBotDetail(facts, id)),
      samples: machine.samples.map((sample) => ({ ...sample, at: new Date(sample.at).toISOString() })),
      events: this.#store.listHistory(machine.id),
    };
  }

  async getSummary(ref: InstanceRef): Promise<MachineSummary | null> {
    const machine = this.#find(ref);
    if (!machine) return null;
    await this.#alarms.heal();
    await this.#keeper.settle(machine, Date.now());
    return this.#keeper.summary(machine);
  }

  async getCapabilities(ref: InstanceRef): Promise<Readonly<Record<string, unknown>> | null> {
    return this.#find(ref)?.state.capabilities ?? null;
  }

  async watch(ref: InstanceRef, until: number, paceMs: number): Promise<void> {
    const machine = this.#find(ref);
    await this.#alarms.heal();
    if (machine) this.#keeper.watch(machine, until, paceMs);
  }

  async getBot(ref: InstanceRef, botId: string): Promise<BotDetail | null> {
    const machine = this.#find(ref);
    if (!machine || !Object.hasOwn(machine.state.roster, botId)) return null;
    await this.#keeper.settle(machine, Date.now());
    return toBotDetail(this.#keeper.facts(machine), botId);
  }

  async setRoster(ref: InstanceRef, seq: number, roster: Readonly<Record<string, RosterBot>>): Promise<void> {
    const machine = this.#find(ref);
    if (!machine) return;
    const now = Date.now();
    await this.#keeper.change(machine, foldRoster(machine.state, seq, roster, now), now);
  }

  async setProvisioning(ref: InstanceRef, provisioning: Provisioning): Promise<void> {
    const machine = this.#find(ref);
    if (machine) await this.#keeper.provision(machine, provisioning, Date.now());
  }

  async repairBot(ref: InstanceRef, botId: string, pairingId: string): Promise<RepairAnswer> {
    const machine = this.#find(ref);
    if (!machine) return { kind: "gone" };
    const now = Date.now();
    await this.#keeper.settle(machine, now);
    const pairing = Object.hasOwn(machine.state.pairings, botId) ? machine.state.pairings[botId] : undefined;
    if (machine.gone || pairing?.pairingId !== pairingId) return { kind: "gone" };
    if (!canRepair(pairing.phase)) return { kind: "notBroken", phase: pairing.phase };
    const command = { type: "bot_refresh", payload: { bot_id: botId, reason: "repair" }, idempotencyKey: null } as const;
    const answer = await this.#desk.enqueue(machine, command, now, (commandId) => foldRepair(machine.state, botId, commandId, now));
    return answer.kind === "ok" ? { kind: "ok", commandId: answer.command.id } : answer;
  }

  async pushEvent(ref: InstanceRef, event: MachineEvent, keep: boolean): Promise<void> {
    const machine = this.#find(ref);
    if (!machine) return;
    this.#links.broadcast(machine.id, keep ? this.#log.append(machine.id, event, Date.now()) : { id: this.#log.head(), data: event });
    await this.#announcer.publish(ref.userId, event, ref.instanceId, keep);
  }

  async listSkills(ref: InstanceRef): Promise<readonly MachineSkill[]> {
    return machineSkills(this.#find(ref)?.state.bots ?? {});
  }

  async getSkillContent(ref: InstanceRef, name: string): Promise<string | null> {
    return skillContent(this.#find(ref)?.state.bots ?? {}, name);
  }

  async govern(ref: InstanceRef, contract: MachineContract, registeredAt: number): Promise<GovernAnswer> {
    const machine = this.#find(ref);
    // A registration from before bots has no date.
    const { createdAt = registeredAt }: Partial<Registration> = machine?.registration ?? {};
    if (!machine || createdAt !== registeredAt) return { kind: "gone" };
    const now = Date.now();
    const waited = this.#governor.suspendedBy(machine.id) !== null;
    const revision = await this.#governor.govern(machine, contract, now);
    // Whoever listens gets what was held back; the others with their next beat.
    if (waited && this.#links.facts(machine.id).kind !== "none") {
      for (const event of this.#desk.pendingEvents(machine, now)) this.#links.broadcast(machine.id, event);
    }
    return { kind: "ok", revision };
  }

  async getContract(ref: InstanceRef): Promise<MachineContract | null> {
    const machine = this.#find(ref);
    return machine && this.#governor.contractOf(machine.id);
  }

  async getGovernance(ref: InstanceRef): Promise<GovernanceFacts | null> {
    const machine = this.#find(ref);
    return machine && this.#governor.facts(machine);
  }

  async inspect(ref: InstanceRef): Promise<InstanceInspection | null> {
    const machine = this.#find(ref);
    return machine && inspectMachine({ sql: this.#sql, store: this.#store, links: this.#links, alarms: this.#alarms, governor: this.#governor }, machine, Date.now());
  }

  async purge(ref: InstanceRef): Promise<void> {
    const machine = this.#find(ref);
    if (!machine) return;
    this.#machines = this.#machines.filter((m) => m !== machine);
    // Whoever awaits the feed for this machine right now finds nothing left to write.
    machine.gone = true;
    machine.open.clear();
    this.#links.closeAll(machine.id, CLOSE.machineGone, "the machine was deleted");
    this.#governor.forget(machine.id, this.#machines.length === 0);
    if (this.#machines.length > 0) this.#store.deleteMachine(machine.id);
    else {
      await this.ctx.storage.deleteAlarm();
      await this.ctx.storage.deleteAll();
    }
    await this.#alarms.reset(this.#machines.length > 0);
  }

  /** Upgrades: a machine's own socket, or the inner end of its SSE stream (docs/design/live-wire.md §2-3). */
  override async fetch(request: Request): Promise<Response> {
    const upgrade = readUpgrade(request);
    if (!upgrade || (upgrade.type !== "socket" && upgrade.type !== "sse")) return new Response(null, { status: 400 });
    const machine = this.#find(upgrade.ref);
    const refusal = this.#refusal(machine, upgrade.caller);
    if (refusal || !machine) return Response.json(refusal, { status: 409 });
    const now = Date.now();
    const wasLinked = this.#links.facts(machine.id).kind !== "none";
    const { 0: client, 1: server } = new WebSocketPair();
    this.#links.accept(server, machine.id, upgrade.type, upgrade.caller, now);
    if (upgrade.type === "socket") send(server, { t: "hello", seq: this.#log.head(), beat_ms: SOCKET_BEAT_MS, server_time: new Date(now).toISOString() });
    this.#replay(server, machine, upgrade.type === "socket", upgrade.lastEventId, now);
    await this.#keeper.linkOpened(machine, upgrade.type, wasLinked, now);
    return new Response(null, { status: 101, webSocket: client });
  }

  /** What the link missed, then what it must still do. Over SSE a command that it has seen is left to the beats. */
  #replay(ws: WebSocket, machine: Machine, resendSeen: boolean, lastEventId: number | null, now: number): void {
    const pending = this.#desk.pendingEvents(machine, now);
    const replay = lastEventId === null ? null : this.#log.replay(machine.id, lastEventId);
    if (replay?.kind === "resync") this.#links.sendEvent(ws, { id: replay.head, data: { type: "resync" } });
    const missed = replay?.kind === "events" ? replay.events.filter((event) => event.data["type"] !== "command") : [];
    const waiting = replay?.kind === "events" && !resendSeen ? pending.filter((event) => event.id > (lastEventId ?? 0)) : pending;
    for (const event of [...missed, ...waiting].sort((a, b) => a.id - b.id)) this.#links.sendEvent(ws, event);
  }

  override async webSocketMessage(ws: WebSocket, message: string | ArrayBuffer): Promise<void> {
    const attachment = attachmentOf(ws);
    const machine = this.#machines.find((m) => m.id === attachment?.machineId);
    if (!attachment || !machine) return close(ws, CLOSE.machineGone, "the machine was deleted");
    const now = Date.now();
    if (attachment.expiresAt !== null && attachment.expiresAt <= now) return close(ws, CLOSE.tokenDead, "token expired");
    if (attachment.type === "sse") return;
    await this.#alarms.heal();
    const frame = readFrame(message, machine.ref.instanceId);
    switch (frame.t) {
      case "tooLarge":
        return close(ws, CLOSE.tooLarge, "frame too large");
      case "invalid":
        return send(ws, { t: "error", re: frame.re, code: "validation_error", detail: frame.detail });
      case "beat":
        await this.#takeBeat(machine, frame.payload, now);
        return send(ws, { t: "beat.ok", pending_commands: this.#desk.pending(machine, now), contract: this.#governor.pointerOf(machine.id) ?? undefined });
      case "bye":
        await this.#keeper.goOffline(machine, "goodbye", now);
        send(ws, { t: "ok", re: "bye" });
        return close(ws, CLOSE.goodbye, "goodbye");
      case "ack":
      case "result": {
        const caller = { tokenId: attachment.tokenId, expiresAt: attachment.expiresAt };
        const answer = frame.t === "ack" ? await this.acknowledgeCommand(machine.ref.userId, caller, frame.id) : await this.recordCommandResult(machine.ref.userId, caller, frame.id, frame.result);
        if (answer.kind === "ok") send(ws, { t: "ok", re: frame.t, id: frame.id, status: answer.command.status });
        else if (answer.kind === "finished") send(ws, { t: "error", re: frame.t, id: frame.id, code: "command_finished", detail: `The command is already ${answer.command.status}.` });
        else send(ws, { t: "error", re: frame.t, id: frame.id, code: "not_found", detail: "Command not found." });
      }
    }
  }

  override async webSocketClose(ws: WebSocket): Promise<void> {
    await this.#onLinkClosed(ws);
  }

  override async webSocketError(ws: WebSocket): Promise<void> {
    await this.#onLinkClosed(ws);
  }

  async #onLinkClosed(ws: WebSocket): Promise<void> {
    const attachment = attachmentOf(ws);
    const machine = this.#machines.find((m) => m.id === attachment?.machineId);
    close(ws, CLOSE.goodbye, "closed");
    if (attachment && machine) await this.#keeper.linkClosed(machine, ws, attachment.type, attachment.live, Date.now());
  }

  override async alarm(): Promise<void> {
    const now = Date.now();
    for (const { subject, reason } of this.#alarms.listDue(now)) {
      const machine = this.#machines.find((m) => m.id === subject);
      if (!machine) this.#alarms.disarm(subject, reason);
      else if (reason === "commands") await this.#desk.expireOverdue(machine, now);
      else if (reason === "governance") await this.#governor.onAlarm(machine, now);
      else await this.#keeper.onAlarm(machine, reason, now);
    }
    await this.#alarms.settle();
  }

  /** What this object has spent since it woke, and how often the class was constructed: tests hold the hot path's budget with it. */
  getSpending(): Spending {
    return { rowsWritten: this.#sql.rowsWritten, alarmsSet: this.#alarms.alarmsSet, feedCalls: this.#announcer.feedCalls, constructions: InstanceDO.constructions };
  }
}
