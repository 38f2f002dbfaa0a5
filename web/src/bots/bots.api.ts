/** The calls that the bot pages make, one function each. */
import { api, publicApi, unwrap } from "../api/client";
import type { Bot, BotRuntime, BotStatus, RoomMode } from "./bots.types";

const botPath = (bot_id: string) => ({ params: { path: { bot_id } } });
const roomPath = (bot_id: string, room_id: string) => ({ params: { path: { bot_id, room_id } } });

export const listBots = async (signal: AbortSignal): Promise<Bot[]> => unwrap(await api.GET("/api/v1/bots", { signal }));
export const getBot = async (botId: string, signal: AbortSignal): Promise<Bot> => unwrap(await api.GET("/api/v1/bots/{bot_id}", { ...botPath(botId), signal }));
export const checkBotUsername = async (candidate: string, signal: AbortSignal) => unwrap(await publicApi.GET("/api/v1/bots/username/check", { params: { query: { candidate } }, signal }));
export const createBot = async (body: { bot_name: string; bot_username: string; runtime: BotRuntime }) => unwrap(await api.POST("/api/v1/bots", { body }));
export const renameBot = async (botId: string, name: string): Promise<Bot> => unwrap(await api.PUT("/api/v1/bots/{bot_id}", { ...botPath(botId), body: { bot_name: name } }));
export const deleteBot = async (botId: string) => unwrap(await api.DELETE("/api/v1/bots/{bot_id}", botPath(botId)));
export const rotateBotToken = async (botId: string) => unwrap(await api.POST("/api/v1/bots/{bot_id}/token", botPath(botId)));

export const getBotStatus = async (botId: string, signal: AbortSignal): Promise<BotStatus> => unwrap(await api.GET("/api/v1/dashboard/bots/{bot_id}/status", { ...botPath(botId), signal }));
export const listBotSkills = async (botId: string, signal: AbortSignal) => unwrap(await api.GET("/api/v1/dashboard/bots/{bot_id}/skills", { ...botPath(botId), signal }));

export const listPendingPairs = async (signal: AbortSignal) => unwrap(await api.GET("/api/v1/openclaw/pending-pairs", { signal }));
export const createPairing = async (botId: string, targetInstanceId: string | null) =>
  unwrap(await api.POST("/api/v1/pairing/create", { body: { bot_id: botId, target_instance_id: targetInstanceId } }));
export const repairPairing = async (sessionId: string) => unwrap(await api.POST("/api/v1/pairing/sessions/{session_id}/repair", { params: { path: { session_id: sessionId } } }));

export const listBotRooms = async (botId: string, signal: AbortSignal) => unwrap(await api.GET("/api/v1/bots/{bot_id}/rooms", { ...botPath(botId), signal }));
export const addBotRoom = async (botId: string, roomId: string, mode: RoomMode) => unwrap(await api.POST("/api/v1/bots/{bot_id}/rooms/{room_id}", { ...roomPath(botId, roomId), body: { mode } }));
export const setBotRoomMode = async (botId: string, roomId: string, mode: RoomMode) =>
  unwrap(await api.PATCH("/api/v1/bots/{bot_id}/rooms/{room_id}/mode", { ...roomPath(botId, roomId), body: { mode } }));
export const removeBotRoom = async (botId: string, roomId: string) => unwrap(await api.DELETE("/api/v1/bots/{bot_id}/rooms/{room_id}", roomPath(botId, roomId)));

export const listShares = async (botId: string, signal: AbortSignal) => unwrap(await api.GET("/api/v1/bots/{bot_id}/shares", { ...botPath(botId), signal }));
export const createShare = async (botId: string, userId: string, expiresAt: string | null) =>
  unwrap(await api.POST("/api/v1/bots/{bot_id}/shares", { ...botPath(botId), body: { shared_with_user_id: userId, expires_at: expiresAt } }));
export const revokeShare = async (botId: string, shareId: number) => unwrap(await api.DELETE("/api/v1/bots/{bot_id}/shares/{share_id}", { params: { path: { bot_id: botId, share_id: shareId } } }));
export const setSharing = async (botId: string, enabled: boolean) => unwrap(await api.PATCH("/api/v1/bots/{bot_id}/sharing", { ...botPath(botId), body: { enabled } }));
export const listSharedBots = async (signal: AbortSignal) => unwrap(await api.GET("/api/v1/me/shared-bots", { signal }));
export const leaveSharedBot = async (shareId: number) => unwrap(await api.POST("/api/v1/me/shared-bots/{share_id}/leave", { params: { path: { share_id: shareId } } }));

export const listSkills = async (signal: AbortSignal) => unwrap(await api.GET("/api/v1/dashboard/skills", { signal }));
export const installSkill = async (skillName: string, targetInstanceId: string) =>
  unwrap(await api.POST("/api/v1/dashboard/skills/install", { body: { skill_name: skillName, target_instance_id: targetInstanceId } }));
export const getSkillTransfer = async (transferId: string, signal: AbortSignal) =>
  unwrap(await api.GET("/api/v1/dashboard/skills/transfers/{transfer_id}", { params: { path: { transfer_id: transferId } }, signal }));
