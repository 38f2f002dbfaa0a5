import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { notFound } from "../../kernel/errors/app-error";
import { findBot } from "../bots";
import { SHARES_MAX } from "./bot-shares.core";
import { toActiveShareView, toSharedBotView, toShareView, type ActiveSharesView, type BotSharesRef, type SharedBotsView, type SharesView } from "./bot-shares.schemas";
import { listSharesOf, listSharesOfBot, listSharesWith } from "./bot-shares.store";
import { expireShares } from "./expire-shares";

/** Whom one of the caller's bots is shared with, newest first. @throws AppError NOT_FOUND */
export async function listShares(ctx: OwnerCtx, ref: z.output<typeof BotSharesRef>): Promise<z.input<typeof SharesView>> {
  if (!(await findBot(ctx, ctx.actor.userId, ref.bot_id))) throw notFound("Bot");
  const rows = await listSharesOfBot(ctx, ctx.actor.userId, ref.bot_id, ctx.clock.now(), SHARES_MAX);
  return rows.map(({ share, name, displayName }) => toShareView(share, { name, displayName }));
}

/** Bots of others that the caller may talk to, newest first; at most {@link SHARES_MAX}. */
export async function listSharedBots(ctx: OwnerCtx): Promise<z.input<typeof SharedBotsView>> {
  const rows = await listSharesWith(ctx, ctx.actor.userId, ctx.clock.now(), SHARES_MAX);
  return rows.map(({ share, ownerName, ownerDisplayName, ...bot }) => toSharedBotView(share, bot, { name: ownerName, displayName: ownerDisplayName }));
}

/** Every share of the caller's bots, for machines that set their allow lists by it. Expires what is overdue, so that no answer waits for the sweep. */
export async function listActiveShares(ctx: OwnerCtx): Promise<z.input<typeof ActiveSharesView>> {
  await expireShares(ctx, ctx.actor.userId);
  const rows = await listSharesOf(ctx, ctx.actor.userId, ctx.clock.now(), SHARES_MAX);
  return { shares: rows.map(({ share, botMatrixId }) => toActiveShareView(share, botMatrixId)) };
}
