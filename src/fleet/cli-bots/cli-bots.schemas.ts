import { z } from "zod";
import { botLocalpart, type Bot } from "../bots";

/** Bots as the command line reads them (contract tag openclaw, shapes of the published CLI). */

const username = z
  .string()
  .min(4)
  .max(20)
  .regex(/^[a-z0-9_]+$/);

export const CreateCliBotBody = z
  .object({ username, name: z.string().min(1).max(255).nullish(), runtime: z.enum(["openclaw", "hermes"]).default("openclaw") })
  .meta({ id: "CliCreateBotRequest" });

export const CliBotRef = z.object({ name: z.string().min(1).max(110) });

export const CliBotView = z
  .object({ id: z.string(), name: z.string(), username: z.string(), bot_user_id: z.string(), active: z.boolean(), runtime: z.string(), openclaw_connected: z.boolean() })
  .meta({ id: "CliBot" });
export const CliBotsView = z.object({ bots: z.array(CliBotView) }).meta({ id: "CliBots" });
export const CliBotDeletedView = z.object({ success: z.boolean(), message: z.string() }).meta({ id: "CliBotDeleted" });

export const ProvisionBotBody = z.object({ bot_name: z.string().min(1).max(255), bot_username: username }).meta({ id: "ProvisionBotRequest" });
export const ProvisionedBotView = z.object({ bot_id: z.string(), bot_user_id: z.string(), status: z.string() }).meta({ id: "ProvisionBotResponse" });

export const toCliBotView = (bot: Bot): z.output<typeof CliBotView> => ({
  id: bot.id,
  name: bot.name,
  username: botLocalpart(bot.username),
  bot_user_id: bot.matrixId,
  active: bot.status === "active" && bot.planDisabledAt === null,
  runtime: bot.runtime,
  openclaw_connected: bot.instanceId !== null,
});
