import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { notFound } from "../../kernel/errors/app-error";
import { findBot, updateBotRow } from "../bots";
import type { BotSharesRef, ShareEndedView, SharingToggleBody } from "./bot-shares.schemas";
import { endSharesOfBot } from "./bot-shares.store";
import { sharesEndedEffect } from "./share-effects";

type Input = z.output<typeof BotSharesRef> & z.output<typeof SharingToggleBody>;

/** Turns sharing of a bot on or off. Off ends all its shares; on does not bring them back. What changes nothing is not written. @throws AppError NOT_FOUND */
export function toggleSharing(ctx: OwnerCtx, { bot_id: botId, enabled }: Input): Promise<z.input<typeof ShareEndedView>> {
  return retryLostUpdate(async () => {
    const { userId } = ctx.actor;
    const bot = await findBot(ctx, userId, botId);
    if (!bot) throw notFound("Bot");
    if (bot.sharingEnabled !== enabled) {
      const now = ctx.clock.now();
      const plan = new Plan(ctx).guarded(updateBotRow(ctx, bot, { sharingEnabled: enabled })).audit({ action: "bot_share.toggle", subject: { type: "bot", id: bot.id }, detail: { enabled } });
      if (!enabled) plan.write(endSharesOfBot(ctx, userId, bot.id, "sharing_off", now)).effect(sharesEndedEffect(bot, now));
      await plan.commit();
    }
    return { success: true, message: enabled ? "Sharing is on." : "Sharing is off; nobody else has access to the bot any more." };
  });
}
