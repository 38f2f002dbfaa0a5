import { instanceObject } from "../../../durable-objects/stubs";
import type { Ctx } from "../../kernel/context";
import { PermanentEffectError, type Effect } from "../../kernel/outbox/effects";
import { findBotRow, isUsable } from "../bots";
import { findBotRoom } from "./bot-rooms.store";

interface RoomModePayload {
  readonly botId: string;
  readonly roomId: string;
}

/** Tells the bot's machine how it answers in a room. Carries no mode: whatever overtakes, the machine hears the newest. */
export function modeEffect(botId: string, roomId: string): Effect {
  const payload: RoomModePayload = { botId, roomId };
  return { type: "bot_room.mode", payload };
}

/** Effect `bot_room.mode`. Does nothing when the bot is on no machine or not in the room any more. */
export async function tellRoomMode(ctx: Ctx, payload: unknown): Promise<void> {
  if (!isRoomMode(payload)) throw new PermanentEffectError("the payload names no bot and room");
  const bot = await findBotRow(ctx, payload.botId);
  if (!bot || !isUsable(bot) || bot.instanceId === null) return;
  const row = await findBotRoom(ctx, bot.tenantId, bot.id, payload.roomId);
  if (row?.state !== "joined") return;
  const event = { type: "bot.room.mode", bot_id: bot.id, room_id: row.roomId, mode: row.mode };
  await instanceObject(ctx.objects, { userId: bot.tenantId, instanceId: bot.instanceId }).pushEvent({ userId: bot.tenantId, instanceId: bot.instanceId }, event, true);
}

function isRoomMode(payload: unknown): payload is RoomModePayload {
  if (payload === null || typeof payload !== "object") return false;
  const { botId, roomId } = payload as Partial<Record<keyof RoomModePayload, unknown>>;
  return typeof botId === "string" && typeof roomId === "string";
}
