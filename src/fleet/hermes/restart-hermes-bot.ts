import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { AppError } from "../../kernel/errors/app-error";
import { createCommand } from "../commands";
import type { HermesRestartView } from "./hermes.schemas";
import { requireHermesBot } from "./require-hermes-bot";

/**
 * Asks a bot's machine to restart its container; the command waits in the queue while the machine is away.
 * @throws AppError NOT_FOUND, BOT_NOT_HERMES, TOKEN_BOUND, CONFLICT (the bot is on no machine), COMMAND_QUEUE_FULL
 */
export async function restartHermesBot(ctx: OwnerCtx, botId: string, idempotencyKey: string | null): Promise<z.input<typeof HermesRestartView>> {
  const bot = await requireHermesBot(ctx, botId);
  if (bot.instanceId === null) throw new AppError("CONFLICT", "The bot is on no machine; pair it first.");
  const { command } = await createCommand(ctx, { instanceId: bot.instanceId, type: "restart_gateway", payload: { bot_id: bot.id }, idempotencyKey });
  return { bot_id: bot.id, restarted: false, message: "queued", command_id: command.id };
}
