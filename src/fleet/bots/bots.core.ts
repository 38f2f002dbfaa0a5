import { MINUTE_MS } from "../../kernel/clock";

/** Rules of bots: names, devices, and what the homeserver should have of one. No I/O, no clock. */

const SUFFIX = "_bot";
const DEVICE_CHARS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/** How long a saga may work on a bot before the reconciler takes it for broken off: more than all its calls together may take (seven, ten seconds each). */
export const SAGA_LEASE_MS = 2 * MINUTE_MS;
/** Attempts after which a person should look: the warning becomes an error. */
export const SETTLE_LOUD_ATTEMPTS = 30;

/** A bot's name as we store it: lower case, without the suffix. Null when nothing is left. */
export function botUsernameOf(asked: string): string | null {
  const lower = asked.toLowerCase();
  const bare = lower.endsWith(SUFFIX) ? lower.slice(0, -SUFFIX.length) : lower;
  return bare === "" ? null : bare;
}

/** Local part of its Matrix id. */
export const botLocalpart = (username: string): string => `${username}${SUFFIX}`;

export const botMatrixId = (username: string, serverName: string): string => `@${botLocalpart(username)}:${serverName}`;

/** `BC` and ten letters or digits from `bytes` (at least ten of them). */
export const deviceIdFrom = (bytes: Uint8Array): string => `BC${Array.from(bytes.subarray(0, 10), (byte) => DEVICE_CHARS[byte % DEVICE_CHARS.length]).join("")}`;

/** Short, stable name of an owner for labels. */
export const ownerShortId = (userId: number): string => userId.toString(36).padStart(6, "0");

export interface BotStanding {
  readonly status: "creating" | "active" | "deleted";
  readonly planDisabledAt: number | null;
}

/** What the homeserver should have: an account that works, or none. A bot that nobody finished creating should not be there. */
export const wantedOnMatrix = (bot: BotStanding): "up" | "down" => (bot.status === "active" && bot.planDisabledAt === null ? "up" : "down");

/** Whether a bot can be used: it is there, and its plan carries it. */
export const isUsable = (bot: BotStanding): boolean => wantedOnMatrix(bot) === "up";
