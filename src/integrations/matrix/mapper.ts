import type { MatrixAccount, MatrixDevice, MatrixLogin, MatrixMediaUse, MatrixMember, MatrixMessage, MatrixPage, MatrixRoom } from "../../kernel/ports/matrix";
import { garbled, isObject, type Json } from "./http";

/** From what the homeserver says to what the port promises. What must be there and is not makes the whole answer worthless. */

export function readText(body: Json, field: string): string {
  const value = body[field];
  if (typeof value !== "string" || value === "") throw garbled(field);
  return value;
}

export function readTexts(body: Json, field: string): string[] {
  return readItems(body, field).map((item) => {
    if (typeof item !== "string") throw garbled(field);
    return item;
  });
}

export function readObjects(body: Json, field: string): Json[] {
  return readItems(body, field).map((item) => {
    if (!isObject(item)) throw garbled(field);
    return item;
  });
}

function readItems(body: Json, field: string): unknown[] {
  const value = body[field];
  if (!Array.isArray(value)) throw garbled(field);
  return value;
}

function readCount(body: Json, field: string): number {
  const value = body[field];
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) throw garbled(field);
  return value;
}

const textOrNull = (value: unknown): string | null => (typeof value === "string" ? value : null);
const countOrNull = (value: unknown): number | null => (typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : null);
/** SQLite's 0 and 1 come through in places. */
const flagOrNull = (value: unknown): boolean | null => (value === true || value === 1 ? true : value === false || value === 0 ? false : null);
const flag = (value: unknown): boolean => flagOrNull(value) ?? false;

/** `next` comes as a number or a string. */
function toPage<T>(items: readonly T[], total: number, next: unknown): MatrixPage<T> {
  return { items, total, next: typeof next === "number" ? String(next) : typeof next === "string" && next !== "" ? next : null };
}

/** The list tells `creation_ts` in milliseconds, one account alone in seconds. */
function toAccount(body: Json, msPerUnit: 1 | 1_000): MatrixAccount {
  const created = countOrNull(body["creation_ts"]);
  return {
    userId: readText(body, "name"),
    displayName: textOrNull(body["displayname"]),
    avatarUrl: textOrNull(body["avatar_url"]),
    admin: flag(body["admin"]),
    deactivated: flag(body["deactivated"]),
    guest: flag(body["is_guest"]),
    createdAt: created === null ? null : created * msPerUnit,
    shadowBanned: flagOrNull(body["shadow_banned"]),
    erased: flagOrNull(body["erased"]),
    locked: flagOrNull(body["locked"]),
  };
}

export const toOneAccount = (body: Json): MatrixAccount => toAccount(body, 1_000);

export const toAccountPage = (body: Json): MatrixPage<MatrixAccount> =>
  toPage(
    readObjects(body, "users").map((user) => toAccount(user, 1)),
    readCount(body, "total"),
    body["next_token"],
  );

export const toDevices = (body: Json): MatrixDevice[] =>
  readObjects(body, "devices").map((device) => ({
    deviceId: readText(device, "device_id"),
    displayName: textOrNull(device["display_name"]),
    lastSeenIp: textOrNull(device["last_seen_ip"]),
    lastSeenUserAgent: textOrNull(device["last_seen_user_agent"]),
    lastSeenAt: countOrNull(device["last_seen_ts"]),
  }));

/** Fields that only the details have are null in a list. */
export const toRoom = (body: Json): MatrixRoom => ({
  roomId: readText(body, "room_id"),
  name: textOrNull(body["name"]),
  topic: textOrNull(body["topic"]),
  avatarUrl: textOrNull(body["avatar"]),
  canonicalAlias: textOrNull(body["canonical_alias"]),
  joinedMembers: countOrNull(body["joined_members"]) ?? 0,
  joinedLocalMembers: countOrNull(body["joined_local_members"]) ?? 0,
  joinedLocalDevices: countOrNull(body["joined_local_devices"]),
  version: textOrNull(body["version"]),
  creator: textOrNull(body["creator"]),
  encryption: textOrNull(body["encryption"]),
  federatable: flag(body["federatable"]),
  public: flag(body["public"]),
  joinRules: textOrNull(body["join_rules"]),
  guestAccess: textOrNull(body["guest_access"]),
  historyVisibility: textOrNull(body["history_visibility"]),
  stateEvents: countOrNull(body["state_events"]),
});

export const toRoomPage = (body: Json): MatrixPage<MatrixRoom> => toPage(readObjects(body, "rooms").map(toRoom), readCount(body, "total_rooms"), body["next_batch"]);

export const toMediaPage = (body: Json): MatrixPage<MatrixMediaUse> =>
  toPage(
    readObjects(body, "users").map((user) => ({
      userId: readText(user, "user_id"),
      displayName: textOrNull(user["displayname"]),
      mediaCount: readCount(user, "media_count"),
      mediaLength: readCount(user, "media_length"),
    })),
    readCount(body, "total"),
    body["next_token"],
  );

/** People anywhere write contents, so nothing in there is relied on. */
export function toMessage(event: Json): MatrixMessage {
  const content = isObject(event["content"]) ? event["content"] : {};
  return {
    eventId: readText(event, "event_id"),
    sender: readText(event, "sender"),
    type: readText(event, "type"),
    sentAt: readCount(event, "origin_server_ts"),
    body: textOrNull(content["body"]),
    content,
  };
}

export function toMembers(body: Json): MatrixMember[] {
  const joined = body["joined"];
  if (!isObject(joined)) throw garbled("joined");
  return Object.entries(joined).map(([userId, profile]) => ({ userId, displayName: isObject(profile) ? textOrNull(profile["display_name"]) : null }));
}

/** `type=` is ignored by older homeservers, which answer the whole state. */
export function toRoomCreation(body: Json): number | null {
  const created = readObjects(body, "state").find((event) => event["type"] === "m.room.create");
  return countOrNull(created?.["origin_server_ts"]);
}

export const toLogin = (body: Json): MatrixLogin => ({ kind: "ok", accessToken: readText(body, "access_token"), userId: readText(body, "user_id"), deviceId: readText(body, "device_id") });

export const deviceOrNull = (body: Json): string | null => textOrNull(body["device_id"]);

/** Who is invited, of all the membership events of a room. */
export const toInvitees = (body: Json): string[] =>
  readObjects(body, "state").flatMap((event) => (isObject(event["content"]) && event["content"]["membership"] === "invite" ? [readText(event, "state_key")] : []));
