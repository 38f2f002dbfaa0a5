import type { Ctx } from "../../kernel/context";
import { LostUpdateError, Plan } from "../../kernel/db/client";
import { AppError } from "../../kernel/errors/app-error";
import { describeCause } from "../../kernel/logging/logger";
import { findBotRow, isUsable, SAGA_LEASE_MS, SETTLE_LOUD_ATTEMPTS, type Bot } from "../bots";
import { findBotHomeserver, type BotHomeserver } from "../matrix-accounts";
import { lastLookAt } from "./bot-rooms.core";
import { deleteBotRoom, findBotRoomRow, updateBotRoom, type BotRoom } from "./bot-rooms.store";
import { enterRoom } from "./enter-room";

/**
 * The reconciler's work on one bot in one room (docs/design/bots.md): whom a saga left half way is taken out, who should be in there
 * is brought in again. Harmless when repeated. Does nothing while somebody else works on it, or without a homeserver. What fails
 * stays due for the next tick.
 */
export async function settleBotRoom(ctx: Ctx, id: number): Promise<void> {
  const home = findBotHomeserver(ctx);
  const claimed = home && (await claim(ctx, id));
  if (!home || !claimed) return;
  try {
    const bot = await findBotRow(ctx, claimed.botId);
    // Whose row is gone has no account of its own any more, and an account that ends parts its rooms.
    if (!bot) await drop(ctx, claimed);
    else if (claimed.state === "joined") await bringBack(ctx, home, bot, claimed);
    else await takeOut(ctx, home, bot, claimed);
  } catch (error) {
    // Its owner changed the row meanwhile; whatever it still needs, settle_at says.
    if (error instanceof LostUpdateError) return;
    const loud = claimed.settleAttempts >= SETTLE_LOUD_ATTEMPTS;
    ctx.log[loud ? "error" : "warn"]("a bot's room could not be settled", { event: "bot_room.settle.failed", bot_id: claimed.botId, attempts: claimed.settleAttempts, ...describeCause(error) });
    await new Plan(ctx).write(updateBotRoom(ctx, claimed, { settleAt: ctx.clock.now() })).commit();
  }
}

/** A saga that broke off is turned round by the very claim. */
async function claim(ctx: Ctx, id: number): Promise<BotRoom | null> {
  const row = await findBotRoomRow(ctx, id);
  const now = ctx.clock.now();
  if (!row || row.settleAt === null || row.settleAt > now) return null;
  const turned = row.state === "joining" ? ({ state: "leaving", updatedAt: now } as const) : {};
  const changes = { ...turned, settleAt: now + SAGA_LEASE_MS, settleAttempts: row.settleAttempts + 1 };
  try {
    await new Plan(ctx).guarded(updateBotRoom(ctx, row, changes)).commit();
  } catch (error) {
    if (error instanceof LostUpdateError) return null;
    throw error;
  }
  return { ...row, ...changes, version: row.version + 1 };
}

async function takeOut(ctx: Ctx, home: BotHomeserver, bot: Bot, row: BotRoom): Promise<void> {
  if ((await home.bots.leave(bot.matrixId, row.roomId)) === "refused") throw new AppError("MATRIX_UNAVAILABLE", "The homeserver does not let the bot leave.");
  if (ctx.clock.now() >= lastLookAt(row)) await drop(ctx, row);
  else await new Plan(ctx).guarded(updateBotRoom(ctx, row, { settleAt: lastLookAt(row), settleAttempts: 0 })).commit();
}

async function bringBack(ctx: Ctx, home: BotHomeserver, bot: Bot, row: BotRoom): Promise<void> {
  if (bot.status === "deleted") return drop(ctx, row);
  // A parked one is brought back when its plan carries it again.
  const entered = isUsable(bot) ? await enterRoom(ctx, home, bot, row.roomId, "any") : "ok";
  if (entered === "ok") {
    await new Plan(ctx).guarded(updateBotRoom(ctx, row, { settleAt: null, settleAttempts: 0 })).commit();
    return;
  }
  await new Plan(ctx)
    .guarded(deleteBotRoom(ctx, row))
    .audit({ action: "bot_room.lost", tenantId: row.tenantId, subject: { type: "bot", id: row.botId }, detail: { room_id: row.roomId, because: entered } })
    .commit();
}

async function drop(ctx: Ctx, row: BotRoom): Promise<void> {
  await new Plan(ctx).guarded(deleteBotRoom(ctx, row)).commit();
}
