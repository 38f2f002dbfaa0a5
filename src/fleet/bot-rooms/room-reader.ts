import type { OwnerCtx } from "../../kernel/context";
import { notFound } from "../../kernel/errors/app-error";
import type { MatrixMember } from "../../kernel/ports/matrix";
import { findAccountById } from "../accounts";
import { isUsable, listBotsByMatrixIds, type Bot } from "../bots";
import type { BotHomeserver } from "../matrix-accounts";
import { showsAllHistory } from "./bot-rooms.core";
import { findOwnBotIn } from "./bot-rooms.store";

/** What the caller may see of a room. */
export interface RoomSight {
  readonly members: readonly MatrixMember[];
  /** Our bots among the members, of any owner. */
  readonly bots: readonly Bot[];
  readonly callerMatrixId: string | null;
  /** The bot to read messages with; null when the caller is in there, but nobody may read for them. */
  readonly reader: Bot | null;
}

/**
 * Opens a room for somebody who owns a bot in there or is in there. Their own bot reads. For people without one any bot of ours reads,
 * but only where everybody may look back in the room as far as it goes: else they might see what was said before they came.
 * @throws AppError NOT_FOUND, for rooms that do not exist too; MATRIX_UNAVAILABLE, BAD_GATEWAY
 */
export async function openRoom(ctx: OwnerCtx, home: BotHomeserver, roomId: string): Promise<RoomSight> {
  const [known, account] = await Promise.all([findOwnBotIn(ctx, ctx.actor.userId, roomId), findAccountById(ctx, ctx.actor.userId)]);
  const callerMatrixId = account?.matrixId ?? null;
  const seen = known && (await home.bots.listMembers(known.matrixId, roomId));
  if (seen) return { members: seen, bots: await listBotsByMatrixIds(ctx, idsOf(seen)), callerMatrixId, reader: known };

  const ids = await home.admin.listRoomMembers(roomId);
  const bots = await listBotsByMatrixIds(ctx, ids ?? []);
  const own = bots.find((bot) => bot.tenantId === ctx.actor.userId && isUsable(bot));
  if (!ids || (!own && (callerMatrixId === null || !ids.includes(callerMatrixId)))) throw notFound("Room");
  const guide = own ?? bots.find(isUsable) ?? null;
  const named = guide && (await home.bots.listMembers(guide.matrixId, roomId));
  const members = named ?? ids.map((userId) => ({ userId, displayName: null }));
  const mayRead = own !== undefined || showsAllHistory((await home.admin.findRoom(roomId))?.historyVisibility ?? null);
  return { members, bots, callerMatrixId, reader: mayRead ? guide : null };
}

const idsOf = (members: readonly MatrixMember[]): string[] => members.map((member) => member.userId);
