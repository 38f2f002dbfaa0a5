import { isAbsolute } from "node:path";
import { CliError, EXIT } from "./errors";
import { readText } from "./files";
import { isObject, parseJson, type JsonObject } from "./json";
import { isWatchName, type WatchEntry } from "../watch/watch-entry";

export interface UpdateConfig {
  /** npm package or address to install; null means the one that the server itself offers. */
  readonly package: string | null;
  /** Replaces `npm i -g PACKAGE@VERSION` (an address takes no version); `{version}` and `{package}` are filled in. */
  readonly command?: readonly string[];
  /** The program whose `--version` proves the update; by default the one that runs now. */
  readonly binary?: string;
  /** Whether the daemon hands over to the new version by itself. */
  readonly restart: boolean;
}

/** How bots of the Hermes runtime are run. */
export interface HermesConfig {
  /** Replaces the container and the program in PATH. */
  readonly command?: readonly string[];
  readonly image: string;
  /** Given to every bot's Hermes: its model provider's key, for example. */
  readonly env: Readonly<Record<string, string>>;
}

export interface Config {
  readonly watch: readonly WatchEntry[];
  readonly update: UpdateConfig;
  readonly hermes: HermesConfig;
  /** Where skills are; null means OpenClaw's own folder. */
  readonly skills: string | null;
}

export const EMPTY_CONFIG: Config = { watch: [], update: { package: null, restart: true }, hermes: { image: "nousresearch/hermes-agent:latest", env: {} }, skills: null };

/** Reads the config file; a missing default file is an empty config. Throws a usage error that names the key. */
export function loadConfig(path: string, mustExist = false): Config {
  const text = readText(path);
  if (text === undefined) {
    if (mustExist) throw new CliError(EXIT.usage, `there is no config file ${path}`, undefined, "bad_config");
    return EMPTY_CONFIG;
  }
  try {
    return parseConfig(text);
  } catch (error) {
    throw new CliError(EXIT.usage, `${path}: ${error instanceof Error ? error.message : String(error)}`, "Mend the file, then run: sett doctor", "bad_config");
  }
}

/** Parses a config file's text. Throws Error naming the key that is wrong. Pure. */
export function parseConfig(text: string): Config {
  const raw = parseJson(text);
  if (!isObject(raw)) throw new Error("not a JSON object");
  const list = raw["watch"] ?? [];
  if (!Array.isArray(list)) throw new Error("watch must be a list");
  const watch = list.map((item: unknown, index) => parseEntry(item, `watch[${index}]`));
  const seen = new Set<string>();
  for (const entry of watch) {
    if (seen.has(entry.name)) throw new Error(`watch has "${entry.name}" twice`);
    seen.add(entry.name);
  }
  const skills = parseSkills(raw);
  return { watch, update: parseUpdate(raw["update"]), hermes: parseHermes(raw["hermes"]), skills };
}

function parseEntry(item: unknown, where: string): WatchEntry {
  if (!isObject(item)) throw new Error(`${where} must be an object`);
  const name = item["name"];
  if (typeof name !== "string" || !isWatchName(name)) throw new Error(`${where}.name must be letters, digits, "." "_" "-", at most 64`);
  const at = `${where} (${name})`;
  const command = words(item, "command", at);
  const match = text(item, "match", at);
  const pidfile = text(item, "pidfile", at);
  if (command === undefined && match === undefined && pidfile === undefined) throw new Error(`${at} needs command, match or pidfile`);
  if (command !== undefined && (match !== undefined || pidfile !== undefined)) throw new Error(`${at} has command and also match or pidfile: choose one`);
  if (match !== undefined) checkPattern(match, at);
  if (pidfile !== undefined && !isAbsolute(pidfile)) throw new Error(`${at}.pidfile must be an absolute path`);
  const cwd = text(item, "cwd", at);
  const env = environment(item, at);
  const restartCommand = words(item, "restart_command", at);
  const restart = item["restart"] ?? "always";
  if (restart !== "always" && restart !== "on-crash" && restart !== "never") throw new Error(`${at}.restart must be always, on-crash or never`);
  const gateway = item["gateway"] ?? false;
  if (typeof gateway !== "boolean") throw new Error(`${at}.gateway must be true or false`);
  return {
    name,
    restart,
    gateway,
    ...(command === undefined ? {} : { command }),
    ...(cwd === undefined ? {} : { cwd }),
    ...(env === undefined ? {} : { env }),
    ...(match === undefined ? {} : { match }),
    ...(pidfile === undefined ? {} : { pidfile }),
    ...(restartCommand === undefined ? {} : { restartCommand }),
  };
}

function parseUpdate(raw: unknown): UpdateConfig {
  if (raw === undefined) return EMPTY_CONFIG.update;
  if (!isObject(raw)) throw new Error("update must be an object");
  const command = words(raw, "command", "update");
  const binary = text(raw, "binary", "update");
  const restart = raw["restart"] ?? true;
  if (typeof restart !== "boolean") throw new Error("update.restart must be true or false");
  return {
    package: text(raw, "package", "update") ?? null,
    restart,
    ...(command === undefined ? {} : { command }),
    ...(binary === undefined ? {} : { binary }),
  };
}

function parseSkills(raw: JsonObject): string | null {
  const folder = text(raw, "skills", "config") ?? null;
  if (folder !== null && !isAbsolute(folder)) throw new Error("skills must be an absolute path");
  return folder;
}

function parseHermes(raw: unknown): HermesConfig {
  if (raw === undefined) return EMPTY_CONFIG.hermes;
  if (!isObject(raw)) throw new Error("hermes must be an object");
  const command = words(raw, "command", "hermes");
  return { image: text(raw, "image", "hermes") ?? EMPTY_CONFIG.hermes.image, env: environment(raw, "hermes") ?? {}, ...(command === undefined ? {} : { command }) };
}

function text(object: JsonObject, key: string, at: string): string | undefined {
  const value = object[key];
  if (value === undefined) return undefined;
  if (typeof value !== "string" || value === "") throw new Error(`${at}.${key} must be a text`);
  return value;
}

function words(object: JsonObject, key: string, at: string): string[] | undefined {
  const value = object[key];
  if (value === undefined) return undefined;
  const list = Array.isArray(value) ? value.filter((word): word is string => typeof word === "string") : [];
  if (!Array.isArray(value) || list.length !== value.length || list.length === 0 || list[0] === "") throw new Error(`${at}.${key} must be a list of words, like ["node", "server.js"]`);
  return list;
}

function environment(object: JsonObject, at: string): Record<string, string> | undefined {
  const value = object["env"];
  if (value === undefined) return undefined;
  if (!isObject(value)) throw new Error(`${at}.env must be an object of texts`);
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => {
      if (typeof item !== "string") throw new Error(`${at}.env.${key} must be a text`);
      return [key, item];
    }),
  );
}

function checkPattern(pattern: string, at: string): void {
  try {
    new RegExp(pattern);
  } catch {
    throw new Error(`${at}.match is not a regular expression`);
  }
}
