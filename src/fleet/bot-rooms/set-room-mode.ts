import type { OwnerCtx } from "../../kernel/context";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { notFound } from "../../kernel/errors/app-error";
import { getBot } from "../bots";
import type { RoomMode } from "./bot-rooms.core";
import { findBotRoom, updateBotRoom, type BotRoom } from "./bot-rooms.store";
import { modeEffect } from "./tell-room-mode";

/** Sets how one of the caller's bots answers in a room that it is in. Needs no homeserver. @throws AppError NOT_FOUND */
export async function setRoomMode(ctx: OwnerCtx, botId: string, roomId: string, mode: RoomMode): Promise<BotRoom> {
  const bot = await getBot(ctx, botId);
  return retryLostUpdate(async () => {
    const row = await findBotRoom(ctx, bot.tenantId, bot.id, roomId);
    if (row?.state !== "joined") throw notFound("Room");
    const changes = { mode, updatedAt: ctx.clock.now() };
    await new Plan(ctx)
      .guarded(updateBotRoom(ctx, row, changes))
      .audit({ action: "bot_room.set_mode", subject: { type: "bot", id: bot.id }, detail: { room_id: roomId, mode } })
      .effect(modeEffect(bot.id, roomId))
      .commit();
    return { ...row, ...changes, version: row.version + 1 };
  });
}
