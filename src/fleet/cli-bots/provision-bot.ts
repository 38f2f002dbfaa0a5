import { z } from "zod";
import { accountFeedObject, instanceObject } from "../../../durable-objects/stubs";
import type { MachineEvent } from "../../../durable-objects/account-feed/account-feed.rpc";
import type { OwnerCtx } from "../../kernel/context";
import { Plan } from "../../kernel/db/client";
import type { EffectHandler } from "../../kernel/outbox/drain";
import { createBot, findBotRow } from "../bots";
import { createPairing, listMachineIds } from "../pairings";

const ProvisionPayload = z.object({ botId: z.string() });

/**
 * Creates a bot and offers it to all of the caller's machines: they hear `provision` and get a pairing code.
 * @throws AppError as creating a bot does
 */
export async function provisionBot(ctx: OwnerCtx, input: { readonly name: string; readonly username: string }): Promise<{ bot_id: string; bot_user_id: string; status: string }> {
  const { bot } = await createBot(ctx, { ...input, runtime: "openclaw" });
  const payload: z.input<typeof ProvisionPayload> = { botId: bot.id };
  await new Plan(ctx).effect({ type: "bot.provision", payload }).commit();
  await createPairing(ctx, bot.id, null);
  return { bot_id: bot.id, bot_user_id: bot.matrixId, status: "provisioning" };
}

/** Effect `bot.provision` {botId}. A repeat is heard twice, which is harmless. */
export const announceProvision: EffectHandler = async (ctx, payload) => {
  const bot = await findBotRow(ctx, ProvisionPayload.parse(payload).botId);
  if (!bot || bot.status !== "active") return;
  const userId = bot.tenantId;
  const event: MachineEvent = { type: "provision", bot_id: bot.id, bot_name: bot.name, bot_user_id: bot.matrixId, runtime: bot.runtime };
  const machines = await listMachineIds(ctx, userId);
  // The object of an owner's only machine tells the account's streams by itself.
  if (machines.length !== 1) await accountFeedObject(ctx.objects, userId).publish(userId, event, null, true);
  await Promise.all(machines.map((instanceId) => instanceObject(ctx.objects, { userId, instanceId }).pushEvent({ userId, instanceId }, event, true)));
};
