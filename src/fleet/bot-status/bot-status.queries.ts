import { accountFeedObject } from "../../../durable-objects/stubs";
import type { BotDetail, SkillSummary } from "../../../durable-objects/instance/machine.rpc";
import type { OwnerCtx } from "../../kernel/context";
import { botLocalpart, getBot, listBots, type Bot } from "../bots";
import { objectOf, refOf } from "../instances";
import { healthScore, phaseOfRow } from "../pairings";
import { requireFeature } from "../plans";
import { silentDetail, toBotStats, toDashboard, type KnownBot } from "./bot-status.core";
import type { BotDashboard, BotStats } from "./bot-status.schemas";
import { findNewestPairing } from "./bot-status.store";

const toKnownBot = (bot: Bot): KnownBot => ({ id: bot.id, name: bot.name, username: botLocalpart(bot.username), matrixId: bot.matrixId, instanceId: bot.instanceId });

/** A bot as its machine tells; of one that is on none, how its newest pairing stands. @throws AppError NOT_FOUND */
export async function getBotStatus(ctx: OwnerCtx, botId: string): Promise<BotDetail> {
  const bot = await getBot(ctx, botId);
  const told = bot.instanceId === null ? null : await objectOf(ctx, bot.instanceId).getBot(refOf(ctx, bot.instanceId), botId);
  if (told) return told;
  const pairing = await findNewestPairing(ctx, ctx.actor.userId, botId);
  if (!pairing) return silentDetail(toKnownBot(bot), null);
  const phase = phaseOfRow(pairing, ctx.clock.now());
  return silentDetail(toKnownBot(bot), { id: pairing.id, phase, healthScore: healthScore(phase, { erring: false, stale: false }) });
}

/** Skills that the bot reported last; none when it never did. @throws AppError NOT_FOUND */
export async function listBotSkills(ctx: OwnerCtx, botId: string): Promise<readonly SkillSummary[]> {
  return (await getBotStatus(ctx, botId)).skills ?? [];
}

/** @throws AppError FEATURE_NOT_AVAILABLE */
const requireBotDashboard = (ctx: OwnerCtx): Promise<void> => requireFeature(ctx, ctx.actor.userId, "bot_dashboard_access");

/** All bots of the caller with their numbers: one object call beside one D1 query. @throws AppError FEATURE_NOT_AVAILABLE */
export async function getBotDashboard(ctx: OwnerCtx): Promise<BotDashboard> {
  await requireBotDashboard(ctx);
  const { userId } = ctx.actor;
  const [bots, machines] = await Promise.all([listBots(ctx, undefined), accountFeedObject(ctx.objects, userId).listMachines(userId)]);
  return toDashboard(bots.map(toKnownBot), machines);
}

/** One bot's numbers. @throws AppError FEATURE_NOT_AVAILABLE, NOT_FOUND */
export async function getBotStats(ctx: OwnerCtx, botId: string): Promise<BotStats> {
  await requireBotDashboard(ctx);
  const { userId } = ctx.actor;
  const [bot, machines] = await Promise.all([getBot(ctx, botId), accountFeedObject(ctx.objects, userId).listMachines(userId)]);
  return toBotStats(toKnownBot(bot), machines);
}
