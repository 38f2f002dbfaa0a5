import type { Ctx, OwnerCtx } from "../../kernel/context";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { AppError, notFound } from "../../kernel/errors/app-error";
import { newUuid, randomBytes } from "../../kernel/ids/ids";
import { findBot, isUsable, type Bot } from "../bots";
import { requireCarried } from "../instances";
import { announceEffect } from "./announce-pairing";
import { CODE_LIFE_MS, newPairCode } from "./pair-code.core";
import { hashPairCode, sealPairCode } from "./pair-code";
import { botIsUsable, insertPairing, isMachine, supersedeCodes } from "./pairings.store";

export interface CreatedPairing {
  readonly pairingId: string;
  readonly code: string;
  readonly bot: Bot;
  readonly targetInstanceId: string | null;
}

/**
 * Makes a code that puts one of the caller's bots on a machine; older codes of the bot are worthless from now on. Its machines hear of
 * it at once.
 * @throws AppError NOT_FOUND, BOT_DISABLED_BY_PLAN, INSTANCE_DISABLED_BY_PLAN, PAIRING_TARGET_MISMATCH
 */
export function createPairing(ctx: OwnerCtx, botId: string, targetInstanceId: string | null): Promise<CreatedPairing> {
  const { userId } = ctx.actor;
  return retryLostUpdate(async () => {
    const [bot, targetIsMine] = await Promise.all([findBot(ctx, userId, botId), targetInstanceId === null || isMachine(ctx, userId, targetInstanceId), targetInstanceId !== null && requireCarried(ctx, userId, targetInstanceId)]);
    if (!bot) throw notFound("Bot");
    if (!isUsable(bot)) throw new AppError("BOT_DISABLED_BY_PLAN", "Your plan does not carry this bot any more.");
    if (!targetIsMine) throw new AppError("PAIRING_TARGET_MISMATCH", "The machine that this code should be for is not one of yours.");
    return issueCode(ctx, bot, targetInstanceId, "pairing.create");
  });
}

/** Commits a fresh code of a bot that its owner may use. @throws LostUpdateError when the bot was deleted or disabled meanwhile */
export async function issueCode(ctx: Ctx, bot: Bot, targetInstanceId: string | null, action: "pairing.create" | "pairing.renew"): Promise<CreatedPairing> {
  const { tenantId } = bot;
  const now = ctx.clock.now();
  const id = newUuid();
  const code = newPairCode(randomBytes);
  const row = { id, tenantId, botId: bot.id, codeHash: await hashPairCode(ctx, code), sealedCode: await sealPairCode(ctx, id, code), targetInstanceId, status: "pending" as const, expiresAt: now + CODE_LIFE_MS, createdAt: now, updatedAt: now };
  await new Plan(ctx)
    .require(botIsUsable(ctx, tenantId, bot.id))
    .write(supersedeCodes(ctx, tenantId, bot.id))
    .write(insertPairing(ctx, row))
    .audit({ action, tenantId, subject: { type: "pairing", id }, detail: { bot_id: bot.id, target_instance_id: targetInstanceId } })
    .effect(announceEffect(id))
    .commit();
  return { pairingId: id, code, bot, targetInstanceId };
}
