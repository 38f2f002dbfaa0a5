import { MINUTE_MS, SECOND_MS } from "../../src/kernel/clock";
import { movePairing, movePairings, pairingChanges, rosterPairings, toHeard, type BotPairing, type PairingChange, type Pairings, type RosterBot } from "./bot-pairings.core";
import { readSkills, type BotSkill } from "./skills.core";
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
/** Most characters of all that is remembered of bots: a row holds 2 MB, and a character takes up to three bytes of it. */
export const BOTS_MAX_CHARS = 400_000;

/** What of a bot changes rarely. */
export interface BotState {
  readonly status: string;
  readonly activityState: string;
  readonly activeTask: Readonly<Record<string, unknown>> | null;
  readonly errors: number;
  /** The errors rose with the last beat. */
  readonly erring: boolean;
  readonly lastError: string | null;
  readonly lastErrorAt: string | null;
  readonly roomsActive: number;
  readonly roomDetails: readonly unknown[] | null;
  readonly claudeCodeEnabled: boolean | null;
  readonly claudeCodeSessionId: string | null;
  readonly quarantined: boolean | null;
  readonly skillCount: number | null;
  readonly skills: readonly BotSkill[] | null;
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
  /** Sequence of the roster in D1; an older one does not overwrite it. */
  readonly rosterSeq: number;
  readonly roster: Readonly<Record<string, RosterBot>>;
  readonly bots: Readonly<Record<string, BotState>>;
  /** Of every bot of the roster. */
  readonly pairings: Pairings;
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
  | { readonly type: "bot.status.change"; readonly botId: string; readonly status: string; readonly previousStatus: string }
  | PairingChange;

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
  rosterSeq: 0,
  roster: {},
  bots: {},
  pairings: {},
};

/** A stored state as of today's shape. One from before pairings had no bots. */
export const upgradeState = (stored: Partial<MachineState>): MachineState => ({ ...NEW_MACHINE, ...stored, ...(stored.pairings ? {} : { roster: {}, bots: {} }) });

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
  const pairings: Record<string, BotPairing> = {};
  for (const id of Object.keys(state.roster)) {
    const heard = heardBots.get(id);
    bots[id] = nextBot(state.bots[id], heard);
    const pairing = state.pairings[id];
    if (pairing) pairings[id] = movePairing(pairing, heard ? toHeard(heard) : { type: "missing" }, now);
  }
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
    bots: withinSize(bots, heardBots),
    pairings,
  };
  const changes: MachineChange[] = [];
  if (!state.reachable || (!state.online && online)) changes.push({ type: "machine.online", reason: "beat" });
  if (state.heard && state.gatewayStatus !== next.gatewayStatus) {
    changes.push({ type: "gateway.status.change", gatewayStatus: next.gatewayStatus, previousStatus: state.gatewayStatus, gatewayPid: next.gatewayPid });
  }
  changes.push(...botChanges(state.bots, bots), ...pairingChanges(state.pairings, pairings));
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
  const pairings = movePairings(state.pairings, { type: "offline" }, now);
  const next: MachineState = { ...state, reachable: false, online: false, offlineReason: reason, offlineSince: now, bots, pairings };
  return { state: next, changes: [{ type: "machine.offline", reason }, ...botChanges(state.bots, bots), ...pairingChanges(state.pairings, pairings)] };
}

/** Another state and what happened; the same state when nothing did. */
export interface StateChange {
  readonly state: MachineState;
  readonly changes: readonly MachineChange[];
}

const withPairings = (state: MachineState, pairings: Pairings): StateChange => {
  const same = Object.entries(pairings).every(([id, pairing]) => pairing === state.pairings[id]);
  return same ? { state, changes: [] } : { state: { ...state, pairings }, changes: pairingChanges(state.pairings, pairings) };
};

/**
 * Takes over which bots live here. Bots that left are forgotten; a new pairing begins as redeemed, and what was known of the bot
 * by an older pairing is forgotten too. An overtaken roster changes nothing.
 */
export function foldRoster(state: MachineState, seq: number, roster: Readonly<Record<string, RosterBot>>, now: number): StateChange {
  if (seq < state.rosterSeq) return { state, changes: [] };
  const pairings = rosterPairings(state.pairings, roster, now);
  const bots = Object.fromEntries(Object.entries(state.bots).filter(([id]) => pairings[id] !== undefined && pairings[id].pairingId === state.pairings[id]?.pairingId));
  const next: MachineState = { ...state, rosterSeq: seq, roster, bots, pairings };
  if (JSON.stringify(next) === JSON.stringify(state)) return { state, changes: [] };
  return { state: next, changes: pairingChanges(state.pairings, pairings) };
}

/** No bots, no roster yet. */
export const forgetBots = (state: MachineState): MachineState => ({ ...state, rosterSeq: 0, roster: {}, bots: {}, pairings: {} });

/** Time passes for pairings. */
export const foldTime = (state: MachineState, now: number): StateChange => withPairings(state, movePairings(state.pairings, { type: "tick" }, now));

/** A repair of one bot was ordered by this command. */
export function foldRepair(state: MachineState, botId: string, commandId: string, now: number): StateChange {
  const pairing = state.pairings[botId];
  return pairing ? withPairings(state, { ...state.pairings, [botId]: movePairing(pairing, { type: "repairRequested", commandId }, now) }) : { state, changes: [] };
}

/** A `bot_refresh` has its result. One of a machine that is away ends a repair, yet the bot does not live before the machine is back. */
export function foldRefresh(state: MachineState, commandId: string, ok: boolean, now: number): StateChange {
  const refreshed = movePairings(state.pairings, { type: "refreshed", commandId, ok }, now);
  return withPairings(state, state.reachable ? refreshed : movePairings(refreshed, { type: "offline" }, now));
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
  erring: false,
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
    // A bot that restarted counts from nought again.
    erring: beat.errors > (known && known.errors <= beat.errors ? known.errors : 0),
    lastError: beat.last_error,
    lastErrorAt: beat.last_error_at,
    roomsActive: beat.rooms_active,
    roomDetails: beat.room_details,
    claudeCodeEnabled: beat.claude_code_enabled,
    claudeCodeSessionId: beat.claude_code_session_id,
    quarantined: beat.quarantined,
    skillCount: beat.skill_count ?? beat.skills?.length ?? known?.skillCount ?? null,
    skills: beat.skills ? readSkills(beat.skills) : (known?.skills ?? null),
  };
}

const stopBot = (bot: BotState): BotState => (bot.status === "stopped" && !bot.erring ? bot : { ...bot, status: "stopped", activityState: "unknown", activeTask: null, erring: false });

/** Lists that grew too large for a row lose what weighs most: texts of skills first, then details of bots that this beat did not tell of. */
function withinSize(bots: Readonly<Record<string, BotState>>, heard: ReadonlyMap<string, unknown>): Readonly<Record<string, BotState>> {
  const fits = (some: unknown): boolean => JSON.stringify(some).length <= BOTS_MAX_CHARS;
  if (fits(bots)) return bots;
  const entries = Object.entries(bots).map(([id, bot]): [string, BotState] => [id, { ...bot, skills: bot.skills?.map((skill) => ({ ...skill, content: null })) ?? null }]);
  const light = Object.fromEntries(entries);
  if (fits(light)) return light;
  return Object.fromEntries(entries.map(([id, bot]) => [id, heard.has(id) ? bot : { ...bot, roomDetails: null, skills: null }]));
}

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
