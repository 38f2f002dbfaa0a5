import type { Ctx, OwnerCtx } from "../../kernel/context";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { AppError, notFound } from "../../kernel/errors/app-error";
import { isAccountActive } from "../accounts";
import { bumpRoster, closePairingsOf, endSharesOf, findBot, forgetRoomsOf, listBotRows, updateBotRow, type Bot } from "./bots.store";
import { projectEffect } from "./project-effect";
import { settleBot } from "./settle-bot";

/**
 * Deletes a bot of the caller: gone from every list, pairing and shares ended, its machine told, and its Matrix account deactivated
 * (now, or by the reconciler). The name stays its owner's. Needs no homeserver: what is owed to one is recorded.
 * @throws AppError NOT_FOUND
 */
export async function deleteBot(ctx: OwnerCtx, botId: string): Promise<Bot> {
  const bot = await retireBot(ctx, ctx.actor.userId, botId);
  await settleBot(ctx, bot.id);
  return bot;
}

/** Effect `bots.delete_all` {userId}: all bots of an account that ended, unless it was let in again meanwhile. */
export async function deleteBotsOf(ctx: Ctx, payload: unknown): Promise<void> {
  const { userId } = payload as { readonly userId: number };
  if (await isAccountActive(ctx, userId)) return;
  // Settling asks the homeserver, which may take long to say that it is away: all are gone before it is asked about the first.
  for (const bot of await retireBotsOf(ctx, userId)) await settleBot(ctx, bot.id);
}

/** The first half of {@link deleteBotsOf}: all are gone here, and the reconciler owes the rest to the homeserver. @returns those that were not gone yet */
export async function retireBotsOf(ctx: Ctx, tenantId: number): Promise<readonly Bot[]> {
  const retired: Bot[] = [];
  for (const { id } of await listBotRows(ctx, tenantId)) {
    const bot = await retireBot(ctx, tenantId, id).catch((error: unknown) => {
      // Its owner deleted it meanwhile.
      if (error instanceof AppError && error.code === "NOT_FOUND") return null;
      throw error;
    });
    if (bot) retired.push(bot);
  }
  return retired;
}

function retireBot(ctx: Ctx, tenantId: number, botId: string): Promise<Bot> {
  return retryLostUpdate(async () => {
    const found = await findBot(ctx, tenantId, botId);
    if (!found) throw notFound("Bot");
    const now = ctx.clock.now();
    const plan = new Plan(ctx).guarded(updateBotRow(ctx, found, { status: "deleted", deletedAt: now, instanceId: null, pairingId: null, settleAt: now, settleAttempts: 0, sealedRecoveryKey: null }));
    await addEnding(ctx, plan, found, "bot_deleted", now)
      .audit({ action: "bot.delete", tenantId, subject: { type: "bot", id: found.id }, detail: { username: found.username } })
      .commit();
    return found;
  });
}

/** What ends with a bot, whether it is deleted or parked: pairing, codes, shares, and its place on a machine. */
export function addEnding(ctx: Ctx, plan: Plan, bot: Bot, reason: "bot_deleted" | "plan_disabled", now: number): Plan {
  plan.write(closePairingsOf(ctx, bot.id, reason)).write(endSharesOf(ctx, bot.id, reason === "bot_deleted" ? "bot_deleted" : "plan", now));
  if (reason === "bot_deleted") plan.write(forgetRoomsOf(ctx, bot.id));
  if (bot.instanceId !== null) plan.write(bumpRoster(ctx, bot.tenantId, bot.instanceId));
  return plan
    .effect({ type: "bot.shares_ended", payload: { botId: bot.id, tenantId: bot.tenantId, instanceId: bot.instanceId, botMatrixId: bot.matrixId, endedAt: now } })
    .effect(projectEffect(bot.tenantId, [bot.instanceId]));
}
