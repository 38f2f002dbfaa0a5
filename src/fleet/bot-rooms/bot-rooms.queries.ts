import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { notFound } from "../../kernel/errors/app-error";
import type { MatrixMessage } from "../../kernel/ports/matrix";
import { getBot, listBotsByMatrixIds } from "../bots";
import { requireBotHomeserver } from "../matrix-accounts";
import type { RoomInfoView, RoomMessagesView } from "./bot-rooms.schemas";
import { listBotRoomRows, type BotRoom } from "./bot-rooms.store";
import { openRoom } from "./room-reader";

/** Rooms that one of the caller's bots is in, oldest first. @throws AppError NOT_FOUND */
export async function listBotRooms(ctx: OwnerCtx, botId: string): Promise<BotRoom[]> {
  const bot = await getBot(ctx, botId);
  return listBotRoomRows(ctx, bot.tenantId, bot.id);
}

/** Who is in a room. @throws AppError NOT_FOUND, MATRIX_UNAVAILABLE, BAD_GATEWAY */
export async function getRoomInfo(ctx: OwnerCtx, roomId: string): Promise<z.output<typeof RoomInfoView>> {
  const room = await openRoom(ctx, requireBotHomeserver(ctx), roomId);
  const owners = new Map(room.bots.map((bot) => [bot.matrixId, bot.tenantId]));
  const members = room.members.map(({ userId, displayName }) => ({
    user_id: userId,
    display_name: displayName,
    is_bot: owners.has(userId),
    is_own: owners.get(userId) === ctx.actor.userId || userId === room.callerMatrixId,
  }));
  return { room_id: roomId, members, bots: members.filter((member) => member.is_bot), humans: members.filter((member) => !member.is_bot) };
}

/** The newest messages of a room, newest first. @throws AppError NOT_FOUND, MATRIX_UNAVAILABLE, BAD_GATEWAY */
export async function listRoomMessages(ctx: OwnerCtx, roomId: string, limit: number): Promise<z.output<typeof RoomMessagesView>> {
  const messages = await readRoom(ctx, roomId, limit);
  const ours = new Set((await listBotsByMatrixIds(ctx, [...new Set(messages.map((message) => message.sender))])).map((bot) => bot.matrixId));
  return {
    messages: messages.map(({ eventId, sender, body, sentAt, type }) => ({ event_id: eventId, sender, body, ts: sentAt, type, is_bot: ours.has(sender) })),
    room_id: roomId,
  };
}

/** The newest messages as the caller may read them, newest first. @throws AppError NOT_FOUND, MATRIX_UNAVAILABLE, BAD_GATEWAY */
export async function readRoom(ctx: OwnerCtx, roomId: string, limit: number): Promise<readonly MatrixMessage[]> {
  const home = requireBotHomeserver(ctx);
  const { reader } = await openRoom(ctx, home, roomId);
  const messages = reader && (await home.bots.listMessages(reader.matrixId, roomId, limit));
  if (!messages) throw notFound("Room");
  return messages;
}
