import type { OwnerCtx } from "../../kernel/context";
import { AppError, notFound } from "../../kernel/errors/app-error";
import { findBot, type Bot } from "../bots";
import { findBoundInstance } from "../cli-tokens";

/**
 * A Hermes bot of the caller. A CLI token that is bound to a machine speaks only of bots of that machine, and of those on none.
 * @throws AppError NOT_FOUND, BOT_NOT_HERMES, TOKEN_BOUND
 */
export async function requireHermesBot(ctx: OwnerCtx, botId: string): Promise<Bot> {
  const { actor } = ctx;
  const [bot, boundTo] = await Promise.all([findBot(ctx, actor.userId, botId), actor.type === "cliToken" ? findBoundInstance(ctx, actor.tokenId) : null]);
  if (!bot) throw notFound("Bot");
  if (bot.runtime !== "hermes") throw new AppError("BOT_NOT_HERMES", "This bot does not run on Hermes.");
  if (boundTo !== null && bot.instanceId !== null && boundTo !== bot.instanceId) throw new AppError("TOKEN_BOUND", "This CLI token is bound to another machine than the bot's.");
  return bot;
}
