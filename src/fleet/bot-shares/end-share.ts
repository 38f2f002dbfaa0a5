import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { notFound } from "../../kernel/errors/app-error";
import { findBot, findBotRow } from "../bots";
import { endOf } from "./bot-shares.core";
import type { SharedBotRef, ShareEndedView, ShareRef } from "./bot-shares.schemas";
import { endShareRow, findShareOfBot, findShareWith, type Share } from "./bot-shares.store";
import { sharesEndedEffect } from "./share-effects";

type View = z.input<typeof ShareEndedView>;

/** The owner takes a bot back from somebody. One that has ended is not found any more. @throws AppError NOT_FOUND */
export function revokeShare(ctx: OwnerCtx, ref: z.output<typeof ShareRef>): Promise<View> {
  return retryLostUpdate(async () => {
    const { userId } = ctx.actor;
    if (!(await findBot(ctx, userId, ref.bot_id))) throw notFound("Bot");
    await end(ctx, await findShareOfBot(ctx, userId, ref.bot_id, ref.share_id), "revoked");
    return { success: true, message: "The share is revoked." };
  });
}

/** The recipient gives a shared bot back. @throws AppError NOT_FOUND */
export function leaveSharedBot(ctx: OwnerCtx, ref: z.output<typeof SharedBotRef>): Promise<View> {
  return retryLostUpdate(async () => {
    await end(ctx, await findShareWith(ctx, ctx.actor.userId, ref.share_id), "left");
    return { success: true, message: "You have left the bot." };
  });
}

async function end(ctx: OwnerCtx, share: Share | null, cause: "revoked" | "left"): Promise<void> {
  const how = share && endOf(share, cause, ctx.clock.now());
  if (!share || !how) throw notFound("Share");
  const bot = await findBotRow(ctx, share.botId);
  const plan = new Plan(ctx).guarded(endShareRow(ctx, share, how)).audit({
    action: cause === "left" ? "bot_share.leave" : "bot_share.revoke",
    tenantId: share.tenantId,
    subject: { type: "bot", id: share.botId },
    detail: { share_id: share.id, shared_with_user_id: share.recipientMatrixId, reason: how.endReason },
  });
  if (bot) plan.effect(sharesEndedEffect(bot, how.endedAt));
  await plan.commit();
}
