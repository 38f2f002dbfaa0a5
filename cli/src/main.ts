import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { CliError, errorText, EXIT, EXIT_MEANINGS, type ExitCode } from "./core/errors";
import { Output } from "./core/output";
import { createBot, deleteBot, listBots, showBotRooms, showBotStatus, type CreateBotOptions } from "./commands/bot";
import { completionScript, SHELLS, type Shell } from "./commands/completion";
import { createContext, type CliContext, type GlobalOptions } from "./commands/context";
import { doctor } from "./commands/doctor";
import { login, type LoginOptions } from "./commands/login";
import { logout } from "./commands/logout";
import { showLogs, type LogsOptions } from "./commands/logs";
import { showMachines } from "./commands/machines";
import { pair, type PairOptions } from "./commands/pair";
import { restart, type RestartOptions } from "./commands/restart";
import { showStatus } from "./commands/status";
import { down, up, type UpOptions } from "./commands/up";
import { CLI_VERSION } from "./version";

/** Builds the command line. Every action leaves its exit code in process.exitCode. */
function createProgram(): Command {
  const program = new Command("sett")
    .description("Join this machine to a Sett fleet and keep its processes running.")
    .version(CLI_VERSION, "-V, --version", "print the version")
    .option("--server <url>", "server to talk to (SETT_SERVER; else the one of the login)")
    .option("--config <dir>", "folder for login, config and logs (SETT_HOME)")
    .option("--json", "print JSON, one object a line")
    .option("-q, --quiet", "print results and errors only")
    .showHelpAfterError("(sett --help shows how)")
    .configureOutput({ outputError: (text, write) => write(text) })
    .exitOverride()
    .addHelpText("after", "\nGet started:\n  sett login\n  sett up --watch \"demo=node server.js\"\n\nExit codes: sett help exit-codes");

  const run =
    (action: (context: CliContext, ...args: never[]) => Promise<ExitCode | void>) =>
    async (...args: unknown[]): Promise<void> => {
      // Commander passes arguments, then the command's own options, then the command, always in this order.
      const command = args.at(-1) as Command;
      const context = createContext(command.optsWithGlobals<GlobalOptions>());
      const code = await action(context, ...(args.slice(0, -1) as never[]));
      if (code !== undefined) process.exitCode = code;
    };

  program
    .command("login")
    .description("log in through the browser, or with a token")
    .option("--token <token>", "use a token made in the console; - reads it from stdin")
    .option("--no-browser", "only print the address, do not open it")
    .action(run((context, options: LoginOptions) => login(context, options)));
  program.command("logout").description("take this machine offline and forget the token").action(run((context) => logout(context)));
  program
    .command("up")
    .description("run the daemon: keep this machine linked and its processes running")
    .option("--name <label>", "what to call this machine (default: its hostname)")
    .addOption(new Option("--transport <kind>", "best transport to use").choices(["socket", "sse", "beats"]).default("socket"))
    .option("--watch <name=command>", "start a process and keep it running (repeatable)", collect, [])
    .option("--config-file <file>", "config file to use instead of config.json in the folder")
    .option("--leave-running", "do not stop watched processes when the daemon stops")
    .option("--no-openclaw", "do not look for an openclaw gateway")
    .option("--hermes-command <command>", "how to run Hermes for a bot of that runtime")
    .option("-d, --detach", "run in the background")
    .action(run((context, options: UpOptions) => up(context, options)));
  program.command("down").description("stop the daemon of this machine").action(run((context) => down(context)));
  program.command("status").description("show this machine and the fleet").action(run((context) => showStatus(context)));
  program.command("machines").description("show the fleet").action(run((context) => showMachines(context)));
  program
    .command("logs")
    .description("show the log of the daemon or of a watched process")
    .argument("[name]", "a watched process; without it, the daemon")
    .option("-f, --follow", "go on showing what is added")
    .option("-n, --lines <count>", "how many lines", parseCount, 100)
    .action(run((context, name: string | undefined, options: LogsOptions) => showLogs(context, name, options)));
  program
    .command("restart")
    .description("restart the gateway of this machine or another")
    .argument("[instance]", "id, label or hostname; without it, this machine")
    .option("--process <name>", "restart this watched process instead of the gateway")
    .option("-w, --wait", "wait for the outcome")
    .option("--timeout <seconds>", "how long to wait", parseCount, 120)
    .action(run((context, instance: string | undefined, options: RestartOptions) => restart(context, instance, options)));
  addBotCommands(program, run);
  program
    .command("pair")
    .description("bring bots to this machine: the one of a code, or all that wait for it")
    .argument("[code]", "a pairing code, BCK-XXXX-XXXX")
    .option("--bot <name>", "make a code for this bot and redeem it here")
    .action(run((context, code: string | undefined, options: PairOptions) => pair(context, code, options)));
  program.command("doctor").description("check everything the daemon needs").action(run((context) => doctor(context)));
  program.command("version").description("print the version").action(run(async ({ out }) => (out.options.json ? out.json({ version: CLI_VERSION, node: process.versions.node, platform: process.platform, arch: process.arch }) : out.print(CLI_VERSION))));
  program
    .command("completion")
    .description("print a completion script")
    .argument("<shell>", SHELLS.join(", "), parseShell)
    .action(run(async ({ out }, shell: Shell) => out.print(completionScript(program, shell))));
  program
    .command("help")
    .description("show help for a command, or for exit-codes")
    .argument("[topic]")
    .action((topic: string | undefined) => showHelp(program, topic));
  for (const command of program.commands.flatMap((top) => [top, ...top.commands])) command.exitOverride().showHelpAfterError("(add --help to see how)");
  return program.helpCommand(false);
}

type Run = (action: (context: CliContext, ...args: never[]) => Promise<ExitCode | void>) => (...args: unknown[]) => Promise<void>;

function addBotCommands(program: Command, run: Run): void {
  const bot = program.command("bot").description("list, make, delete and look at bots");
  bot.command("list").description("your bots, and which of them live here").action(run((context) => listBots(context)));
  bot
    .command("create")
    .description("make a bot")
    .argument("<name>", "4 to 20 of a-z, 0-9 and _")
    .option("--name <display>", "what people see")
    .addOption(new Option("--runtime <runtime>", "what runs it").choices(["openclaw", "hermes"]).default("openclaw"))
    .option("--pair", "bring it to this machine at once")
    .action(run((context, name: string, options: CreateBotOptions) => createBot(context, name, options)));
  bot.command("delete").description("delete a bot").argument("<name>").action(run((context, name: string) => deleteBot(context, name)));
  bot.command("rooms").description("the rooms of a bot").argument("<name>").action(run((context, name: string) => showBotRooms(context, name)));
  bot.command("status").description("how a bot is").argument("<name>").action(run((context, name: string) => showBotStatus(context, name)));
}

function showHelp(program: Command, topic: string | undefined): void {
  if (topic === "exit-codes") {
    for (const [code, meaning] of EXIT_MEANINGS) process.stdout.write(`${code}  ${meaning}\n`);
    return;
  }
  const command = topic === undefined ? program : program.commands.find((candidate) => candidate.name() === topic);
  if (command === undefined) throw new CliError(EXIT.usage, `there is no command "${topic}"`, "sett --help lists them", "no_topic");
  command.outputHelp();
}

function collect(value: string, list: readonly string[]): readonly string[] {
  return [...list, value];
}

function parseCount(text: string): number {
  if (!/^\d{1,7}$/.test(text)) throw new InvalidArgumentError("It must be a whole number.");
  return Number(text);
}

function parseShell(text: string): Shell {
  const shell = SHELLS.find((candidate) => candidate === text);
  if (shell === undefined) throw new InvalidArgumentError(`It must be one of: ${SHELLS.join(", ")}.`);
  return shell;
}

async function main(): Promise<void> {
  const json = process.argv.includes("--json");
  // `sett logs | head` closes the pipe; that is no error.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(EXIT.ok);
  });
  try {
    await createProgram().parseAsync(process.argv);
  } catch (error) {
    if (error instanceof CommanderError) {
      // Commander has said it already; help and version are no errors.
      process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    } else if (error instanceof CliError) {
      new Output({ json, quiet: false }).error(error.message, error.hint, { code: error.code, exit_code: error.exitCode });
      process.exitCode = error.exitCode;
    } else if (error instanceof Error && "syscall" in error) {
      // The system refused something (permissions, disk): its own words are the best ones.
      new Output({ json, quiet: false }).error(error.message, "Check it with: sett doctor", { code: "system", exit_code: EXIT.general });
      process.exitCode = EXIT.general;
    } else {
      new Output({ json, quiet: false }).error(errorText(error), "This looks like a defect; set SETT_DEBUG=1 to see where.", { code: "internal", exit_code: EXIT.general });
      if (process.env["SETT_DEBUG"] && error instanceof Error) process.stderr.write(`${error.stack ?? ""}\n`);
      process.exitCode = EXIT.general;
    }
  }
  // Sockets that are still closing must not keep a finished command waiting; stdout is flushed first.
  process.stdout.write("", () => process.exit());
}

void main();
