import type { OwnerCtx } from "../../kernel/context";
import { AppError } from "../../kernel/errors/app-error";
import { getBot } from "../bots";
import { createCommand, type CommandView } from "../commands";

/**
 * Asks the bot's machine to have it leave a room; waits in the queue while the machine is away. What rooms we know of the bot
 * follows from what the machine then does. @throws AppError NOT_FOUND, CONFLICT (on no machine), COMMAND_QUEUE_FULL
 */
export async function leaveRoom(ctx: OwnerCtx, botId: string, roomId: string, idempotencyKey: string | null): Promise<CommandView> {
  const bot = await getBot(ctx, botId);
  if (bot.instanceId === null) throw new AppError("CONFLICT", "This bot is on no machine; pair it first.");
  const { command } = await createCommand(ctx, { instanceId: bot.instanceId, type: "leave_room", payload: { bot_id: botId, room_id: roomId }, idempotencyKey });
  return command;
}
