import type { OwnerCtx } from "../../kernel/context";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { AppError, notFound } from "../../kernel/errors/app-error";
import { describeError } from "../../kernel/logging/logger";
import { getBot, SAGA_LEASE_MS } from "../bots";
import { requireBotHomeserver } from "../matrix-accounts";
import { roomBusy } from "./add-bot-to-room";
import { isBusy } from "./bot-rooms.core";
import { deleteBotRoom, findBotRoom, updateBotRoom, type BotRoom } from "./bot-rooms.store";

/** `pending`: recorded, and done as soon as the homeserver lets us. */
export type Removal = "done" | "pending";

/**
 * Takes one of the caller's bots out of a room. Once this is recorded it will happen, so a homeserver that fails now does not make it
 * fail; only without any homeserver it is refused. Again while it is pending: pending.
 * @throws AppError NOT_FOUND (bot; the bot is not in this room), CONFLICT, MATRIX_UNAVAILABLE (none is configured)
 */
export async function removeBotFromRoom(ctx: OwnerCtx, botId: string, roomId: string): Promise<Removal> {
  const bot = await getBot(ctx, botId);
  const marked = await retryLostUpdate(() => markLeaving(ctx, bot.tenantId, bot.id, roomId));
  if (!marked) return "pending";
  const home = requireBotHomeserver(ctx);
  try {
    if ((await home.bots.leave(bot.matrixId, roomId)) === "refused") throw new AppError("MATRIX_UNAVAILABLE", "The homeserver does not let the bot leave.");
    await new Plan(ctx).guarded(deleteBotRoom(ctx, marked)).commit();
    return "done";
  } catch (error) {
    ctx.log.warn("a bot has not left its room yet", { event: "bot_room.leave.pending", bot_id: bot.id, ...describeError(error) });
    await new Plan(ctx)
      .write(updateBotRoom(ctx, marked, { settleAt: ctx.clock.now() }))
      .commit()
      .catch(() => undefined);
    return "pending";
  }
}

/** The row as marked; null when that was done before. */
async function markLeaving(ctx: OwnerCtx, tenantId: number, botId: string, roomId: string): Promise<BotRoom | null> {
  const row = await findBotRoom(ctx, tenantId, botId, roomId);
  if (!row) throw notFound("Room");
  requireBotHomeserver(ctx);
  if (row.state === "leaving") return null;
  const now = ctx.clock.now();
  if (isBusy(row, now)) throw roomBusy();
  // Its saga died; the reconciler takes the bot out, with a second look.
  if (row.state === "joining") return null;
  const changes = { state: "leaving" as const, settleAt: now + SAGA_LEASE_MS, settleAttempts: 0, updatedAt: now };
  await new Plan(ctx)
    .guarded(updateBotRoom(ctx, row, changes))
    .audit({ action: "bot_room.remove", subject: { type: "bot", id: botId }, detail: { room_id: roomId } })
    .commit();
  return { ...row, ...changes, version: row.version + 1 };
}
