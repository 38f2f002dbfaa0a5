import type { OwnerCtx } from "../../kernel/context";
import { Plan } from "../../kernel/db/client";
import { AppError } from "../../kernel/errors/app-error";
import { describeCause } from "../../kernel/logging/logger";
import { findBoundInstance } from "../cli-tokens";
import { requireBotHomeserver } from "../matrix-accounts";
import { getBot } from "./bots.queries";
import { updateBotRow, type Bot } from "./bots.store";
import { clearOtherDevices, openDevice, readyCredentials, sealBotToken } from "./credentials";
import type { CreatedBot } from "./create-bot";

function requirePlan(bot: Bot): void {
  if (bot.planDisabledAt !== null) throw new AppError("BOT_DISABLED_BY_PLAN", "Your plan does not carry this bot any more.");
}

/**
 * Replaces a bot's token: a new device is opened and the old one, with its token and its encryption keys, is deleted before this
 * answers. @throws AppError NOT_FOUND, BOT_DISABLED_BY_PLAN, MATRIX_UNAVAILABLE (then the old token may live until the reconciler's
 * next tick, and asking again makes another), BAD_GATEWAY
 */
export async function rotateBotToken(ctx: OwnerCtx, botId: string): Promise<CreatedBot> {
  const found = await getBot(ctx, botId);
  const home = requireBotHomeserver(ctx);
  requirePlan(found);
  const ready = await readyCredentials(ctx, home, found, { rotate: true });
  await new Plan(ctx)
    .guarded(updateBotRow(ctx, ready.bot, ready.changes))
    .audit({ action: "bot.rotate_token", subject: { type: "bot", id: botId }, detail: { device_id: ready.deviceId } })
    .commit();
  await clearOtherDevices(ctx, home, botId);
  return { bot: { ...ready.bot, ...ready.changes }, accessToken: ready.accessToken };
}

export interface RefreshedToken {
  readonly access_token: string;
  readonly device_id: string;
  readonly homeserver: string;
  readonly user_id: string;
}

/**
 * A fresh token on the bot's own device, for a runtime whose token died: encryption keys live on, older tokens of the device too.
 * A machine that the bot was taken from does not get it back: neither by the device it had, nor by a token bound to it.
 * @throws AppError NOT_FOUND, BOT_DISABLED_BY_PLAN, DEVICE_MISMATCH, TOKEN_BOUND, MATRIX_UNAVAILABLE, BAD_GATEWAY (the homeserver refuses us: an operator must look)
 */
export async function refreshBotToken(ctx: OwnerCtx, botId: string, deviceId: string | null): Promise<RefreshedToken> {
  const bot = await getBot(ctx, botId);
  const home = requireBotHomeserver(ctx);
  requirePlan(bot);
  if (deviceId !== null && deviceId !== bot.deviceId) throw new AppError("DEVICE_MISMATCH", "The bot has another device now; pair it again on this machine to use it here.");
  await requireItsMachine(ctx, bot);
  const attempt = { bot_id: botId, device_id: bot.deviceId };
  try {
    const accessToken = await openDevice(home, bot, bot.deviceId);
    await new Plan(ctx)
      .guarded(updateBotRow(ctx, bot, { sealedToken: await sealBotToken(ctx, botId, accessToken) }))
      .audit({ action: "bot.refresh_token", subject: { type: "bot", id: botId }, detail: { device_id: bot.deviceId } })
      .commit();
    ctx.log.info("a bot's token was refreshed", { event: "bot_token_refresh_attempt", outcome: "success", ...attempt });
    return { access_token: accessToken, device_id: bot.deviceId, homeserver: home.publicUrl, user_id: bot.matrixId };
  } catch (error) {
    ctx.log.warn("a bot's token was not refreshed", { event: "bot_token_refresh_attempt", outcome: "failure", ...attempt, ...describeCause(error) });
    if (error instanceof AppError && error.code === "BAD_GATEWAY") ctx.log.error("the homeserver refuses the application service", { event: "bot_token_revocation_detected", ...attempt });
    throw error;
  }
}

async function requireItsMachine(ctx: OwnerCtx, bot: Bot): Promise<void> {
  if (ctx.actor.type !== "cliToken" || bot.instanceId === null) return;
  const bound = await findBoundInstance(ctx, ctx.actor.tokenId);
  if (bound !== null && bound !== bot.instanceId) throw new AppError("TOKEN_BOUND", "This bot is on another machine now.");
}
