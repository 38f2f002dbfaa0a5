import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { CliError, errorText, EXIT, EXIT_MEANINGS, type ExitCode } from "./core/errors";
import { Output } from "./core/output";
import { addAdmin, ADMIN_ROLES, listAdmins, removeAdmin, type AddAdminOptions, type AdminOptions } from "./commands/admin";
import { createBot, deleteBot, listBots, showBotRooms, showBotStatus, type CreateBotOptions } from "./commands/bot";
import { completionScript, SHELLS, type Shell } from "./commands/completion";
import { createContext, type CliContext, type GlobalOptions } from "./commands/context";
import { doctor } from "./commands/doctor";
import { login, type LoginOptions } from "./commands/login";
import { logout } from "./commands/logout";
import { showLogs, type LogsOptions } from "./commands/logs";
import { showMachines } from "./commands/machines";
import { showAudit, showCron, showDeadLetters, showFindings, showGates, showLag, showOutbox, type AuditOptions, type CronOptions, type GatesOptions, type LettersOptions, type OutboxOptions } from "./commands/ops";
import { pair, type PairOptions } from "./commands/pair";
import { restart, type RestartOptions } from "./commands/restart";
import { showStatus } from "./commands/status";
import { down, up, type UpOptions } from "./commands/up";
import { createVm, destroyVm, listVms, LLM_PROVIDERS, restartVm, watchVm, type CreateVmOptions } from "./commands/vm";
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
  addOpsCommands(program, run);
  addVmCommands(program, run);
  addAdminCommands(program, run);
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

function addVmCommands(program: Command, run: Run): void {
  const vm = program.command("vm").description("rent machines, watch them come to be, restart and destroy them");
  const timeout = ["--timeout <seconds>", "how long to wait", parseCount, 900] as const;
  vm.command("list").description("your cloud machines").action(run((context) => listVms(context)));
  vm.command("create")
    .description("rent a machine and wait until it is online")
    .argument("[name]", "what to call it")
    .option("--cpu <cores>", "1, 2, 4, 8 or 16", parseCount)
    .option("--ram <gib>", "4, 8, 16, 32 or 64", parseCount)
    .option("--disk <gib>", "8 to 200", parseCount)
    .addOption(new Option("--llm <provider>", "whose model its agents use (default: whose key is in the environment)").choices(LLM_PROVIDERS))
    .option("--llm-key <->", "read the model's key from stdin")
    .option("--no-wait", "do not wait until it is online")
    .option(...timeout)
    .action(run((context, name: string | undefined, options: CreateVmOptions) => createVm(context, name, options)));
  vm.command("watch").description("follow one that comes to be").argument("<name>").option(...timeout).action(run((context, name: string, options: { timeout: number }) => watchVm(context, name, options)));
  vm.command("restart").description("restart one; one that failed is taken up again").argument("<name>").option("--no-wait", "do not wait until it is online").option(...timeout).action(run((context, name: string, options: { wait: boolean; timeout: number }) => restartVm(context, name, options)));
  vm.command("destroy").description("destroy one, and everything on it").argument("<name>").option("-y, --yes", "do not ask").action(run((context, name: string, options: { yes?: boolean }) => destroyVm(context, name, options)));
}

function addAdminCommands(program: Command, run: Run): void {
  const admin = program.command("admin").description("who administers the server; for superadministrators, with their own password");
  const as = ["--as <email>", "who you are (SETT_ADMIN_EMAIL); the password is asked, or SETT_ADMIN_PASSWORD"] as const;
  admin.command("list").description("everybody with a role").option(...as).action(run((context, options: AdminOptions) => listAdmins(context, options)));
  admin
    .command("add")
    .description("give somebody who has an account a role")
    .argument("<email>")
    .addOption(new Option("--role <role>", "which one").choices(ADMIN_ROLES).default("admin"))
    .option(...as)
    .action(run((context, email: string, options: AddAdminOptions) => addAdmin(context, email, options)));
  admin.command("remove").description("take somebody's role away").argument("<email>").option(...as).action(run((context, email: string, options: AdminOptions) => removeAdmin(context, email, options)));
}

function addOpsCommands(program: Command, run: Run): void {
  const ops = program.command("ops").description("for administrators: see what is wrong with the server (SETT_ADMIN_TOKEN, or SETT_ADMIN_EMAIL and SETT_ADMIN_PASSWORD)");
  const limit = ["-n, --limit <count>", "how many, at most 200", parseCount, 50] as const;
  ops.command("lag").description("how late work in the background is").action(run((context) => showLag(context)));
  ops
    .command("dead-letters")
    .description("queue messages that could not be handled")
    .option("--type <type>", "of this kind only")
    .option(...limit)
    .option("--retry <id>", "send this one again")
    .option("--drop <id>", "remove this one for good")
    .action(run((context, options: LettersOptions) => showDeadLetters(context, options)));
  ops
    .command("outbox")
    .description("effects that gave up, or that wait")
    .addOption(new Option("--state <state>", "which").choices(["parked", "pending"]).default("parked"))
    .option("--type <type>", "of this kind only")
    .option(...limit)
    .option("--retry <id>", "try this one, which gave up, again")
    .option("--drop <id>", "give this one up for good")
    .action(run((context, options: OutboxOptions) => showOutbox(context, options)));
  ops
    .command("cron")
    .description("how the cron jobs ran")
    .argument("[job]", "one job's runs; without it, the last of each")
    .option("--failures", "those that failed only")
    .option(...limit)
    .action(run((context, job: string | undefined, options: CronOptions) => showCron(context, job, options)));
  ops
    .command("audit")
    .description("who did what, newest first")
    .option("--actor <id>", "a person's or token's id, or a job's name")
    .option("--action <action>", "account, or account.cre")
    .option("--subject <type:id>", "what it was done to")
    .option("--tenant <id>", "whose data it was")
    .option("--since <time>", "a time, or 30m, 2h, 7d ago")
    .option("--until <time>", "the same")
    .option(...limit)
    .action(run((context, options: AuditOptions) => showAudit(context, options)));
  ops
    .command("gates")
    .description("switches of the product")
    .option("--open <key>", "turn one on")
    .option("--close <key>", "turn one off")
    .action(run((context, options: GatesOptions) => showGates(context, options)));
  ops
    .command("findings")
    .description("what reconcilers found that differs from what we know")
    .option("--resolved", "those that are mended")
    .option(...limit)
    .action(run((context, options: { resolved?: boolean; limit: number }) => showFindings(context, options)));
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
