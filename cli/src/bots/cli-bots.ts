import { CliError, EXIT } from "../core/errors";
import type { ApiClient } from "../core/http";
import { isObject, stringField, type JsonObject } from "../core/json";

/** A bot as the server lists it for command lines. */
export interface CliBot {
  readonly id: string;
  readonly name: string;
  /** With `_bot`. */
  readonly username: string;
  readonly userId: string;
  readonly active: boolean;
  readonly runtime: string;
  readonly paired: boolean;
}

/** The caller's bots. Throws CliError. */
export async function fetchBots(api: ApiClient): Promise<CliBot[]> {
  const raw = await api.call<unknown>("GET", "/api/v1/openclaw/bots");
  const list = isObject(raw) && Array.isArray(raw["bots"]) ? raw["bots"].filter(isObject) : [];
  return list.map(readBot);
}

/** The bot that a person means: by name, with or without `_bot`. Throws CliError when there is none. */
export async function requireBot(api: ApiClient, name: string): Promise<CliBot> {
  const bots = await fetchBots(api);
  const wanted = plainName(name);
  const bot = bots.find((candidate) => plainName(candidate.username) === wanted) ?? bots.find((candidate) => candidate.id === name);
  if (bot === undefined) throw new CliError(EXIT.refused, `you have no bot called "${name}"`, "See them with: sett bot list", "no_bot");
  return bot;
}

/** A bot's name as people type it. Pure. */
export const plainName = (name: string): string => name.toLowerCase().replace(/_bot$/, "");

/** Reads a bot out of an answer; what is missing is empty. Pure. */
export function readBot(raw: JsonObject): CliBot {
  const username = stringField(raw, "username") ?? "";
  return {
    id: stringField(raw, "id") ?? "",
    name: stringField(raw, "name") ?? username,
    username,
    userId: stringField(raw, "bot_user_id") ?? "",
    active: raw["active"] !== false,
    runtime: stringField(raw, "runtime") ?? "openclaw",
    paired: raw["openclaw_connected"] === true,
  };
}

/** A bot as `--json` tells of it. Pure. */
export function wireBot(bot: CliBot): JsonObject {
  return { id: bot.id, name: bot.name, username: plainName(bot.username), bot_user_id: bot.userId, active: bot.active, runtime: bot.runtime, paired: bot.paired };
}
