import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { isUniqueViolation, Plan, retryLostUpdate } from "../../kernel/db/client";
import { AppError, invalidField, notFound } from "../../kernel/errors/app-error";
import { findBot } from "../bots";
import { requireCapability } from "../plans";
import { endOf, readExpiry, SHARES_MAX } from "./bot-shares.core";
import { toShareView, type CreateShareBody, type ShareView } from "./bot-shares.schemas";
import { countShares, endShareRow, findOpenShare, findRecipient, insertShare, isShareable, withinShareCap, type Share } from "./bot-shares.store";
import { sharesEndedEffect } from "./share-effects";

type Input = { readonly bot_id: string } & z.output<typeof CreateShareBody>;

/**
 * Lets somebody else talk to one of the caller's bots; its machine is told after the commit.
 * @throws AppError NOT_FOUND (bot or recipient), BOT_DISABLED_BY_PLAN, SHARING_DISABLED, VALIDATION_ERROR (`expires_at`),
 * MALFORMED_REQUEST (with oneself), ALREADY_SHARED, PLAN_LIMIT
 */
export function createShare(ctx: OwnerCtx, input: Input): Promise<z.input<typeof ShareView>> {
  return retryLostUpdate(async () => {
    const { userId } = ctx.actor;
    const now = ctx.clock.now();
    const bot = await findBot(ctx, userId, input.bot_id);
    if (!bot) throw notFound("Bot");
    if (bot.planDisabledAt !== null) throw new AppError("BOT_DISABLED_BY_PLAN", "Your plan does not carry this bot.");
    if (!bot.sharingEnabled) throw new AppError("SHARING_DISABLED", "Sharing is turned off for this bot.");
    const expiresAt = requireExpiry(input.expires_at ?? null, now);

    const recipient = await findRecipient(ctx, input.shared_with_user_id.trim());
    if (!recipient) throw notFound("User");
    if (recipient.id === userId) throw new AppError("MALFORMED_REQUEST", "This bot is yours already; share it with somebody else.");
    const open = await findOpenShare(ctx, bot.id, recipient.id);
    const overdue = open && endOf(open, "expired", now);
    if (open && !overdue) throw alreadyShared();
    const cap = Math.min((await requireCapability(ctx, userId, "max_bot_shares", (tenantId) => countShares(ctx, tenantId, now))) ?? SHARES_MAX, SHARES_MAX);

    const work = new Plan(ctx);
    if (open && overdue) work.guarded(endShareRow(ctx, open, overdue)).effect(sharesEndedEffect(bot, now));
    const share = { tenantId: userId, botId: bot.id, recipientId: recipient.id, recipientMatrixId: recipient.matrixId, expiresAt, createdAt: now, updatedAt: now };
    const insertAt = open ? 2 : 0;
    work
      .write(insertShare(ctx, share))
      .require(isShareable(ctx, userId, bot.id))
      .require(withinShareCap(ctx, userId, now, cap))
      .audit({ action: "bot_share.create", subject: { type: "bot", id: bot.id }, detail: { shared_with_user_id: recipient.matrixId, expires_at: expiresAt } })
      .effect({ type: "share.notify", payload: { botId: bot.id, recipientId: recipient.id } });
    // The insert returns its row.
    const [row] = (await commitNew(work))[insertAt] as Share[];
    if (!row) throw new Error("the insert of a share returned no row");
    return toShareView(row, recipient);
  });
}

async function commitNew(work: Plan): Promise<readonly unknown[]> {
  try {
    return await work.commit();
  } catch (error) {
    if (isUniqueViolation(error, "bot_shares")) throw alreadyShared();
    throw error;
  }
}

const alreadyShared = (): AppError => new AppError("ALREADY_SHARED", "This bot is shared with this person already.");

function requireExpiry(text: string | null, now: number): number | null {
  if (text === null) return null;
  const at = readExpiry(text, now);
  switch (at) {
    case "malformed":
      throw invalidField(["body", "expires_at"], "Input should be an ISO 8601 date and time", "datetime_parsing");
    case "past":
      throw invalidField(["body", "expires_at"], "Input should be in the future", "datetime_future");
    case "too_far":
      throw invalidField(["body", "expires_at"], "Input should be within the next hundred years", "datetime_too_far");
    default:
      return at;
  }
}
