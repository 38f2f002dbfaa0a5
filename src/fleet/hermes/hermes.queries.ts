import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { objectOf, refOf } from "../instances";
import { containerIdOf } from "./hermes.core";
import type { HermesBotRef, HermesLogsView, HermesVersionView } from "./hermes.schemas";
import { requireHermesBot } from "./require-hermes-bot";

type Ref = z.output<typeof HermesBotRef>;

/** The last lines that the bot's machine reported. Machines report none: whoever wants lines reads them there. @throws AppError NOT_FOUND, BOT_NOT_HERMES, TOKEN_BOUND */
export async function listHermesLogs(ctx: OwnerCtx, ref: Ref): Promise<z.input<typeof HermesLogsView>> {
  const bot = await requireHermesBot(ctx, ref.bot_id);
  return { bot_id: bot.id, lines: [], truncated: false };
}

/** Image and container of a bot, as its machine told last. @throws AppError NOT_FOUND, BOT_NOT_HERMES, TOKEN_BOUND */
export async function getHermesVersion(ctx: OwnerCtx, ref: Ref): Promise<z.input<typeof HermesVersionView>> {
  const bot = await requireHermesBot(ctx, ref.bot_id);
  const capabilities = bot.instanceId === null ? null : await objectOf(ctx, bot.instanceId).getCapabilities(refOf(ctx, bot.instanceId));
  return { bot_id: bot.id, image: bot.runtimeVersion, container_id: containerIdOf(capabilities, bot.id) };
}
