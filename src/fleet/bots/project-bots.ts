import { accountFeedObject, instanceObject } from "../../../durable-objects/stubs";
import type { RosterBot } from "../../../durable-objects/instance/instance.rpc";
import type { Ctx } from "../../kernel/context";
import { botLocalpart } from "./bots.core";
import { countUnpairedBots, readRoster, type Bot } from "./bots.store";
import type { ProjectBotsPayload } from "./project-effect";

/** A bot as its machine's object keeps it. */
function toRosterBot(bot: Bot, pairing: { readonly id: string; readonly redeemedAt: number | null; readonly claimedAt: number | null }): RosterBot {
  return {
    botName: bot.name,
    botUsername: botLocalpart(bot.username),
    botUserId: bot.matrixId,
    runtime: bot.runtime,
    pairingId: pairing.id,
    redeemedAt: pairing.redeemedAt ?? bot.updatedAt,
    claimedAt: pairing.claimedAt,
  };
}

/** Effect `bots.project`: machines' objects learn which bots live on them, the account's counters how many live nowhere. Harmless when repeated or late. */
export async function projectBots(ctx: Ctx, payload: unknown): Promise<void> {
  const { userId, instanceIds } = payload as ProjectBotsPayload;
  await Promise.all([...instanceIds.map((instanceId) => projectRoster(ctx, userId, instanceId)), projectCount(ctx, userId)]);
}

async function projectRoster(ctx: Ctx, userId: number, instanceId: string): Promise<void> {
  const roster = await readRoster(ctx, userId, instanceId);
  if (!roster) return;
  const ref = { userId, instanceId };
  const bots = Object.fromEntries(roster.bots.flatMap(({ bot, pairing }) => (pairing ? [[bot.id, toRosterBot(bot, pairing)]] : [])));
  await instanceObject(ctx.objects, ref).setRoster(ref, roster.seq, bots);
}

async function projectCount(ctx: Ctx, userId: number): Promise<void> {
  await accountFeedObject(ctx.objects, userId).setUnpairedBots(userId, await countUnpairedBots(ctx, userId));
}
