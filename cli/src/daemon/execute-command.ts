import { BOT_COMMANDS, executeBotCommand, isBotCommand, type BotCommandContext } from "../bots/bot-commands";
import { stringField } from "../core/json";
import type { Command, CommandResult } from "../link/frames";
import type { RestartOutcome } from "../watch/watcher";
import type { UpdateOutcome } from "./update-cli";

/** Types this daemon can do. Payloads of others may hold secrets, so they are not written down. */
export const EXECUTABLE: ReadonlySet<string> = new Set(["restart_gateway", "update_cli", ...BOT_COMMANDS]);

export interface Abilities {
  restart(name: string | undefined): Promise<RestartOutcome>;
  update(version: string | undefined): Promise<UpdateOutcome>;
  /** The Hermes of a bot. */
  restartBot(botId: string): Promise<RestartOutcome>;
  readonly bots: BotCommandContext;
}

/** Does one command. Types this daemon cannot do fail with a sentence, they are never ignored. */
export async function executeCommand(command: Command, abilities: Abilities): Promise<CommandResult> {
  switch (command.type) {
    case "restart_gateway": {
      const botId = stringField(command.payload, "bot_id");
      if (botId !== undefined) return restarted(await abilities.restartBot(botId));
      const name = command.payload["name"];
      if (name !== undefined && name !== null && typeof name !== "string") return failed("payload.name must be a text");
      return restarted(await abilities.restart(name ?? undefined));
    }
    case "update_cli": {
      const outcome = await abilities.update(stringField(command.payload, "version"));
      return { status: outcome.ok ? "success" : "failed", result: outcome.text, new_version: outcome.ok ? outcome.newVersion : null };
    }
    default:
      if (isBotCommand(command.type)) return executeBotCommand(command.type, command, abilities.bots);
      return failed(`this daemon cannot do ${command.type} yet`);
  }
}

function restarted(outcome: RestartOutcome): CommandResult {
  return { status: outcome.ok ? "success" : "failed", result: outcome.text, new_version: null };
}

function failed(result: string): CommandResult {
  return { status: "failed", result, new_version: null };
}
