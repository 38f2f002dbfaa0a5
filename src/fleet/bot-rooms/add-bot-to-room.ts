import type { OwnerCtx } from "../../kernel/context";
import { isUniqueViolation, LostUpdateError, Plan, retryLostUpdate } from "../../kernel/db/client";
import { AppError, notFound } from "../../kernel/errors/app-error";
import { getBot, SAGA_LEASE_MS, type Bot } from "../bots";
import { requireBotHomeserver } from "../matrix-accounts";
import { BUSY_RETRY_SECONDS, isBusy, isRoomId, type RoomMode } from "./bot-rooms.core";
import { deleteBotRoom, findBotRoom, insertBotRoom, updateBotRoom, type BotRoom } from "./bot-rooms.store";
import { enterRoom } from "./enter-room";
import { settleBotRoom } from "./settle-bot-room";
import { modeEffect } from "./tell-room-mode";

/** Somebody else brings the bot in or out at this moment. */
export const roomBusy = (): AppError => new AppError("CONFLICT", "The bot is just entering or leaving this room; try again in a moment.", { retryAfterSeconds: BUSY_RETRY_SECONDS });

/** @throws AppError BOT_DISABLED_BY_PLAN */
export function requireInPlan(bot: Bot): void {
  if (bot.planDisabledAt !== null) throw new AppError("BOT_DISABLED_BY_PLAN", `Your plan does not carry ${bot.name} any more.`);
}

/**
 * Puts one of the caller's bots into a room. In there already, it only gets the mode, which needs no homeserver. Whatever fails on
 * the way is undone at once or by the reconciler.
 * @throws AppError NOT_FOUND (bot, room), BOT_DISABLED_BY_PLAN, FORBIDDEN (the owner may not invite there), CONFLICT, MATRIX_UNAVAILABLE, BAD_GATEWAY
 */
export async function addBotToRoom(ctx: OwnerCtx, botId: string, roomId: string, mode: RoomMode): Promise<BotRoom> {
  const bot = await getBot(ctx, botId);
  requireInPlan(bot);
  if (!isRoomId(roomId)) throw notFound("Room");
  const ready = await retryLostUpdate(() => changeModeOrMark(ctx, bot, roomId, mode));
  return ready.state === "joined" ? ready : bringIn(ctx, bot, ready);
}

/** In the room already: its row with the new mode, committed. Otherwise the row as marked, and the saga may begin. */
async function changeModeOrMark(ctx: OwnerCtx, bot: Bot, roomId: string, mode: RoomMode): Promise<BotRoom> {
  const row = await findBotRoom(ctx, bot.tenantId, bot.id, roomId);
  const now = ctx.clock.now();
  if (row?.state === "joined") {
    await addChange(new Plan(ctx).guarded(updateBotRoom(ctx, row, { mode, updatedAt: now })), bot, roomId, mode).commit();
    return { ...row, mode, updatedAt: now, version: row.version + 1 };
  }
  requireBotHomeserver(ctx);
  if (row && isBusy(row, now)) throw roomBusy();
  const mark = { mode, state: "joining" as const, settleAt: now + SAGA_LEASE_MS, settleAttempts: 0, createdAt: now, updatedAt: now };
  const plan = new Plan(ctx);
  if (row) plan.guarded(updateBotRoom(ctx, row, mark));
  else plan.write(insertBotRoom(ctx, { tenantId: bot.tenantId, botId: bot.id, roomId, ...mark }));
  try {
    await plan.commit();
  } catch (error) {
    throw isUniqueViolation(error, "bot_rooms") ? new LostUpdateError(error) : error;
  }
  const marked = await findBotRoom(ctx, bot.tenantId, bot.id, roomId);
  if (!marked) throw new LostUpdateError("the row went at once");
  return marked;
}

async function bringIn(ctx: OwnerCtx, bot: Bot, row: BotRoom): Promise<BotRoom> {
  const home = requireBotHomeserver(ctx);
  try {
    const entered = await enterRoom(ctx, home, bot, row.roomId, "own");
    if (entered === "ok") {
      const changes = { state: "joined", settleAt: null, updatedAt: ctx.clock.now() } as const;
      await addChange(new Plan(ctx).guarded(updateBotRoom(ctx, row, changes)), bot, row.roomId, row.mode).commit();
      return { ...row, ...changes, version: row.version + 1 };
    }
    await new Plan(ctx).write(deleteBotRoom(ctx, row)).commit();
    if (entered === "unknown") throw notFound("Room");
    throw new AppError("FORBIDDEN", "The room does not let the bot in, and you may not invite into it.");
  } catch (error) {
    await abandon(ctx, row);
    throw error;
  }
}

const addChange = (plan: Plan, bot: Bot, roomId: string, mode: RoomMode): Plan =>
  plan.audit({ action: "bot_room.add", subject: { type: "bot", id: bot.id }, detail: { room_id: roomId, mode } }).effect(modeEffect(bot.id, roomId));

/** Turns the row round; what cannot be undone now, the reconciler does. No harm when the row has moved on or is gone. */
async function abandon(ctx: OwnerCtx, row: BotRoom): Promise<void> {
  const now = ctx.clock.now();
  await new Plan(ctx)
    .write(updateBotRoom(ctx, row, { state: "leaving", settleAt: now, updatedAt: now }))
    .commit()
    .catch(() => undefined);
  ctx.defer(settleBotRoom(ctx, row.id).catch(() => undefined));
}
