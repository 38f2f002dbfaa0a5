import { operation, type Operation } from "../../kernel/operation";
import { CommandResponse } from "../commands";
import { BotRuntimeDetail } from "../machines";
import { getBotDashboard, getBotStats, getBotStatus, listBotSkills } from "./bot-status.queries";
import { BotDashboardBotStats, BotDashboardSummary, BotRef, BotSkillsResponse, LeaveRoomBody } from "./bot-status.schemas";
import { leaveRoom } from "./leave-room";

const OWNER = ["user", "cliToken"] as const;

export const operations: readonly Operation[] = [
  operation({
    id: "fleet.bot-status.get",
    method: "get",
    path: "/api/v1/dashboard/bots/{bot_id}/status",
    tag: "dashboard",
    summary: "One bot as its machine tells, and how its pairing lives",
    auth: OWNER,
    limit: "read",
    params: BotRef,
    output: BotRuntimeDetail,
  }).handle(({ params }, ctx) => getBotStatus(ctx, params.bot_id)),
  operation({
    id: "fleet.bot-status.list-skills",
    method: "get",
    path: "/api/v1/dashboard/bots/{bot_id}/skills",
    tag: "dashboard",
    summary: "Skills that a bot reported",
    auth: OWNER,
    limit: "read",
    params: BotRef,
    output: BotSkillsResponse,
  }).handle(({ params }, ctx) => listBotSkills(ctx, params.bot_id)),
  operation({
    id: "fleet.bot-status.leave-room",
    method: "post",
    path: "/api/v1/dashboard/bots/{bot_id}/leave-room",
    tag: "dashboard",
    summary: "Ask a bot's machine to have it leave a room; an Idempotency-Key makes a repeat harmless",
    auth: OWNER,
    limit: "write",
    params: BotRef,
    body: LeaveRoomBody,
    output: CommandResponse,
  }).handle(({ params, body, request }, ctx) => leaveRoom(ctx, params.bot_id, body.roomId, request.headers.get("idempotency-key"))),
  operation({
    id: "fleet.bot-status.get-dashboard",
    method: "get",
    path: "/api/v1/me/bot-dashboard",
    tag: "bot-dashboard",
    summary: "Numbers of all the caller's bots",
    auth: OWNER,
    limit: "read",
    output: BotDashboardSummary,
  }).handle((_, ctx) => getBotDashboard(ctx)),
  operation({
    id: "fleet.bot-status.get-stats",
    method: "get",
    path: "/api/v1/me/bot-dashboard/{bot_id}",
    tag: "bot-dashboard",
    summary: "Numbers of one bot",
    auth: OWNER,
    limit: "read",
    params: BotRef,
    output: BotDashboardBotStats,
  }).handle(({ params }, ctx) => getBotStats(ctx, params.bot_id)),
];
