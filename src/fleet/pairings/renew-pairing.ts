import { z } from "zod";
import { retryLostUpdate } from "../../kernel/db/client";
import type { EffectHandler } from "../../kernel/outbox/drain";
import { findBotRow, isUsable } from "../bots";
import { issueCode } from "./create-pairing";
import { findLastMachine, isMachine } from "./pairings.store";

const RenewPayload = z.object({ botId: z.string() });

/**
 * Effect `pairing.renew`: a bot came back after its plan had disabled it, so the machine that had it gets a fresh code (every machine of
 * the owner, when that one is gone). A repeat replaces the code by another.
 */
export const renewPairing: EffectHandler = async (ctx, payload) => {
  const { botId } = RenewPayload.parse(payload);
  await retryLostUpdate(async () => {
    const bot = await findBotRow(ctx, botId);
    // Somebody paired it already: a code would only invite to move it.
    if (!bot || !isUsable(bot) || bot.instanceId !== null) return;
    const last = await findLastMachine(ctx, bot.tenantId, bot.id);
    const target = last !== null && (await isMachine(ctx, bot.tenantId, last)) ? last : null;
    await issueCode(ctx, bot, target, "pairing.renew");
  });
};
