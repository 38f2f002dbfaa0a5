import type { BotDetail, MachineSummary } from "../../../durable-objects/instance/machine.rpc";
import type { BotDashboard, BotStats } from "./bot-status.schemas";

/** What is shown of bots. No I/O, no clock. */

/** A bot as its owner's side knows it. */
export interface KnownBot {
  readonly id: string;
  readonly name: string;
  /** With `_bot`. */
  readonly username: string;
  readonly matrixId: string;
  readonly instanceId: string | null;
}

/** How a pairing stands that no machine tells of. */
export interface KnownPairing {
  readonly id: string;
  readonly phase: string;
  readonly healthScore: number | null;
}

/** A bot that no machine tells of. `pairing` is null when we remember none. */
export const silentDetail = (bot: KnownBot, pairing: KnownPairing | null): BotDetail => ({
  botId: bot.id,
  botName: bot.name,
  botUsername: bot.username,
  botUserId: bot.matrixId,
  status: "unknown",
  activityState: "unknown",
  activeTask: null,
  claudeCodeEnabled: null,
  claudeCodeSessionId: null,
  roomsActive: 0,
  healthScore: pairing?.healthScore ?? null,
  pairingPhase: pairing?.phase ?? null,
  pairingSessionId: pairing?.id ?? null,
  failureReason: null,
  skillCount: null,
  messagesReceived: 0,
  messagesSent: 0,
  chunkedMessages: 0,
  errors: 0,
  totalChunksSent: 0,
  lastActivityAt: null,
  lastError: null,
  lastErrorAt: null,
  uptimeSeconds: 0,
  roomDetails: null,
  updatedAt: null,
  skills: null,
});

/** A bot's numbers, from its machine if that one tells of it. */
export function toBotStats(bot: KnownBot, machines: readonly MachineSummary[]): BotStats {
  const machine = machines.find((one) => one.instanceId === bot.instanceId);
  const summary = machine?.bots.find((one) => one.botId === bot.id) ?? silentDetail(bot, null);
  return {
    bot_id: bot.id,
    bot_name: bot.name,
    bot_username: bot.username,
    status: summary.status,
    activity_state: summary.activityState,
    messages_received: summary.messagesReceived,
    messages_sent: summary.messagesSent,
    chunked_messages: summary.chunkedMessages,
    total_chunks_sent: summary.totalChunksSent,
    errors: summary.errors,
    last_error: summary.lastError,
    last_error_at: summary.lastErrorAt,
    uptime_seconds: summary.uptimeSeconds,
    rooms_active: summary.roomsActive ?? 0,
    last_activity_at: summary.lastActivityAt,
    machine_hostname: machine?.hostname ?? null,
    updated_at: machine?.lastHeartbeat ?? null,
  };
}

/** All of an owner's bots, and their sums. */
export function toDashboard(bots: readonly KnownBot[], machines: readonly MachineSummary[]): BotDashboard {
  const stats = bots.map((bot) => toBotStats(bot, machines));
  const sum = (count: (bot: BotStats) => number): number => stats.reduce((total, bot) => total + count(bot), 0);
  return {
    total_bots: stats.length,
    online_bots: stats.filter((bot) => bot.status === "running").length,
    total_messages_sent: sum((bot) => bot.messages_sent),
    total_messages_received: sum((bot) => bot.messages_received),
    total_errors: sum((bot) => bot.errors),
    total_rooms_active: sum((bot) => bot.rooms_active),
    bots: stats,
  };
}
