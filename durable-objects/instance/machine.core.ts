import { MINUTE_MS, SECOND_MS } from "../../src/kernel/clock";
import type { BotBeat, HeartbeatPayload, LinkKind, WatchedProcess } from "./machine.rpc";

/** What a machine is and does, folded beat by beat. No storage, no clock, no platform. */

/** Silence after which a machine without a link is gone. */
export const SILENCE_MS = 75 * SECOND_MS;
/** Beats of a machine with a stream may be this far apart, as `x-beat-interval` tells it. */
export const LINKED_BEAT_SECONDS = 300;
export const UNLINKED_BEAT_SECONDS = 30;
/** Silence after which a machine with an open stream is gone all the same: its process hangs. */
export const STREAM_SILENCE_MS = LINKED_BEAT_SECONDS * SECOND_MS + SILENCE_MS;
/** Over the socket the daemon pings every 30 s and beats at least this often. */
export const SOCKET_BEAT_MS = 15 * MINUTE_MS;
/** Time for a dropped link to come back before the machine counts as offline. */
export const GRACE_MS = 10 * SECOND_MS;
/** A steady linked machine writes one row this often: last-seen and a sparkline sample. */
export const FLUSH_MS = 15 * MINUTE_MS;
/** Samples kept: one day at one per {@link FLUSH_MS}. */
const SAMPLES_MAX = 96;

/** Most characters of capabilities kept. */
const CAPABILITIES_MAX_CHARS = 64_000;

/** What of a bot changes rarely. */
export interface BotState {
  readonly status: string;
  readonly activityState: string;
  readonly activeTask: Readonly<Record<string, unknown>> | null;
  readonly errors: number;
  readonly lastError: string | null;
  readonly lastErrorAt: string | null;
  readonly roomsActive: number;
  readonly roomDetails: readonly unknown[] | null;
  readonly claudeCodeEnabled: boolean | null;
  readonly claudeCodeSessionId: string | null;
  readonly quarantined: boolean | null;
  readonly skillCount: number | null;
  readonly skills: readonly unknown[] | null;
}

/** A bot that lives on this machine, told by pairing. Beats about other bots are dropped. */
export interface RosterBot {
  readonly botName: string | null;
  readonly botUsername: string | null;
  readonly botUserId: string | null;
}

/** What a person would notice; written to a row only when it changes. */
export interface MachineState {
  /** False until the first beat: such a machine is exempt from staleness. */
  readonly heard: boolean;
  readonly reachable: boolean;
  readonly online: boolean;
  readonly offlineReason: OfflineReason | null;
  /** ms */
  readonly offlineSince: number | null;
  readonly hostname: string | null;
  readonly os: string | null;
  readonly arch: string | null;
  readonly cliVersion: string | null;
  readonly pluginVersion: string | null;
  readonly memTotalMb: number | null;
  readonly cpuCount: number | null;
  readonly gatewayStatus: string;
  readonly gatewayPid: number | null;
  readonly lastGatewayRestart: string | null;
  readonly capabilities: Readonly<Record<string, unknown>>;
  readonly watched: readonly WatchedProcess[];
  readonly roster: Readonly<Record<string, RosterBot>>;
  readonly bots: Readonly<Record<string, BotState>>;
}

/** Counters of a bot: received, sent, chunked, chunks, uptime s. */
type BotCounters = readonly [number, number, number, number, number];

/** Numbers that move with every beat. For a linked machine they live in the link's attachment, not in a row. */
export interface LiveState {
  /** ms of the last beat; 0 before the first. */
  readonly lastSeen: number;
  readonly memFreeMb: number | null;
  readonly load1: number | null;
  readonly uptimeSeconds: number | null;
  readonly counters: Readonly<Record<string, BotCounters>>;
  readonly lastActivity: Readonly<Record<string, string>>;
  /** A dashboard looks until then, ms. */
  readonly watchUntil: number;
}

export interface StoredSample {
  readonly at: number;
  readonly memFreeMb: number | null;
  readonly load1: number | null;
}

export type OfflineReason = "link_lost" | "silence" | "goodbye" | "revoked" | "deleted";

/** Something that happened, for the machine's history and for dashboards. */
export type MachineChange =
  | { readonly type: "machine.online"; readonly reason: "beat" }
  | { readonly type: "machine.offline"; readonly reason: OfflineReason }
  | { readonly type: "gateway.status.change"; readonly gatewayStatus: string; readonly previousStatus: string; readonly gatewayPid: number | null }
  | { readonly type: "bot.status.change"; readonly botId: string; readonly status: string; readonly previousStatus: string };

export const NEW_MACHINE: MachineState = {
  heard: false,
  reachable: false,
  online: false,
  offlineReason: null,
  offlineSince: null,
  hostname: null,
  os: null,
  arch: null,
  cliVersion: null,
  pluginVersion: null,
  memTotalMb: null,
  cpuCount: null,
  gatewayStatus: "unknown",
  gatewayPid: null,
  lastGatewayRestart: null,
  capabilities: {},
  watched: [],
  roster: {},
  bots: {},
};

export const NEW_LIVE: LiveState = { lastSeen: 0, memFreeMb: null, load1: null, uptimeSeconds: null, counters: {}, lastActivity: {}, watchUntil: 0 };

export interface Folded {
  readonly state: MachineState;
  readonly live: LiveState;
  /** Whether the state differs from the one before: only then is a row due. */
  readonly changed: boolean;
  readonly changes: readonly MachineChange[];
}

/** Takes one beat in. Absent fields keep what was known; a roster bot missing from the list has stopped. */
export function foldBeat(state: MachineState, live: LiveState, beat: HeartbeatPayload, provider: string | null, now: number): Folded {
  const capabilities = mergeCapabilities(state.capabilities, beat.capabilities);
  const heardBots = new Map(beat.bots.filter((bot) => Object.hasOwn(state.roster, bot.bot_id)).map((bot) => [bot.bot_id, bot]));
  const bots: Record<string, BotState> = {};
  for (const id of Object.keys(state.roster)) bots[id] = nextBot(state.bots[id], heardBots.get(id));
  const online = isOnline(beat.gateway_status, capabilities, provider);
  const next: MachineState = {
    ...state,
    heard: true,
    reachable: true,
    online,
    offlineReason: null,
    offlineSince: null,
    hostname: beat.hostname ?? state.hostname,
    os: beat.os ?? state.os,
    arch: beat.arch ?? state.arch,
    cliVersion: beat.cli_version ?? state.cliVersion,
    pluginVersion: beat.plugin_version ?? state.pluginVersion,
    memTotalMb: beat.mem_total_mb ?? state.memTotalMb,
    cpuCount: beat.cpu_count ?? state.cpuCount,
    gatewayStatus: beat.gateway_status,
    gatewayPid: beat.gateway_pid,
    lastGatewayRestart: beat.last_gateway_restart ?? state.lastGatewayRestart,
    capabilities,
    watched: beat.watched ?? state.watched,
    bots,
  };
  const changes: MachineChange[] = [];
  if (!state.reachable || (!state.online && online)) changes.push({ type: "machine.online", reason: "beat" });
  if (state.heard && state.gatewayStatus !== next.gatewayStatus) {
    changes.push({ type: "gateway.status.change", gatewayStatus: next.gatewayStatus, previousStatus: state.gatewayStatus, gatewayPid: next.gatewayPid });
  }
  changes.push(...botChanges(state.bots, bots));
  return { state: next, live: nextLive(live, beat, heardBots, now), changed: JSON.stringify(state) !== JSON.stringify(next), changes };
}

/** Known capabilities with the beat's over them; a merge that grew without bound (its row could not be written any more) starts afresh from the beat. */
function mergeCapabilities(known: MachineState["capabilities"], told: HeartbeatPayload["capabilities"]): MachineState["capabilities"] {
  if (told === null) return known;
  const merged = { ...known, ...told };
  if (JSON.stringify(merged).length <= CAPABILITIES_MAX_CHARS) return merged;
  return JSON.stringify(told).length <= CAPABILITIES_MAX_CHARS ? told : known;
}

/** The machine is gone: neither reachable nor online, its bots stopped. Nothing changes when it already was. */
export function foldOffline(state: MachineState, reason: OfflineReason, now: number): { readonly state: MachineState; readonly changes: readonly MachineChange[] } {
  if (!state.reachable && !state.online) return { state, changes: [] };
  const bots = Object.fromEntries(Object.entries(state.bots).map(([id, bot]) => [id, stopBot(bot)]));
  const next: MachineState = { ...state, reachable: false, online: false, offlineReason: reason, offlineSince: now, bots };
  return { state: next, changes: [{ type: "machine.offline", reason }, ...botChanges(state.bots, bots)] };
}

/**
 * "Online" means that an agent runtime runs: the gateway, or Hermes. A cloud machine made for Hermes counts once installed.
 * Source: badgerclaw notes §13.
 */
function isOnline(gatewayStatus: string, capabilities: Readonly<Record<string, unknown>>, provider: string | null): boolean {
  const hermes = capabilityFlags(capabilities, "hermes");
  return gatewayStatus === "running" || hermes.running || (provider === "orgo" && hermes.installed);
}

export function capabilityFlags(capabilities: Readonly<Record<string, unknown>>, name: string): { installed: boolean; running: boolean; denied: boolean } {
  const value = capabilities[name];
  const fields = value !== null && typeof value === "object" ? (value as Readonly<Record<string, unknown>>) : {};
  return { installed: fields["installed"] === true, running: fields["running"] === true, denied: fields["installed"] === false };
}

export const UNKNOWN_BOT: BotState = {
  status: "unknown",
  activityState: "unknown",
  activeTask: null,
  errors: 0,
  lastError: null,
  lastErrorAt: null,
  roomsActive: 0,
  roomDetails: null,
  claudeCodeEnabled: null,
  claudeCodeSessionId: null,
  quarantined: null,
  skillCount: null,
  skills: null,
};

function nextBot(known: BotState | undefined, beat: BotBeat | undefined): BotState {
  if (!beat) return stopBot(known ?? UNKNOWN_BOT);
  return {
    status: beat.status,
    activityState: beat.activity_state,
    activeTask: beat.active_task,
    errors: beat.errors,
    lastError: beat.last_error,
    lastErrorAt: beat.last_error_at,
    roomsActive: beat.rooms_active,
    roomDetails: beat.room_details,
    claudeCodeEnabled: beat.claude_code_enabled,
    claudeCodeSessionId: beat.claude_code_session_id,
    quarantined: beat.quarantined,
    skillCount: beat.skill_count ?? beat.skills?.length ?? null,
    skills: beat.skills,
  };
}

const stopBot = (bot: BotState): BotState => (bot.status === "stopped" ? bot : { ...bot, status: "stopped", activityState: "unknown", activeTask: null });

function botChanges(before: Readonly<Record<string, BotState>>, after: Readonly<Record<string, BotState>>): MachineChange[] {
  return Object.entries(after).flatMap(([botId, bot]) => {
    const previousStatus = before[botId]?.status ?? "unknown";
    return previousStatus === bot.status ? [] : [{ type: "bot.status.change" as const, botId, status: bot.status, previousStatus }];
  });
}

function nextLive(live: LiveState, beat: HeartbeatPayload, bots: ReadonlyMap<string, BotBeat>, now: number): LiveState {
  const counters: Record<string, BotCounters> = {};
  const lastActivity: Record<string, string> = {};
  for (const [id, bot] of bots) {
    counters[id] = [bot.messages_received, bot.messages_sent, bot.chunked_messages, bot.total_chunks_sent, bot.uptime_seconds];
    if (bot.last_activity_at) lastActivity[id] = bot.last_activity_at;
  }
  return {
    lastSeen: now,
    memFreeMb: beat.mem_free_mb ?? live.memFreeMb,
    load1: beat.load1 ?? live.load1,
    uptimeSeconds: beat.uptime_seconds ?? live.uptimeSeconds,
    counters,
    lastActivity,
    watchUntil: live.watchUntil,
  };
}

/** Appends a sample and drops the oldest beyond a day. */
export function nextSamples(samples: readonly StoredSample[], live: LiveState, now: number): StoredSample[] {
  return [...samples, { at: now, memFreeMb: live.memFreeMb, load1: live.load1 }].slice(-SAMPLES_MAX);
}

/** The link as far as liveness cares; `lastPong` is when the platform last answered the machine's own ping (sockets only). */
export interface LinkFacts {
  readonly kind: LinkKind;
  readonly since: number | null;
  readonly lastPong: number;
}

export const NO_LINK: LinkFacts = { kind: "none", since: null, lastPong: 0 };

/** When, without further news, the machine counts as silent (ms); null when it was never heard or is already gone. Reads use it too, so that no answer is late. */
export function silentAt(state: MachineState, live: LiveState, link: LinkFacts): number | null {
  if (!state.heard || !state.reachable) return null;
  switch (link.kind) {
    case "socket":
      return Math.max(live.lastSeen, link.lastPong, link.since ?? 0) + SILENCE_MS;
    case "sse":
      return live.lastSeen + STREAM_SILENCE_MS;
    case "none":
      return live.lastSeen + SILENCE_MS;
  }
}
