import { MINUTE_MS, SECOND_MS } from "../../src/kernel/clock";
import type { DashboardEvent, MachineReport } from "../account-feed/account-feed.rpc";
import type { AlarmTable } from "../shared/alarm-table";
import type { Announcer } from "./announcer";
import type { Provisioning } from "./instance.rpc";
import { isProjectedOnline, type InstanceStore, type Machine } from "./instance.store";
import type { Links } from "./links";
import { pairingDueAt } from "./bot-pairings.core";
import { FLUSH_MS, foldBeat, foldOffline, foldTime, GRACE_MS, nextSamples, SILENCE_MS, silentAt, type MachineChange, type OfflineReason, type StateChange } from "./machine.core";
import { provisioningNews, toProgressEvent } from "./provisioning.core";
import { toSummary, type MachineFacts } from "./machine.views";
import type { HeartbeatPayload, MachineSummary } from "./machine.rpc";

/**
 * Why the object may wake itself: `grace` a lost link did not come back; `silence` beats without a link stopped; `backstop` a
 * look at links that seem alive; `commands` one may have expired; `pairing` a phase may have lasted
 * its time; `announce` the feed or the queue was down; `governance` its tenant's object was.
 */
export type AlarmReason = "grace" | "silence" | "backstop" | "commands" | "pairing" | "announce" | "governance";

export const BACKSTOP_MS = 30 * MINUTE_MS;
const ANNOUNCE_RETRY_MS = 5 * SECOND_MS;
/** How long one `pace` lasts: a daemon goes back to its own rhythm this soon after nobody looks any more. */
const PACE_MS = 60 * SECOND_MS;
/** A `pace` is renewed when less than this of the old one is left. */
const PACE_SLACK_MS = 20 * SECOND_MS;

interface KeeperParts {
  readonly store: InstanceStore;
  readonly links: Links;
  readonly alarms: AlarmTable<AlarmReason>;
  readonly announcer: Announcer;
  readonly defer: (work: Promise<unknown>) => void;
}

/** Keeps a machine's life: applies the pure core, writes what changed, arms what must be noticed, and tells the feed. */
export class Keeper {
  readonly #parts: KeeperParts;
  /** Orders reports that overtake each other. */
  #reportSeq = 0;

  constructor(parts: KeeperParts) {
    this.#parts = parts;
  }

  facts(machine: Machine, except?: WebSocket): MachineFacts {
    return { instanceId: machine.ref.instanceId, registration: machine.registration, state: machine.state, live: machine.live, provisioning: machine.provisioning, link: this.#parts.links.facts(machine.id, except), pendingCommands: machine.open.size };
  }

  summary(machine: Machine): MachineSummary {
    return toSummary(this.facts(machine));
  }

  /**
   * Takes one beat. Steady and linked: no row, no alarm, no call. Steady without a link: one row. A change: its row, its history,
   * and one report.
   */
  async takeBeat(machine: Machine, beat: HeartbeatPayload, now: number): Promise<void> {
    const { store, links, alarms } = this.#parts;
    const folded = foldBeat(machine.state, machine.live, beat, machine.registration.provider, now);
    machine.state = folded.state;
    machine.live = folded.live;
    const linked = links.facts(machine.id).kind !== "none";
    const flushDue = now - machine.flushedAt >= FLUSH_MS;
    if (flushDue) {
      machine.samples = nextSamples(machine.samples, machine.live, now);
      machine.flushedAt = now;
    }
    if (folded.changed) machine.unannounced = true;
    if (folded.changed || flushDue) store.saveMachine(machine);
    else if (!linked || !links.keepLive(machine.id, machine.live)) store.saveLive(machine);
    if (linked && (folded.changed || flushDue)) links.keepLive(machine.id, machine.live);
    this.#recordHistory(machine, folded.changes, now);
    if (folded.changed) await this.armPairings(machine);
    if (!linked) {
      alarms.disarm(machine.id, "grace");
      if (alarms.dueAt(machine.id, "silence") === null) await alarms.armDerived(machine.id, "silence", now + SILENCE_MS);
    }
    if (machine.unannounced) await this.announce(machine, folded.changes, now);
    else if (machine.live.watchUntil > now) this.#parts.defer(this.show(machine, now));
  }

  /** Declares the machine gone, unless it already is. */
  async goOffline(machine: Machine, reason: OfflineReason, now: number): Promise<void> {
    const { state, changes } = foldOffline(machine.state, reason, now);
    if (changes.length === 0) return;
    machine.state = state;
    machine.unannounced = true;
    this.#parts.store.saveMachine(machine);
    this.#recordHistory(machine, changes, now);
    this.#parts.alarms.disarm(machine.id, "silence");
    this.#parts.alarms.disarm(machine.id, "grace");
    await this.armPairings(machine);
    await this.announce(machine, changes, now);
  }

  /** Keeps another state of the machine's bots and tells of it. Nothing happens when it is the present one. */
  async change(machine: Machine, { state, changes }: StateChange, now: number): Promise<void> {
    if (machine.gone || state === machine.state) return;
    machine.state = state;
    machine.unannounced = true;
    this.#parts.store.saveMachine(machine);
    await this.armPairings(machine);
    await this.announce(machine, changes, now);
  }

  /** A cloud machine got on. Another status or step is told until it is heard; mere percents are shown to whoever looks. */
  async provision(machine: Machine, told: Provisioning, now: number): Promise<void> {
    const news = provisioningNews(machine.provisioning, told);
    if (news === "old") return;
    machine.provisioning = told;
    // Its number is remembered without a row: what it overtook tells nothing else.
    if (news === "same") return;
    if (news === "turned") machine.unannounced = true;
    this.#parts.store.saveMachine(machine);
    const event = toProgressEvent(machine.ref.instanceId, told);
    if (news === "turned") await this.announce(machine, [], now, [event]);
    else await this.#report(machine, { events: [], passing: [event], notable: false }, now);
  }

  /** An alarm for the next phase that time ends; none while no pairing is in such a phase. No row: it follows from the state. */
  async armPairings(machine: Machine): Promise<void> {
    const { alarms } = this.#parts;
    if (machine.gone) return;
    const due = pairingDueAt(machine.state.pairings);
    if (due === null) alarms.disarm(machine.id, "pairing");
    else if (alarms.dueAt(machine.id, "pairing") !== due) await alarms.armDerived(machine.id, "pairing", due);
  }

  /** Reads never answer late: a machine whose silence has lasted too long goes offline right here, and pairings move whose time is up. */
  async settle(machine: Machine, now: number): Promise<void> {
    // A lost link has its grace, however old the last full beat: over a socket pings stand for beats.
    const grace = machine.state.reachable ? this.#parts.alarms.dueAt(machine.id, "grace") : null;
    const due = grace ?? silentAt(machine.state, machine.live, this.#parts.links.facts(machine.id));
    if (due !== null && due <= now) await this.goOffline(machine, grace === null ? "silence" : "link_lost", now);
    await this.change(machine, foldTime(machine.state, now), now);
  }

  /** A link came up (already accepted). */
  async linkOpened(machine: Machine, transport: string, wasLinked: boolean, now: number): Promise<void> {
    const { alarms } = this.#parts;
    alarms.disarm(machine.id, "grace");
    alarms.disarm(machine.id, "silence");
    if (alarms.dueAt(machine.id, "backstop") === null) await alarms.arm(machine.id, "backstop", now + BACKSTOP_MS);
    if (!wasLinked) await this.#tell(machine, [{ type: "machine.link", instanceId: machine.ref.instanceId, link: "up", transport, at: iso(now) }], now);
  }

  /** A link went down. `live` is what it remembered. With no other link a grace begins, after which the machine is offline. */
  async linkClosed(machine: Machine, ws: WebSocket, transport: string, live: Machine["live"] | null, now: number): Promise<void> {
    const { store, links, alarms } = this.#parts;
    if (live && live.lastSeen > machine.live.lastSeen) machine.live = live;
    if (links.facts(machine.id, ws).kind !== "none") {
      links.keepLive(machine.id, machine.live);
      return;
    }
    store.saveLive(machine);
    alarms.disarm(machine.id, "backstop");
    if (machine.state.reachable) await alarms.arm(machine.id, "grace", now + GRACE_MS);
    await this.#tell(machine, [{ type: "machine.link", instanceId: machine.ref.instanceId, link: "down", transport, at: iso(now) }], now, ws);
  }

  /**
   * After a wake-up: a machine that beats without a link gets its clock again (last-seen tells it, no row does), and one whose
   * links a crash took without a close event (its backstop shows that it had some) gets its grace.
   */
  async resume(machine: Machine, now: number): Promise<void> {
    const { links, alarms } = this.#parts;
    if (machine.unannounced || needsProjection(machine)) await alarms.arm(machine.id, "announce", alarms.dueAt(machine.id, "announce") ?? now + ANNOUNCE_RETRY_MS);
    const pairingDue = pairingDueAt(machine.state.pairings);
    if (pairingDue !== null) alarms.restoreDerived(machine.id, "pairing", pairingDue);
    if (!machine.state.reachable || links.facts(machine.id).kind !== "none" || alarms.dueAt(machine.id, "grace") !== null) return;
    if (alarms.dueAt(machine.id, "backstop") === null) alarms.restoreDerived(machine.id, "silence", machine.live.lastSeen + SILENCE_MS);
    else {
      alarms.disarm(machine.id, "backstop");
      await alarms.arm(machine.id, "grace", now + GRACE_MS);
    }
  }

  /** One due alarm. Each leaves its reason disarmed or moved, so that it cannot fire for ever. */
  async onAlarm(machine: Machine, reason: AlarmReason, now: number): Promise<void> {
    const { alarms, links } = this.#parts;
    const link = links.facts(machine.id);
    switch (reason) {
      case "grace":
      case "silence": {
        const heardSinceLink = reason === "silence" || machine.live.lastSeen > (alarms.dueAt(machine.id, "grace") ?? 0) - GRACE_MS;
        const due = machine.live.lastSeen + SILENCE_MS;
        if (link.kind !== "none" || !machine.state.reachable) alarms.disarm(machine.id, reason);
        else if (heardSinceLink && due > now) {
          alarms.disarm(machine.id, reason);
          await alarms.armDerived(machine.id, "silence", due);
        } else await this.goOffline(machine, reason === "grace" ? "link_lost" : "silence", now);
        return;
      }
      case "backstop":
        links.closeExpired(machine.id, now);
        if (link.kind === "none") alarms.disarm(machine.id, reason);
        else {
          await alarms.arm(machine.id, reason, now + (machine.live.watchUntil > now ? SILENCE_MS : BACKSTOP_MS));
          await this.settle(machine, now);
        }
        return;
      case "pairing":
        alarms.disarm(machine.id, reason);
        await this.change(machine, foldTime(machine.state, now), now);
        // Also when nothing moved: an alarm may be early.
        await this.armPairings(machine);
        return;
      case "announce":
        alarms.disarm(machine.id, reason);
        // What the feed has not heard may have been progress; twice does no harm.
        if (machine.unannounced) await this.announce(machine, [], now, machine.provisioning === null ? [] : [toProgressEvent(machine.ref.instanceId, machine.provisioning)]);
        else if (needsProjection(machine)) await this.#project(machine, now);
        return;
      case "commands":
      case "governance":
        // The command desk's and the governor's; see InstanceDO.alarm.
        return;
    }
  }

  /** Reports a change until it is heard; what the feed misses now, the alarm repeats. */
  async announce(machine: Machine, changes: readonly MachineChange[], now: number, extra: readonly DashboardEvent[] = []): Promise<void> {
    const { store, alarms } = this.#parts;
    const announced = { state: machine.state, provisioning: machine.provisioning };
    const events = [...changes.map((change) => this.#toEvent(machine, change, now)), ...extra];
    const heard = await this.#report(machine, { events, notable: true }, now);
    if (machine.gone) return;
    // Beside the beat, not in it: a queue that hangs must not make machines look silent.
    if (needsProjection(machine)) this.#parts.defer(this.#project(machine, now));
    if (!heard) {
      await alarms.arm(machine.id, "announce", now + ANNOUNCE_RETRY_MS);
      return;
    }
    if (machine.state === announced.state && machine.provisioning === announced.provisioning && machine.unannounced) {
      machine.unannounced = false;
      store.saveMachine(machine);
    }
  }

  async #project(machine: Machine, now: number): Promise<void> {
    const { store, alarms, announcer } = this.#parts;
    const projected = await announcer.project(machine, now);
    if (machine.gone) return;
    if (projected) store.saveMachine(machine);
    else await alarms.arm(machine.id, "announce", now + ANNOUNCE_RETRY_MS);
  }

  /** Shows the newest numbers to whoever watches; nothing is stored and nothing is repeated. */
  async show(machine: Machine, now: number): Promise<void> {
    await this.#report(machine, { events: [], notable: false }, now);
  }

  /** Events about a machine whose stored state did not change. */
  async #tell(machine: Machine, events: readonly DashboardEvent[], now: number, closing?: WebSocket): Promise<void> {
    const heard = await this.#report(machine, { events, notable: true }, now, closing);
    if (!heard && !machine.gone) {
      machine.unannounced = true;
      this.#parts.store.saveMachine(machine);
      await this.#parts.alarms.arm(machine.id, "announce", now + ANNOUNCE_RETRY_MS);
    }
  }

  async #report(machine: Machine, news: Omit<MachineReport, "seq" | "summary">, now: number, closing?: WebSocket): Promise<boolean> {
    this.#reportSeq = Math.max(this.#reportSeq + 1, now);
    const summary = toSummary(this.facts(machine, closing));
    const watching = await this.#parts.announcer.report(machine.ref.userId, { seq: this.#reportSeq, summary, ...news });
    if (machine.gone) return true;
    if (!watching) return false;
    this.watch(machine, watching.watchUntil, watching.paceMs);
    return true;
  }

  /** Somebody looks until `until`: report every beat, ask the daemon for quick ones, and notice a hung link while they look. */
  watch(machine: Machine, until: number, paceMs: number): void {
    const { links } = this.#parts;
    if (machine.live.watchUntil !== until) {
      machine.live = { ...machine.live, watchUntil: until };
      links.keepLive(machine.id, machine.live);
    }
    if (until === 0) return;
    const now = Date.now();
    links.pace(machine.id, paceMs, Math.min(until, now + PACE_MS), PACE_SLACK_MS);
    const { alarms } = this.#parts;
    const look = now + SILENCE_MS;
    if ((alarms.dueAt(machine.id, "backstop") ?? 0) > look) this.#parts.defer(alarms.arm(machine.id, "backstop", look));
  }

  #recordHistory(machine: Machine, changes: readonly MachineChange[], now: number): void {
    for (const { type, ...data } of changes) {
      if (type !== "bot.status.change") this.#parts.store.appendHistory(machine.id, type, data, now);
    }
  }

  #toEvent(machine: Machine, change: MachineChange, now: number): DashboardEvent {
    return { ...change, instanceId: machine.ref.instanceId, at: iso(now) };
  }
}

/** Whether D1 was told another online flag than the one that is true. */
const needsProjection = (machine: Machine): boolean => machine.state.heard && machine.projectedOnline !== isProjectedOnline(machine);

const iso = (ms: number): string => new Date(ms).toISOString();
