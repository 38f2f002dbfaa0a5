import { z } from "zod";
import { botLocalpart, ownerShortId } from "./bots.core";
import type { Bot } from "./bots.store";

const runtime = z.enum(["openclaw", "hermes"]);
const botName = z.string().min(1).max(255);

export const CreateBotBody = z
  .object({
    bot_name: botName,
    bot_username: z
      .string()
      .min(1)
      .max(100)
      .regex(/^[a-z0-9_]+$/),
    runtime: runtime.default("openclaw"),
  })
  .meta({ id: "CreateBotRequest" });

export const UpdateBotBody = z.object({ bot_name: botName }).meta({ id: "UpdateBotRequest" });
export const RefreshMatrixTokenBody = z.object({ device_id: z.string().min(1).max(255).nullish() }).meta({ id: "RefreshMatrixTokenRequest" });

export const BotRef = z.object({ bot_id: z.string().min(1).max(64) });
export const ListBotsQuery = z.object({ paired_to: z.string().min(1).max(255).optional() });
export const BotUsernameQuery = z.object({ candidate: z.string().min(1).max(50) });

const botFields = {
  id: z.string(),
  owner_user_id: z.int(),
  owner_short_id: z.string(),
  bot_user_id: z.string(),
  bot_name: z.string(),
  bot_username: z.string(),
  openclaw_connected: z.boolean(),
  runtime: runtime.default("openclaw"),
  sharing_enabled: z.boolean().default(true),
  active: z.boolean(),
  created_at: z.string(),
  claude_control_mode: z.string().nullable(),
  plan_disabled_at: z.string().nullable(),
  disabled_by_plan: z.boolean().default(false),
  paired_instance_id: z.string().nullable(),
  pairing_session_id: z.string().nullable().describe("The pairing that put the bot on its machine: what a repair names."),
};

export const BotView = z.object(botFields).meta({ id: "BotResponse" });
export const BotsView = z.array(BotView);
export const BotCreatedView = z.object({ ...botFields, access_token: z.string() }).meta({ id: "BotCreateResponse" });
export const BotDeletedView = z.object({ success: z.boolean(), message: z.string() }).meta({ id: "BotDeleteResponse" });
export const RefreshedTokenView = z.object({ access_token: z.string(), device_id: z.string(), homeserver: z.string(), user_id: z.string() }).meta({ id: "RefreshMatrixTokenResponse" });
export const UsernameCheckView = z
  .object({ available: z.boolean(), reason: z.enum(["ok", "taken", "invalid"]), username: z.string(), bot_user_id: z.string().nullable() })
  .meta({ id: "BotUsernameCheck" });

const BotCommandView = z.object({ syntax: z.string(), description: z.string(), scope: z.enum(["general", "support"]) }).meta({ id: "BotCommand" });
export const BotCommandsView = z
  .object({
    version: z.int(),
    commands: z.array(BotCommandView),
    user_bot_matrix_ids: z.array(z.string()),
    system_bot_matrix_ids: z.array(z.string()),
    support_room_ids: z.array(z.string()),
  })
  .meta({ id: "BotCommandsResponse" });

/** `openclaw_connected` says that a machine has the bot, whatever that machine is doing now. */
export function toBotView(bot: Bot): z.output<typeof BotView> {
  return {
    id: bot.id,
    owner_user_id: bot.tenantId,
    owner_short_id: ownerShortId(bot.tenantId),
    bot_user_id: bot.matrixId,
    bot_name: bot.name,
    bot_username: botLocalpart(bot.username),
    openclaw_connected: bot.instanceId !== null,
    runtime: bot.runtime,
    sharing_enabled: bot.sharingEnabled,
    active: bot.status === "active",
    created_at: new Date(bot.createdAt).toISOString(),
    claude_control_mode: bot.claudeControlMode,
    plan_disabled_at: bot.planDisabledAt === null ? null : new Date(bot.planDisabledAt).toISOString(),
    disabled_by_plan: bot.planDisabledAt !== null,
    paired_instance_id: bot.instanceId,
    pairing_session_id: bot.pairingId,
  };
}
