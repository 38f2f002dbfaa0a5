import type { Registration } from "./instance.rpc";
import { capabilityFlags, UNKNOWN_BOT, type LinkFacts, type LiveState, type MachineState } from "./machine.core";
import type { BotDetail, BotSummary, MachineSummary, SkillSummary } from "./machine.rpc";

/** What we show of a machine. Pure, like the core beside it. */

const iso = (ms: number | null): string | null => (ms === null || ms === 0 ? null : new Date(ms).toISOString());

/** Everything a view needs. */
export interface MachineFacts {
  readonly instanceId: string;
  readonly registration: Registration;
  readonly state: MachineState;
  readonly live: LiveState;
  readonly link: LinkFacts;
  readonly pendingCommands: number;
}

export function toSummary(facts: MachineFacts): MachineSummary {
  const { registration, state, live, link } = facts;
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
    provisionStatus: null,
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
  const [messagesReceived, messagesSent, chunkedMessages] = live.counters[botId] ?? [0, 0, 0, 0, 0];
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
    healthScore: null,
    pairingPhase: null,
    failureReason: null,
    skillCount: bot.skillCount,
    messagesReceived,
    messagesSent,
    chunkedMessages,
    errors: bot.errors,
  };
}

export function toBotDetail(facts: MachineFacts, botId: string): BotDetail {
  const { state, live } = facts;
  const bot = state.bots[botId] ?? UNKNOWN_BOT;
  const [, , , totalChunksSent, uptimeSeconds] = live.counters[botId] ?? [0, 0, 0, 0, 0];
  return {
    ...toBotSummary(facts, botId),
    botUserId: state.roster[botId]?.botUserId ?? null,
    lastActivityAt: live.lastActivity[botId] ?? null,
    totalChunksSent,
    lastError: bot.lastError,
    lastErrorAt: bot.lastErrorAt,
    uptimeSeconds,
    roomDetails: bot.roomDetails,
    updatedAt: iso(live.lastSeen),
    skills: bot.skills?.flatMap(toSkillSummary) ?? null,
  };
}

/** Skills come as the plugin wrote them: what has a name is shown, the rest is left out. */
function toSkillSummary(skill: unknown): SkillSummary[] {
  if (skill === null || typeof skill !== "object") return [];
  const { name, description, source, use_count: useCount, confirmed, created_at: createdAt } = skill as Record<string, unknown>;
  if (typeof name !== "string") return [];
  return [
    {
      name,
      description: typeof description === "string" ? description : "",
      source: typeof source === "string" ? source : "auto",
      useCount: Number.isInteger(useCount) ? Number(useCount) : 0,
      confirmed: confirmed === true,
      createdAt: typeof createdAt === "string" ? createdAt : null,
      installedOn: null,
    },
  ];
}
