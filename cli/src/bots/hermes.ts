import { createHash } from "node:crypto";
import { join } from "node:path";
import { readText } from "../core/files";
import type { HermesConfig } from "../core/config";
import { findProgram } from "../watch/openclaw";
import type { WatchEntry } from "../watch/watch-entry";
import { allowedUsers, type BotRecord } from "./bot-record";

/** How to run Hermes for a bot, or why that cannot be. */
export type HermesLaunch = { readonly ok: true; readonly entry: WatchEntry; readonly image: string } | { readonly ok: false; readonly text: string };

const KEY_FILE = "recovery-key";
/** What the server takes as a recovery key. */
const KEY_MIN_CHARS = 32;
const KEY_MAX_CHARS = 200;
const NAME_MAX = 64;
/** Where the image keeps its data. */
const CONTAINER_DATA = "/opt/data";

/** The name of a bot's Hermes among the watched processes. Pure. */
export function hermesName(account: string): string {
  const plain = `hermes-${account.replaceAll("=", "_")}`;
  return plain.length <= NAME_MAX ? plain : `${plain.slice(0, NAME_MAX - 9)}-${createHash("sha256").update(account).digest("hex").slice(0, 8)}`;
}

/**
 * What Hermes is told about a bot. The list of people is never left out: without one anybody in a room could command it. Pure.
 * @param folder the bot's data folder as Hermes sees it
 */
export function hermesEnvironment(record: BotRecord, allowed: readonly string[], folder: string): Record<string, string> {
  const free = Object.entries(record.rooms).flatMap(([room, mode]) => (mode === "auto" ? [room] : []));
  return {
    HERMES_HOME: folder,
    MATRIX_HOMESERVER: record.homeserver.replace(/\/+$/, ""),
    MATRIX_ACCESS_TOKEN: record.access_token,
    MATRIX_USER_ID: record.user_id,
    ...(record.device_id === null ? {} : { MATRIX_DEVICE_ID: record.device_id }),
    MATRIX_ALLOWED_USERS: allowed.join(","),
    MATRIX_REQUIRE_MENTION: "true",
    ...(free.length === 0 ? {} : { MATRIX_FREE_RESPONSE_ROOMS: free.join(",") }),
    MATRIX_E2EE_MODE: "optional",
    MATRIX_RECOVERY_KEY_OUTPUT_FILE: `${folder}/${KEY_FILE}`,
    ...(record.recovery_key === null ? {} : { MATRIX_RECOVERY_KEY: record.recovery_key }),
  };
}

/**
 * The process to keep running for a bot: the configured command, else a container, else a Hermes in PATH. Secrets go by
 * environment: `docker run -e NAME` takes the value from its own.
 */
export function hermesLaunch(record: BotRecord, config: HermesConfig, folder: string, now: number, env: NodeJS.ProcessEnv = process.env): HermesLaunch {
  const allowed = allowedUsers(record, now);
  if (allowed === undefined) return { ok: false, text: "Hermes is not started: who owns the bot is not known here, so nobody could be allowed to talk to it; pair it again" };
  const name = hermesName(record.account);
  const base = { name, restart: "always", gateway: false, bot: record.account } as const;
  if (config.command !== undefined) {
    return { ok: true, image: config.command.join(" ").slice(0, 255), entry: { ...base, command: config.command, cwd: folder, env: { ...config.env, ...hermesEnvironment(record, allowed, folder) } } };
  }
  if (findProgram("docker", env) !== undefined) {
    const variables = { ...config.env, ...hermesEnvironment(record, allowed, CONTAINER_DATA), ...ownerOfFiles() };
    const container = `sett-${createHash("sha256").update(folder).digest("hex").slice(0, 8)}-${name}`;
    const flags = Object.keys(variables).flatMap((key) => ["-e", key]);
    // A container outlives a docker client that was killed; its name makes sure that there is one only.
    const script = 'docker rm -f "$0" >/dev/null 2>&1; exec docker run --rm --init --name "$0" "$@"';
    const command = ["sh", "-c", script, container, "-v", `${folder}:${CONTAINER_DATA}`, ...flags, config.image, "gateway", "run"];
    return { ok: true, image: config.image, entry: { ...base, command, cwd: folder, env: variables } };
  }
  if (findProgram("hermes", env) !== undefined) {
    return { ok: true, image: "hermes", entry: { ...base, command: ["hermes", "gateway", "run"], cwd: folder, env: { ...config.env, ...hermesEnvironment(record, allowed, folder) } } };
  }
  return { ok: false, text: "Hermes is not installed here: install hermes or docker, or set hermes.command in config.json" };
}

function ownerOfFiles(): Record<string, string> {
  const uid = process.getuid?.();
  const gid = process.getgid?.();
  return uid === undefined || gid === undefined ? {} : { HERMES_UID: String(uid), HERMES_GID: String(gid) };
}

/** The recovery key that Hermes made, once it has written it; undefined before. */
export function readRecoveryKey(folder: string): string | undefined {
  const key = readText(join(folder, KEY_FILE))?.trim();
  return key !== undefined && key.length >= KEY_MIN_CHARS && key.length <= KEY_MAX_CHARS ? key : undefined;
}
