import { chmodSync, realpathSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { errorText } from "../core/errors";
import { readText, writeFileAtomic } from "../core/files";
import { isObject, parseJson, type JsonObject } from "../core/json";
import { scrub } from "../core/log";
import { findProgram } from "../watch/openclaw";
import { runCommand } from "../watch/run-command";
import { allowedUsers, type BotRecord } from "./bot-record";

/** Whether OpenClaw took a change; `text` is a sentence for people and holds no secret. */
export type ConfigOutcome = { readonly ok: true } | { readonly ok: false; readonly text: string };

const CHANNEL = "badgerclaw";
/** One change takes about five seconds on a slow machine. */
const CONFIG_LIMIT_MS = 60_000;
const NO_CHANNEL = `no plugin of this OpenClaw declares the channel "${CHANNEL}": install the channel's plugin, then run sett pair`;
const NOT_INSTALLED = "OpenClaw is not installed here: install it, then run sett pair";

/** Where OpenClaw keeps its configuration. */
export function openclawConfigPath(env: NodeJS.ProcessEnv = process.env): string {
  return env["OPENCLAW_CONFIG_PATH"] || join(openclawFolder(env), "openclaw.json");
}

/** OpenClaw's own folder: OPENCLAW_STATE_DIR, else ~/.openclaw. */
export function openclawFolder(env: NodeJS.ProcessEnv = process.env): string {
  return env["OPENCLAW_STATE_DIR"] || join(env["HOME"] || homedir(), ".openclaw");
}

/** What OpenClaw should know of a bot, as a patch: objects merge, lists and plain values replace. Pure. */
export function accountPatch(record: BotRecord, now: number): JsonObject {
  const allowed = record.keeps_allow_list ? allowedUsers(record, now) : undefined;
  const rooms = Object.entries(record.rooms);
  return inAccount(record.account, {
    userId: record.user_id,
    accessToken: record.access_token,
    homeserver: record.homeserver,
    encryption: true,
    ...(record.device_id === null ? {} : { deviceId: record.device_id }),
    ...(allowed === undefined ? {} : { allowFrom: allowed }),
    ...(rooms.length === 0 ? {} : { rooms: Object.fromEntries(rooms.map(([room, mode]) => [room, { mode }])) }),
  });
}

/** The patch that takes a bot out again. Pure. */
export const withoutAccount = (account: string): JsonObject => inAccount(account, null);

function inAccount(account: string, settings: JsonObject | null): JsonObject {
  return { channels: { [CHANNEL]: { accounts: { [account]: settings } } } };
}

/** A copy of `target` with the patch in it: objects merge, null takes away, everything else replaces. Pure. */
export function mergePatch(target: unknown, patch: JsonObject): JsonObject {
  const merged: Record<string, unknown> = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else merged[key] = isObject(value) ? mergePatch(merged[key], value) : value;
  }
  return merged;
}

/**
 * Changes OpenClaw's configuration. `openclaw config patch --stdin` is the way: one validated write of OpenClaw itself,
 * the token on stdin instead of in a process list, comments and includes as OpenClaw treats them, and a refusal
 * when no plugin knows the channel, instead of a file that keeps the gateway from starting. Versions without it
 * get a plain value set first, which proves the channel, and then the file edited here, if it is strict JSON.
 * Callers hold the lock of the bots.
 */
export class OpenclawConfig {
  constructor(private readonly env: NodeJS.ProcessEnv = process.env) {}

  async apply(patch: JsonObject, secrets: readonly string[]): Promise<ConfigOutcome> {
    const program = findProgram("openclaw", this.env);
    if (program === undefined) return this.applyWithout(patch);
    const output = await runCommand([program, "config", "patch", "--stdin"], CONFIG_LIMIT_MS, { input: JSON.stringify(patch) });
    if (output.code === 0) return { ok: true };
    if (output.timedOut) return { ok: false, text: "openclaw config patch took too long" };
    if (isUnknownCommand(output.tail)) return this.applyByFile(program, patch, secrets);
    return { ok: false, text: refusalText(output.tail, secrets) };
  }

  /** Changes settings that are no accounts; nothing is asked of the channel. Callers hold the lock of the bots. */
  async applySettings(patch: JsonObject, secrets: readonly string[]): Promise<ConfigOutcome> {
    const program = findProgram("openclaw", this.env);
    if (program === undefined) return this.edit(patch);
    const output = await runCommand([program, "config", "patch", "--stdin"], CONFIG_LIMIT_MS, { input: JSON.stringify(patch) });
    if (output.code === 0) return { ok: true };
    if (output.timedOut) return { ok: false, text: "openclaw config patch took too long" };
    if (isUnknownCommand(output.tail)) return this.edit(patch);
    return { ok: false, text: refusalText(output.tail, secrets, "settings") };
  }

  private async applyByFile(program: string, patch: JsonObject, secrets: readonly string[]): Promise<ConfigOutcome> {
    const path = Object.keys(accountsOf(patch)).map((account) => `channels.${CHANNEL}.accounts.${account}.encryption`)[0];
    const adds = Object.values(accountsOf(patch)).some((settings) => settings !== null);
    if (path !== undefined && adds) {
      const probe = await runCommand([program, "config", "set", path, "true"], CONFIG_LIMIT_MS);
      if (probe.code !== 0) return { ok: false, text: refusalText(probe.tail, secrets) };
    }
    return this.edit(patch);
  }

  /** Without the program nothing can be checked: only a configuration that has the channel already is touched. */
  private applyWithout(patch: JsonObject): ConfigOutcome {
    const config = parseJson(readText(openclawConfigPath(this.env)) ?? "");
    const channels = isObject(config) ? config["channels"] : undefined;
    if (!isObject(channels) || !isObject(channels[CHANNEL])) return { ok: false, text: NOT_INSTALLED };
    return this.edit(patch);
  }

  private edit(patch: JsonObject): ConfigOutcome {
    const given = openclawConfigPath(this.env);
    try {
      const text = readText(given);
      const config = text === undefined ? {} : parseJson(text);
      if (!isObject(config)) return { ok: false, text: `${given} has comments or is no JSON, and this OpenClaw cannot patch it itself: update OpenClaw, then run sett pair` };
      // The file itself, not a link to it, or the rename would cut the link.
      const path = text === undefined ? given : realpathSync(given);
      writeFileAtomic(path, `${JSON.stringify(mergePatch(config, patch), null, 2)}\n`);
      chmodSync(path, 0o600);
      return { ok: true };
    } catch (error) {
      return { ok: false, text: `cannot change ${given}: ${errorText(error)}` };
    }
  }
}

/** Whether an old version does not know how to patch. */
const isUnknownCommand = (tail: string): boolean => /unknown (option|command)|no command|too many arguments/i.test(tail);

function accountsOf(patch: JsonObject): JsonObject {
  const channels = patch["channels"];
  const channel = isObject(channels) ? channels[CHANNEL] : undefined;
  const accounts = isObject(channel) ? channel["accounts"] : undefined;
  return isObject(accounts) ? accounts : {};
}

/** Why OpenClaw refused, fit for people and logs: it may quote what it was given. */
function refusalText(tail: string, secrets: readonly string[], what = "account"): string {
  if (/unknown channel id/i.test(tail)) return NO_CHANNEL;
  const clean = String(scrub(tail, secrets)).trim().split("\n").at(-1) ?? "";
  return `OpenClaw refused the ${what}: ${clean.slice(0, 300) || "it did not say why"}`;
}
