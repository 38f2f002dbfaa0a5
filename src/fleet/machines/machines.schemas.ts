import { z } from "zod";

/** Wire shapes of the dashboard's machines. Field names and defaults follow the published contract; additions are in docs/design/live-wire.md. */

const count = z.int().default(0);
const text = z.string().nullish();

export const BotStatus = z
  .looseObject({
    bot_id: z.string().min(1).max(255),
    status: z.string().min(1).default("unknown"),
    activity_state: z.string().min(1).default("unknown"),
    active_task: z.record(z.string(), z.unknown()).nullish(),
    last_activity_at: text,
    messages_received: count,
    messages_sent: count,
    chunked_messages: count,
    total_chunks_sent: count,
    errors: count,
    last_error: text,
    last_error_at: text,
    uptime_seconds: count,
    rooms_active: count,
    room_details: z.array(z.unknown()).max(1_000).nullish(),
    claude_code_enabled: z.boolean().nullish(),
    claude_code_session_id: text,
    quarantined: z.boolean().nullish(),
    skill_count: z.int().nullish(),
    skills: z.array(z.unknown()).max(1_000).nullish(),
  })
  .meta({ id: "BotStatus" });

const WatchedProcessIn = z.looseObject({
  name: z.string().min(1).max(255),
  status: z.string().min(1).default("unknown"),
  pid: z.int().nullish(),
  restarts: z.int().nullish(),
  started_at: text,
});

const ViolationIn = z.looseObject({
  id: z.string().min(1).max(255),
  kind: z.string().min(1).max(255),
  subject: text,
  at: text,
});

const GovernanceIn = z.looseObject({
  contract_id: text,
  revision: z.int().nullish(),
  awareness_version: text,
  enforcing: z.array(z.string().min(1).max(255)).max(20).nullish(),
  violations: z.array(ViolationIn).max(20).nullish(),
});

export const HeartbeatPayload = z
  .looseObject({
    instance_id: z.string().min(1).max(255),
    hostname: text,
    os: text,
    arch: text,
    cli_version: text,
    plugin_version: text,
    mem_free_mb: z.int().nullish(),
    mem_total_mb: z.int().nullish(),
    load1: z.number().nullish(),
    cpu_count: z.int().nullish(),
    uptime_seconds: z.int().nullish(),
    gateway_status: z.string().min(1).default("unknown"),
    gateway_pid: z.int().nullish(),
    last_gateway_restart: text,
    bots: z.array(BotStatus).max(500).optional(),
    watched: z.array(WatchedProcessIn).max(100).nullish(),
    capabilities: z.record(z.string(), z.unknown()).nullish(),
    governance: GovernanceIn.nullish(),
  })
  .meta({ id: "HeartbeatPayload" });

const PendingCommandItem = z.object({ id: z.string(), command_type: z.string(), payload: z.record(z.string(), z.unknown()).nullable() }).meta({ id: "PendingCommandItem" });

export const HeartbeatResponse = z.object({ ok: z.boolean(), pending_commands: z.array(PendingCommandItem), contract: z.object({ id: z.string(), revision: z.int() }).optional() }).meta({ id: "HeartbeatResponseV2" });

export const DisconnectBody = z.object({ instance_id: z.string().min(1).max(255) }).meta({ id: "DisconnectRequest" });
export const DisconnectResponse = z.object({ ok: z.boolean() }).meta({ id: "DisconnectResponse" });

export const OverviewResponse = z
  .object({
    totalBots: z.int(),
    onlineBots: z.int(),
    offlineBots: z.int(),
    undeployedBots: z.int(),
    errorBots: z.int(),
    workingBots: z.int(),
    idleBots: z.int(),
    stalledBots: z.int(),
    totalMachines: z.int(),
    onlineMachines: z.int(),
    totalMessagesSent: z.int(),
    totalMessagesReceived: z.int(),
    totalChunkedMessages: z.int(),
    totalErrors: z.int(),
  })
  .meta({ id: "OverviewResponse" });

const object = z.record(z.string(), z.unknown());

const botSummary = {
  botId: z.string(),
  botName: z.string().nullable(),
  botUsername: z.string().nullable(),
  status: z.string(),
  activityState: z.string(),
  activeTask: object.nullable(),
  claudeCodeEnabled: z.boolean().nullable(),
  claudeCodeSessionId: z.string().nullable(),
  roomsActive: z.int().nullable(),
  healthScore: z.int().nullable(),
  pairingPhase: z.string().nullable(),
  pairingSessionId: z.string().nullable(),
  failureReason: z.string().nullable(),
  skillCount: z.int().nullable(),
  messagesReceived: z.int(),
  messagesSent: z.int(),
  chunkedMessages: z.int(),
  errors: z.int(),
  totalChunksSent: z.int(),
  lastActivityAt: z.string().nullable(),
  lastError: z.string().nullable(),
  lastErrorAt: z.string().nullable(),
  uptimeSeconds: z.int(),
};

const MachineListBotItem = z.object(botSummary).meta({ id: "MachineListBotItem" });

const SkillMachineInfo = z.object({ instanceId: z.string(), hostname: z.string().nullable() }).meta({ id: "SkillMachineInfo" });
export const SkillSummary = z
  .object({
    name: z.string(),
    description: z.string(),
    source: z.string(),
    useCount: z.int(),
    confirmed: z.boolean(),
    createdAt: z.string().nullable(),
    installedOn: z.array(SkillMachineInfo).nullable(),
  })
  .meta({ id: "SkillSummary" });

export const BotRuntimeDetail = z
  .object({
    ...botSummary,
    botUserId: z.string().nullable(),
    roomDetails: z.array(z.unknown()).nullable(),
    updatedAt: z.string().nullable(),
    skills: z.array(SkillSummary).nullable(),
  })
  .meta({ id: "BotRuntimeDetail" });

const WatchedProcess = z.object({ name: z.string(), status: z.string(), pid: z.int().nullable(), restarts: z.int(), startedAt: z.string().nullable() }).meta({ id: "WatchedProcess" });

const machine = {
  instanceId: z.string(),
  label: z.string(),
  version: z.string(),
  hostname: z.string().nullable(),
  os: z.string().nullable(),
  arch: z.string().nullable(),
  cliVersion: z.string().nullable(),
  pluginVersion: z.string().nullable(),
  provider: z.string().nullable(),
  orgoWorkspaceId: z.string().nullable(),
  orgoWorkspaceName: z.string().nullable(),
  orgoComputerId: z.string().nullable(),
  provisionStatus: z.string().nullable(),
  provisionDetail: z.string().nullable(),
  provisionPercent: z.int().nullable(),
  isOnline: z.boolean(),
  reachable: z.boolean(),
  lastHeartbeat: z.string().nullable(),
  gatewayStatus: z.string(),
  gatewayPid: z.int().nullable(),
  lastGatewayRestart: z.string().nullable(),
  hasOpenclaw: z.boolean(),
  hasHermes: z.boolean(),
  link: z.enum(["socket", "sse", "none"]),
  linkSince: z.string().nullable(),
  memFreeMb: z.int().nullable(),
  memTotalMb: z.int().nullable(),
  load1: z.number().nullable(),
  cpuCount: z.int().nullable(),
  uptimeSeconds: z.int().nullable(),
  offlineReason: z.string().nullable(),
  offlineSince: z.string().nullable(),
  pendingCommands: z.int(),
  watched: z.array(WatchedProcess),
};

export const MachineListItem = z.object({ ...machine, botCount: z.int(), bots: z.array(MachineListBotItem) }).meta({ id: "MachineListItem" });
export const MachinesListResponse = z.object({ machines: z.array(MachineListItem) }).meta({ id: "MachinesListResponse" });

const MachineSample = z.object({ at: z.string(), memFreeMb: z.int().nullable(), load1: z.number().nullable() }).meta({ id: "MachineSample" });
const MachineHistoryEntry = z.object({ id: z.int(), type: z.string(), at: z.string(), data: object }).meta({ id: "MachineHistoryEntry" });

export const MachineDetailResponse = z
  .object({ ...machine, botCount: z.int(), bots: z.array(BotRuntimeDetail), samples: z.array(MachineSample), events: z.array(MachineHistoryEntry) })
  .meta({ id: "MachineDetailResponse" });

/** `include_cloud=1`, `=true` and the like mean yes, as query strings of the published clients write it. */
export const ListMachinesQuery = z.object({ include_cloud: z.stringbool().meta({ type: "boolean" }).default(false) });
export const MachineRef = z.object({ instance_id: z.string().min(1).max(255) });
