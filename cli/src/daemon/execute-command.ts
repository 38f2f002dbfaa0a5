import { stringField } from "../core/json";
import type { Command, CommandResult } from "../link/frames";
import type { RestartOutcome } from "../watch/watcher";
import type { UpdateOutcome } from "./update-cli";

/** Types this daemon can do. Payloads of others may hold secrets, so they are not written down. */
export const EXECUTABLE: ReadonlySet<string> = new Set(["restart_gateway", "update_cli"]);

export interface Abilities {
  restart(name: string | undefined): Promise<RestartOutcome>;
  update(version: string | undefined): Promise<UpdateOutcome>;
}

/** Does one command. Types this daemon cannot do fail with a sentence, they are never ignored. */
export async function executeCommand(command: Command, abilities: Abilities): Promise<CommandResult> {
  switch (command.type) {
    case "restart_gateway": {
      const name = command.payload["name"];
      if (name !== undefined && name !== null && typeof name !== "string") return failed("payload.name must be a text");
      const outcome = await abilities.restart(name ?? undefined);
      return { status: outcome.ok ? "success" : "failed", result: outcome.text, new_version: null };
    }
    case "update_cli": {
      const outcome = await abilities.update(stringField(command.payload, "version"));
      return { status: outcome.ok ? "success" : "failed", result: outcome.text, new_version: outcome.ok ? outcome.newVersion : null };
    }
    default:
      return failed(`this daemon cannot do ${command.type} yet`);
  }
}

function failed(result: string): CommandResult {
  return { status: "failed", result, new_version: null };
}
