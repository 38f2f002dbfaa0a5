import type { GovernanceBeat } from "./governance.rpc";

/** Shapes of a machine's life: what it reports, what we remember, what we show. camelCase inside and on the dashboard wire. */

/** A process that the daemon watches. */
export interface WatchedProcess {
  readonly name: string;
  readonly status: string;
  readonly pid: number | null;
  readonly restarts: number;
  readonly startedAt: string | null;
}

/** One bot in a heartbeat, as sent. */
export interface BotBeat {
  readonly bot_id: string;
  readonly status: string;
  readonly activity_state: string;
  readonly active_task: Readonly<Record<string, unknown>> | null;
  readonly last_activity_at: string | null;
  readonly messages_received: number;
  readonly messages_sent: number;
  readonly chunked_messages: number;
  readonly total_chunks_sent: number;
  readonly errors: number;
  readonly last_error: string | null;
  readonly last_error_at: string | null;
  readonly uptime_seconds: number;
  readonly rooms_active: number;
  readonly room_details: readonly unknown[] | null;
  readonly claude_code_enabled: boolean | null;
  readonly claude_code_session_id: string | null;
  readonly quarantined: boolean | null;
  readonly skill_count: number | null;
  readonly skills: readonly unknown[] | null;
}

/** A heartbeat, as sent (docs/design/live-wire.md §6 for the fields we added). */
export interface HeartbeatPayload {
  readonly instance_id: string;
  readonly hostname: string | null;
  readonly os: string | null;
  readonly arch: string | null;
  readonly cli_version: string | null;
  readonly plugin_version: string | null;
  readonly mem_free_mb: number | null;
  readonly mem_total_mb: number | null;
  readonly load1: number | null;
  readonly cpu_count: number | null;
  readonly uptime_seconds: number | null;
  readonly gateway_status: string;
  readonly gateway_pid: number | null;
  readonly last_gateway_restart: string | null;
  readonly bots: readonly BotBeat[];
  readonly watched: readonly WatchedProcess[] | null;
  readonly capabilities: Readonly<Record<string, unknown>> | null;
  /** What a governed machine tells of its contract. */
  readonly governance: GovernanceBeat | null;
}

/** A bot in a machine list (MachineListBotItem of the contract). */
export interface BotSummary {
  readonly botId: string;
  readonly botName: string | null;
  readonly botUsername: string | null;
  readonly status: string;
  readonly activityState: string;
  readonly activeTask: Readonly<Record<string, unknown>> | null;
  readonly claudeCodeEnabled: boolean | null;
  readonly claudeCodeSessionId: string | null;
  readonly roomsActive: number | null;
  readonly healthScore: number | null;
  readonly pairingPhase: string | null;
  /** What a repair names; null when there is no pairing. */
  readonly pairingSessionId: string | null;
  readonly failureReason: string | null;
  readonly skillCount: number | null;
  readonly messagesReceived: number;
  readonly messagesSent: number;
  readonly chunkedMessages: number;
  readonly errors: number;
  readonly totalChunksSent: number;
  readonly lastActivityAt: string | null;
  /** Cut short in lists. */
  readonly lastError: string | null;
  readonly lastErrorAt: string | null;
  readonly uptimeSeconds: number;
}

/** How a machine is linked: a socket, a stream, or not at all. */
export type LinkKind = "socket" | "sse" | "none";

/** A machine in a list (MachineListItem of the contract plus docs/design/live-wire.md §5). */
export interface MachineSummary {
  readonly instanceId: string;
  readonly label: string;
  readonly version: string;
  readonly hostname: string | null;
  readonly os: string | null;
  readonly arch: string | null;
  readonly cliVersion: string | null;
  readonly pluginVersion: string | null;
  readonly provider: string | null;
  readonly orgoWorkspaceId: string | null;
  readonly orgoWorkspaceName: string | null;
  readonly orgoComputerId: string | null;
  /** These three are null for machines that are no cloud machines. */
  readonly provisionStatus: string | null;
  readonly provisionDetail: string | null;
  /** 0 to 100 of the whole way. */
  readonly provisionPercent: number | null;
  readonly isOnline: boolean;
  readonly reachable: boolean;
  readonly lastHeartbeat: string | null;
  readonly gatewayStatus: string;
  readonly gatewayPid: number | null;
  readonly lastGatewayRestart: string | null;
  readonly hasOpenclaw: boolean;
  readonly hasHermes: boolean;
  readonly botCount: number;
  readonly bots: readonly BotSummary[];
  readonly link: LinkKind;
  readonly linkSince: string | null;
  readonly memFreeMb: number | null;
  readonly memTotalMb: number | null;
  readonly load1: number | null;
  readonly cpuCount: number | null;
  readonly uptimeSeconds: number | null;
  readonly offlineReason: string | null;
  readonly offlineSince: string | null;
  readonly pendingCommands: number;
  readonly watched: readonly WatchedProcess[];
}

/** A skill that a bot reported (SkillSummary of the contract). */
export interface SkillSummary {
  readonly name: string;
  readonly description: string;
  readonly source: string;
  readonly useCount: number;
  readonly confirmed: boolean;
  readonly createdAt: string | null;
  readonly installedOn: null;
}

/** A skill of a machine: what its bots said of it, put together. */
export interface MachineSkill {
  readonly name: string;
  readonly description: string;
  readonly source: string;
  /** Over all bots that have it. */
  readonly useCount: number;
  readonly confirmed: boolean;
  readonly createdAt: string | null;
  readonly botIds: readonly string[];
  /** As the machine told it. */
  readonly digest: string | null;
  readonly sizeBytes: number | null;
  /** Whether its text can be asked for. */
  readonly hasContent: boolean;
}

/** A bot in a machine's detail (BotRuntimeDetail of the contract). */
export interface BotDetail extends BotSummary {
  readonly botUserId: string | null;
  readonly roomDetails: readonly unknown[] | null;
  readonly updatedAt: string | null;
  readonly skills: readonly SkillSummary[] | null;
}

/** One point of the sparkline, one per quarter of an hour. */
export interface Sample {
  readonly at: string;
  readonly memFreeMb: number | null;
  readonly load1: number | null;
}

/** One entry of a machine's own history. */
export interface HistoryEntry {
  readonly id: number;
  readonly type: string;
  readonly at: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** One machine in full. */
export interface MachineDetail extends Omit<MachineSummary, "bots"> {
  readonly bots: readonly BotDetail[];
  readonly samples: readonly Sample[];
  readonly events: readonly HistoryEntry[];
}
