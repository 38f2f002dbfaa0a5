import type { RestartPolicy } from "./crash-loop";

/** One process to watch, from the config file or from `--watch NAME=COMMAND`. */
export interface WatchEntry {
  readonly name: string;
  /** Started and kept running by the daemon. */
  readonly command?: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly restart: RestartPolicy;
  /** A foreign process: found by pid file, or by a pattern on its command line. */
  readonly pidfile?: string;
  readonly match?: string;
  readonly restartCommand?: readonly string[];
  /** Stands for the gateway when no openclaw gateway is found. */
  readonly gateway: boolean;
  /** The bot it runs for, in which case it never stands for the gateway. */
  readonly bot?: string;
}

/** The entry that stands for the gateway: the one marked so, else the first that runs no bot. Pure. */
export function gatewayOf(entries: readonly WatchEntry[]): WatchEntry | undefined {
  const own = entries.filter((entry) => entry.bot === undefined);
  return own.find((entry) => entry.gateway) ?? own[0];
}

/** The same entries, with variables for those that run agents: the gateway and the bots. They go before the owner's own. Pure. */
export function withAgentsEnvironment(entries: readonly WatchEntry[], environment: Readonly<Record<string, string>>): readonly WatchEntry[] {
  const gateway = gatewayOf(entries);
  return entries.map((entry) => (entry.command !== undefined && (entry.bot !== undefined || entry === gateway) ? { ...entry, env: { ...entry.env, ...environment } } : entry));
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** Whether a name is fit for a file name and the wire. */
export function isWatchName(name: string): boolean {
  return NAME.test(name);
}

/**
 * Splits a command line into words: quotes and backslashes as in a shell. A line with other shell syntax
 * (pipes, redirections, variables, …) is given to `sh -c` whole. Throws Error when a quote is open. Pure.
 */
export function splitCommand(line: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = "";
  for (let index = 0; index < line.length; index += 1) {
    const char = line[index] ?? "";
    if (quote === "'") {
      if (char === "'") quote = "";
      else word = (word ?? "") + char;
    } else if (char === "\\" && index + 1 < line.length) {
      const next = line[index + 1] ?? "";
      word = (word ?? "") + (quote === '"' && !'"\\$`'.includes(next) ? char + next : next);
      index += 1;
    } else if (quote === '"') {
      if (char === '"') quote = "";
      else if (char === "$" || char === "`") return ["sh", "-c", line];
      else word = (word ?? "") + char;
    } else if (char === "'" || char === '"') {
      quote = char;
      word ??= "";
    } else if (/\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if ("|&;<>()$`*?[]{}~#".includes(char)) {
      return ["sh", "-c", line];
    } else {
      word = (word ?? "") + char;
    }
  }
  if (quote !== "") throw new Error(`a ${quote} quote is left open`);
  if (word !== undefined) words.push(word);
  return words;
}

/** The entry for one `--watch NAME=COMMAND`. Throws Error with a sentence when it is malformed. */
export function parseWatchFlag(text: string): WatchEntry {
  const equals = text.indexOf("=");
  const name = text.slice(0, equals === -1 ? text.length : equals);
  if (equals <= 0 || !isWatchName(name)) throw new Error(`--watch wants NAME=COMMAND with a plain name, not "${text}"`);
  const command = splitCommand(text.slice(equals + 1));
  if (command.length === 0) throw new Error(`--watch ${name}= has no command`);
  return { name, command, restart: "always", gateway: false };
}
