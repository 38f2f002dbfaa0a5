import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { seal, unseal } from "../../kernel/crypto/envelope";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { updateBotRow, type Bot } from "../bots";
import { decideBootstrap } from "./hermes.core";
import { toBootstrapView, type BootstrapBody, type BootstrapView, type HermesBotRef } from "./hermes.schemas";
import { requireHermesBot } from "./require-hermes-bot";

type Input = z.output<typeof HermesBotRef> & z.output<typeof BootstrapBody>;

/** Context string that binds a bot's sealed recovery key to its row. */
export const botRecoveryKeySealContext = (botId: string): string => `bot_recovery_key:${botId}`;

/**
 * Keeps what a Hermes bot's first start brought: its recovery key, for ever the first one, and the image, always the newest. Another
 * key means that the bot's encryption store was lost; the first one is kept, and the audit says so.
 * @throws AppError NOT_FOUND, BOT_NOT_HERMES, TOKEN_BOUND
 */
export function bootstrapHermesBot(ctx: OwnerCtx, input: Input): Promise<z.input<typeof BootstrapView>> {
  return retryLostUpdate(async () => {
    const bot = await requireHermesBot(ctx, input.bot_id);
    // Sealed ahead: between reading the row and the commit nothing else should take time.
    const [recoveryKey, sealed] = await Promise.all([openKey(ctx, bot), seal(ctx.config.sealKeys, input.recovery_key, botRecoveryKeySealContext(bot.id))]);
    const decided = decideBootstrap({ recoveryKey, runtimeVersion: bot.runtimeVersion, bootstrappedAt: bot.bootstrappedAt }, { recoveryKey: input.recovery_key, imageRef: input.image_ref ?? null }, ctx.clock.now());
    const { persisted, isFirst, bootstrappedAt, runtimeVersion } = decided;
    const changed = isFirst || runtimeVersion !== bot.runtimeVersion;
    if (changed || !persisted) {
      const plan = new Plan(ctx);
      if (changed) plan.guarded(updateBotRow(ctx, bot, { bootstrappedAt, runtimeVersion, ...(isFirst ? { sealedRecoveryKey: sealed } : {}) }));
      await plan
        .audit({
          action: "bot.bootstrap",
          subject: { type: "bot", id: bot.id },
          detail: { runtime_version: runtimeVersion, recovery_key: isFirst ? "stored" : persisted ? "same" : "differs", ...(persisted ? {} : { warning: "the bot has another recovery key than its first one, which was kept" }) },
        })
        .commit();
    }
    return toBootstrapView({ id: bot.id, bootstrappedAt, runtimeVersion }, persisted);
  });
}

/** The key stored first; null when there is none. One that no key of the ring opens any more differs from every other. */
async function openKey(ctx: OwnerCtx, bot: Bot): Promise<string | null> {
  return bot.sealedRecoveryKey === null ? null : ((await unseal(ctx.config.sealKeys, bot.sealedRecoveryKey, botRecoveryKeySealContext(bot.id))) ?? "");
}
