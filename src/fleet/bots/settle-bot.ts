import type { Ctx } from "../../kernel/context";
import { LostUpdateError, Plan } from "../../kernel/db/client";
import { describeCause } from "../../kernel/logging/logger";
import { findBotHomeserver, type BotHomeserver } from "../matrix-accounts";
import { SAGA_LEASE_MS, SETTLE_LOUD_ATTEMPTS, wantedOnMatrix } from "./bots.core";
import { deleteBotRow, findBotRow, updateBotRow, type Bot } from "./bots.store";
import { deleteOtherDevices, newDeviceId, openDevice, sealBotToken } from "./credentials";

/**
 * The reconciler's work on one bot: makes the homeserver have what the row wants (docs/design/bots.md). Harmless when repeated and
 * when the bot is fine. Does nothing while somebody else works on it, or without a homeserver. What fails is logged and stays due for
 * the next tick.
 */
export async function settleBot(ctx: Ctx, botId: string): Promise<void> {
  const home = findBotHomeserver(ctx);
  if (!home) return;
  const claimed = await claim(ctx, botId);
  if (!claimed) return;
  try {
    await settle(ctx, home, claimed);
  } catch (error) {
    // Its owner changed it meanwhile; whatever it still needs, settle_at says.
    if (error instanceof LostUpdateError) return;
    const loud = claimed.settleAttempts >= SETTLE_LOUD_ATTEMPTS;
    ctx.log[loud ? "error" : "warn"]("a bot could not be settled", { event: "bot.settle.failed", bot_id: botId, attempts: claimed.settleAttempts, ...describeCause(error) });
    // Due at once: the next tick takes it, and its owner, who may want the name again, need not wait even for that.
    await new Plan(ctx).write(updateBotRow(ctx, claimed, { settleAt: ctx.clock.now() })).commit();
  }
}

async function claim(ctx: Ctx, botId: string): Promise<Bot | null> {
  const bot = await findBotRow(ctx, botId);
  const now = ctx.clock.now();
  if (!bot || bot.settleAt === null || bot.settleAt > now) return null;
  const changes = { settleAt: now + SAGA_LEASE_MS, settleAttempts: bot.settleAttempts + 1 };
  try {
    await new Plan(ctx).guarded(updateBotRow(ctx, bot, changes)).commit();
  } catch (error) {
    if (error instanceof LostUpdateError) return null;
    throw error;
  }
  return { ...bot, ...changes, version: bot.version + 1 };
}

async function settle(ctx: Ctx, home: BotHomeserver, bot: Bot): Promise<void> {
  if (wantedOnMatrix(bot) === "down") {
    await home.admin.deactivate(bot.matrixId, false);
    const plan = new Plan(ctx);
    // Nobody ever saw it: its name is free for another try.
    if (bot.status === "creating") plan.guarded(deleteBotRow(ctx, bot)).audit({ action: "bot.create_undone", tenantId: bot.tenantId, subject: { type: "bot", id: bot.id }, detail: { username: bot.username } });
    else plan.guarded(updateBotRow(ctx, bot, { matrixState: "down", sealedToken: null, settleAt: null, settleAttempts: 0 }));
    await plan.commit();
    return;
  }
  if (bot.matrixState === "up") {
    await deleteOtherDevices(home, bot);
    await new Plan(ctx).guarded(updateBotRow(ctx, bot, { settleAt: null, settleAttempts: 0 })).commit();
    return;
  }
  await revive(ctx, home, bot);
}

/** Brings a bot back: account, name, a fresh device; its rooms and a new pairing code follow as effects, since reactivation restores neither. */
async function revive(ctx: Ctx, home: BotHomeserver, bot: Bot): Promise<void> {
  await home.admin.updateAccount(bot.matrixId, { deactivated: false });
  await home.bots.setDisplayName(bot.matrixId, bot.name);
  const deviceId = newDeviceId();
  const accessToken = await openDevice(home, bot, deviceId);
  await deleteOtherDevices(home, { ...bot, deviceId });
  await new Plan(ctx)
    .guarded(updateBotRow(ctx, bot, { deviceId, sealedToken: await sealBotToken(ctx, bot.id, accessToken), matrixState: "up", settleAt: null, settleAttempts: 0 }))
    .audit({ action: "bot.revive", tenantId: bot.tenantId, subject: { type: "bot", id: bot.id } })
    .effect({ type: "bot.rejoin", payload: { botId: bot.id } })
    .effect({ type: "pairing.renew", payload: { botId: bot.id } })
    .commit();
}
