import { isObject, numberField, stringField, type JsonObject } from "../core/json";

/** Somebody besides the owner who may talk to a bot, until `expires_at` (ISO) if that is set. */
export interface BotShare {
  readonly user_id: string;
  readonly expires_at: string | null;
}

export type Runtime = "openclaw" | "hermes";
export type RoomMode = "auto" | "mention";

/** A bot that lives on this machine: its credentials, and how far its runtime is configured. One file each, 0600. */
export interface BotRecord {
  /** Local part of its Matrix id without `_bot`: the file's name and its account's name in OpenClaw. */
  readonly account: string;
  /** Who vouches for it, and as which machine. */
  readonly server: string;
  readonly instance_id: string;
  readonly bot_id: string | null;
  readonly bot_name: string;
  readonly runtime: Runtime;
  readonly user_id: string;
  readonly homeserver: string;
  readonly access_token: string;
  readonly device_id: string | null;
  readonly owner: string | null;
  /** SHA-256 of the code it came with: whoever comes later with the same code is told so. */
  readonly code_hash: string | null;
  /** The code itself, until the server knows that we have it. */
  readonly unclaimed_code: string | null;
  /** Whether its runtime has these credentials. Until then they are only here: a code works once. */
  readonly configured: boolean;
  readonly paired_at: string;
  readonly shares: readonly BotShare[];
  /** Once there was a share the allow list is ours to keep, also when the last share ends. */
  readonly keeps_allow_list: boolean;
  readonly rooms: Readonly<Record<string, RoomMode>>;
  readonly recovery_key: string | null;
  /** Whether the server has the recovery key. */
  readonly bootstrapped: boolean;
  readonly error: string | null;
  readonly error_at: string | null;
  readonly errors: number;
}

/** What the server hands out for a bot, from a code or from a refresh. */
export interface Credentials {
  readonly user_id: string;
  readonly homeserver: string;
  readonly access_token: string;
  readonly device_id: string | null;
}

/** The name of a bot's account, or undefined when its Matrix id has none that is fit for a file. Pure. */
export function accountName(userId: string): string | undefined {
  const local = /^@([^:]+):.+$/.exec(userId)?.[1];
  const name = local?.replace(/_bot$/, "");
  return name !== undefined && /^[a-z0-9_][a-z0-9._=-]{0,110}$/.test(name) ? name : undefined;
}

/** Reads credentials out of an answer; undefined when something is missing. Pure. */
export function readCredentials(raw: unknown): Credentials | undefined {
  if (!isObject(raw)) return undefined;
  const userId = stringField(raw, "user_id");
  const homeserver = stringField(raw, "homeserver");
  const token = stringField(raw, "access_token");
  if (userId === undefined || homeserver === undefined || token === undefined || token === "" || !/^https?:\/\//.test(homeserver)) return undefined;
  return { user_id: userId, homeserver: homeserver.replace(/\/+$/, ""), access_token: token, device_id: stringField(raw, "device_id") || null };
}

/** The record of a bot that just came to this machine. What a record of the same bot knew about people and rooms stays. Pure. */
export function newRecord(
  credentials: Credentials,
  about: Pick<BotRecord, "account" | "server" | "instance_id" | "bot_id" | "bot_name" | "runtime" | "owner" | "code_hash" | "unclaimed_code" | "paired_at">,
  before: BotRecord | undefined,
): BotRecord {
  const same = before?.user_id === credentials.user_id ? before : undefined;
  return {
    ...about,
    ...credentials,
    bot_id: about.bot_id ?? same?.bot_id ?? null,
    owner: about.owner ?? same?.owner ?? null,
    configured: false,
    shares: same?.shares ?? [],
    keeps_allow_list: same?.keeps_allow_list ?? false,
    rooms: same?.rooms ?? {},
    recovery_key: same?.recovery_key ?? null,
    bootstrapped: same?.bootstrapped ?? false,
    error: null,
    error_at: null,
    errors: 0,
  };
}

/** A record out of its file, or undefined when the file holds something else. Pure. */
export function readRecord(raw: JsonObject): BotRecord | undefined {
  const credentials = readCredentials(raw);
  const account = stringField(raw, "account");
  const server = stringField(raw, "server");
  const instanceId = stringField(raw, "instance_id");
  if (credentials === undefined || account === undefined || server === undefined || instanceId === undefined || accountName(credentials.user_id) !== account) return undefined;
  const rooms = isObject(raw["rooms"]) ? raw["rooms"] : {};
  return {
    ...credentials,
    account,
    server,
    instance_id: instanceId,
    bot_id: stringField(raw, "bot_id") ?? null,
    bot_name: stringField(raw, "bot_name") ?? account,
    runtime: raw["runtime"] === "hermes" ? "hermes" : "openclaw",
    owner: stringField(raw, "owner") ?? null,
    code_hash: stringField(raw, "code_hash") ?? null,
    unclaimed_code: stringField(raw, "unclaimed_code") ?? null,
    configured: raw["configured"] === true,
    paired_at: stringField(raw, "paired_at") ?? new Date(0).toISOString(),
    shares: readShares(raw["shares"]),
    keeps_allow_list: raw["keeps_allow_list"] === true,
    rooms: Object.fromEntries(Object.entries(rooms).flatMap(([room, mode]) => (mode === "auto" || mode === "mention" ? [[room, mode] as const] : []))),
    recovery_key: stringField(raw, "recovery_key") ?? null,
    bootstrapped: raw["bootstrapped"] === true,
    error: stringField(raw, "error") ?? null,
    error_at: stringField(raw, "error_at") ?? null,
    errors: numberField(raw, "errors") ?? 0,
  };
}

function readShares(raw: unknown): BotShare[] {
  if (!Array.isArray(raw)) return [];
  return raw.flatMap((item: unknown) => {
    const userId = isObject(item) ? stringField(item, "user_id") : undefined;
    return isObject(item) && userId !== undefined ? [{ user_id: userId, expires_at: stringField(item, "expires_at") ?? null }] : [];
  });
}

/** The shares that still hold at `now` (ms). Pure. */
export function openShares(shares: readonly BotShare[], now: number): BotShare[] {
  return shares.filter((share) => share.expires_at === null || !(Date.parse(share.expires_at) <= now));
}

/** Everybody who may talk to the bot: its owner first. Undefined while its owner is not known, which must never read as "anybody". Pure. */
export function allowedUsers(record: Pick<BotRecord, "owner" | "shares">, now: number): string[] | undefined {
  if (record.owner === null) return undefined;
  return [...new Set([record.owner, ...openShares(record.shares, now).map((share) => share.user_id)])];
}
