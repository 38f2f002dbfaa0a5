/** Slash commands that runtimes of bots understand. Apps show them while somebody types; `support` ones only in support rooms. */

export interface BotCommand {
  readonly syntax: string;
  readonly description: string;
  readonly scope: "general" | "support";
}

/** Rises with every change of the list, so that apps know when their copy is old. */
export const COMMAND_CATALOGUE_VERSION = 1;

export const COMMAND_CATALOGUE: readonly BotCommand[] = [
  { syntax: "/help", description: "What this bot can do", scope: "general" },
  { syntax: "/status", description: "How the bot and its machine are", scope: "general" },
  { syntax: "/new", description: "Begin a new conversation", scope: "general" },
  { syntax: "/stop", description: "Stop what the bot is doing", scope: "general" },
  { syntax: "/model [name]", description: "Show or change the model", scope: "general" },
  { syntax: "/skills", description: "Skills that the bot has", scope: "general" },
  { syntax: "/mode auto|mention", description: "Answer everything in this room, or only when mentioned", scope: "general" },
  { syntax: "/restart", description: "Restart the bot's gateway", scope: "general" },
  { syntax: "/report [text]", description: "Send a report to support", scope: "support" },
];
