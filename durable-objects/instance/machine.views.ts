import type { Provisioning, Registration } from "./instance.rpc";
import { capabilityFlags, UNKNOWN_BOT, type LinkFacts, type LiveState, type MachineState } from "./machine.core";
import { healthScore } from "../../src/fleet/pairings/pairings.core";
import type { BotDetail, BotSummary, MachineSummary } from "./machine.rpc";
import { toSkillSummary } from "./skills.core";

/** What we show of a machine. Pure, like the core beside it. */

const iso = (ms: number | null): string | null => (ms === null || ms === 0 ? null : new Date(ms).toISOString());

/** Most characters of a bot's error in a list: the feed keeps the lists of all machines. */
const LISTED_ERROR_MAX = 300;

/** Everything a view needs. */
export interface MachineFacts {
  readonly instanceId: string;
  readonly registration: Registration;
  readonly state: MachineState;
  readonly live: LiveState;
  readonly provisioning: Provisioning | null;
  readonly link: LinkFacts;
  readonly pendingCommands: number;
}

export function toSummary(facts: MachineFacts): MachineSummary {
  const { registration, state, live, link, provisioning } = facts;
  const openclaw = capabilityFlags(state.capabilities, "openclaw");
  const hermes = capabilityFlags(state.capabilities, "hermes");
  const bots = Object.keys(state.roster).map((id) => toBotSummary(facts, id));
  return {
    instanceId: facts.instanceId,
    label: registration.label,
    version: registration.version,
    hostname: state.hostname,
    os: state.os,
    arch: state.arch,
    cliVersion: state.cliVersion,
    pluginVersion: state.pluginVersion,
    provider: registration.provider,
    orgoWorkspaceId: registration.orgoWorkspaceId,
    orgoWorkspaceName: registration.orgoWorkspaceName,
    orgoComputerId: registration.orgoComputerId,
    provisionStatus: provisioning?.status ?? null,
    provisionDetail: provisioning?.detail ?? null,
    provisionPercent: provisioning?.percent ?? null,
    isOnline: state.online,
    reachable: state.reachable,
    lastHeartbeat: iso(Math.max(live.lastSeen, link.kind === "socket" ? link.lastPong : 0)),
    gatewayStatus: state.gatewayStatus,
    gatewayPid: state.gatewayPid,
    lastGatewayRestart: state.lastGatewayRestart,
    hasOpenclaw: !openclaw.denied,
    hasHermes: hermes.installed,
    botCount: bots.length,
    bots,
    link: link.kind,
    linkSince: iso(link.since),
    memFreeMb: live.memFreeMb,
    memTotalMb: state.memTotalMb,
    load1: live.load1,
    cpuCount: state.cpuCount,
    uptimeSeconds: live.uptimeSeconds,
    offlineReason: state.offlineReason,
    offlineSince: iso(state.offlineSince),
    pendingCommands: facts.pendingCommands,
    watched: state.watched,
  };
}

function toBotSummary({ state, live }: MachineFacts, botId: string): BotSummary {
  const bot = state.bots[botId] ?? UNKNOWN_BOT;
  const roster = state.roster[botId];
  const pairing = state.pairings[botId];
  const [messagesReceived, messagesSent, chunkedMessages, totalChunksSent, uptimeSeconds] = live.counters[botId] ?? [0, 0, 0, 0, 0];
  return {
    botId,
    botName: roster?.botName ?? null,
    botUsername: roster?.botUsername ?? null,
    status: bot.status,
    activityState: bot.activityState,
    activeTask: bot.activeTask,
    claudeCodeEnabled: bot.claudeCodeEnabled,
    claudeCodeSessionId: bot.claudeCodeSessionId,
    roomsActive: bot.roomsActive,
    healthScore: pairing ? healthScore(pairing.phase, { erring: bot.erring, stale: !state.reachable }) : null,
    pairingPhase: pairing?.phase ?? null,
    pairingSessionId: roster?.pairingId ?? null,
    failureReason: pairing?.failureReason ?? null,
    skillCount: bot.skillCount,
    messagesReceived,
    messagesSent,
    chunkedMessages,
    errors: bot.errors,
    totalChunksSent,
    lastActivityAt: live.lastActivity[botId] ?? null,
    lastError: bot.lastError?.slice(0, LISTED_ERROR_MAX) ?? null,
    lastErrorAt: bot.lastErrorAt,
    uptimeSeconds,
  };
}

export function toBotDetail(facts: MachineFacts, botId: string): BotDetail {
  const { state, live } = facts;
  const bot = state.bots[botId] ?? UNKNOWN_BOT;
  return {
    ...toBotSummary(facts, botId),
    botUserId: state.roster[botId]?.botUserId ?? null,
    lastError: bot.lastError,
    roomDetails: bot.roomDetails,
    updatedAt: iso(live.lastSeen),
    skills: bot.skills?.map(toSkillSummary) ?? null,
  };
}
