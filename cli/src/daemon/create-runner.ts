import type { UpdateConfig } from "../core/config";
import type { Logger } from "../core/log";
import { CLI_VERSION } from "../version";
import { CommandRunner, type CommandSender } from "./command-runner";
import type { DaemonEvent } from "./events";
import { executeCommand, type Abilities } from "./execute-command";
import type { Journal } from "./journal";
import { updateCli } from "./update-cli";

export interface CreateRunnerOptions extends Omit<Abilities, "update"> {
  readonly journal: Journal;
  readonly log: Logger;
  readonly paused: boolean;
  readonly server: string;
  sender(): CommandSender | undefined;
  update(): UpdateConfig;
  emit(event: DaemonEvent): void;
  /** A new version is installed and the server knows, or will from the journal: hand over to it. */
  onUpdated(binary: readonly string[]): void;
}

const HANDOVER_WAIT_MS = 10_000;

/** The runner of a daemon's commands; begins with what the journal holds. */
export function createRunner(options: CreateRunnerOptions): CommandRunner {
  const { restart, restartBot, bots } = options;
  let update: { readonly id: string; readonly binary: readonly string[] } | undefined;
  const runner: CommandRunner = new CommandRunner({
    journal: options.journal,
    log: options.log,
    paused: options.paused,
    sender: () => options.sender(),
    execute: (command) =>
      executeCommand(command, {
        restart,
        restartBot,
        bots,
        update: async (version) => {
          const config = options.update();
          const outcome = await updateCli(config, options.server, version);
          if (outcome.ok && config.restart && outcome.newVersion !== CLI_VERSION) update = { id: command.id, binary: outcome.binary };
          return outcome;
        },
      }),
    onCommand: (command) => options.emit({ event: "command", id: command.id, command_type: command.type }),
    onResult: (id, type, result, delivered) => {
      options.emit({ event: "result", id, command_type: type, status: result.status, result: result.result, delivered });
      // Hand over only once the server knows; a result that cannot be sent is on disk for the new daemon.
      if (id !== update?.id || delivered) return;
      const { binary } = update;
      void runner.drain(HANDOVER_WAIT_MS).then(() => options.onUpdated(binary));
    },
  });
  return runner;
}
