import type { Ctx } from "../../kernel/context";
import { Plan } from "../../kernel/db/client";
import { PermanentEffectError } from "../../kernel/outbox/effects";
import { findBotRow, isUsable } from "../bots";
import { flagForReentry, listDueRoomsOf } from "./bot-rooms.store";
import { settleBotRoom } from "./settle-bot-room";

/** Rooms that are entered right here; the reconciler enters the rest. */
const AT_ONCE = 20;

/**
 * Effect `bot.rejoin`: a bot's account was reactivated, which restores no rooms. Its rows stay as they are and are only marked, so
 * that a homeserver that fails now costs it no room. A room that it may not enter any more is dropped.
 */
export async function rejoinRooms(ctx: Ctx, payload: unknown): Promise<void> {
  const botId = payload !== null && typeof payload === "object" && "botId" in payload ? payload.botId : null;
  if (typeof botId !== "string") throw new PermanentEffectError("the payload names no bot");
  const bot = await findBotRow(ctx, botId);
  if (!bot || !isUsable(bot)) return;
  await new Plan(ctx).write(flagForReentry(ctx, botId, ctx.clock.now())).commit();
  for (const id of await listDueRoomsOf(ctx, botId, AT_ONCE)) await settleBotRoom(ctx, id);
}
