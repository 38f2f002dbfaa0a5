import type { OwnerCtx } from "../../kernel/context";
import { Plan } from "../../kernel/db/client";
import { requireBotHomeserver } from "../matrix-accounts";
import { isUsable } from "./bots.core";
import { getBot } from "./bots.queries";
import { bumpRoster, updateBotRow, type Bot } from "./bots.store";
import { projectEffect } from "./project-effect";

/**
 * Renames a bot, on the homeserver first: there a repeat is harmless, and a name that only we knew would never be put right. A parked
 * bot gets its name there when it comes back. @throws AppError NOT_FOUND, MATRIX_UNAVAILABLE, BAD_GATEWAY; LostUpdateError
 */
export async function updateBot(ctx: OwnerCtx, botId: string, name: string): Promise<Bot> {
  const bot = await getBot(ctx, botId);
  const home = requireBotHomeserver(ctx);
  if (isUsable(bot)) await home.bots.setDisplayName(bot.matrixId, name);
  const plan = new Plan(ctx).guarded(updateBotRow(ctx, bot, { name })).audit({ action: "bot.update", subject: { type: "bot", id: botId }, detail: { name } });
  if (bot.instanceId !== null) plan.write(bumpRoster(ctx, bot.tenantId, bot.instanceId)).effect(projectEffect(bot.tenantId, [bot.instanceId]));
  await plan.commit();
  return { ...bot, name };
}
