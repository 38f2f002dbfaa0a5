import { DAY_MS } from "../../kernel/clock";

/**
 * The life of a share, without storage or clock: active → revoked (by its owner, its recipient, or what happened to the bot) or
 * expired. Both are final.
 */

/** Most shares of one owner at a time, whatever the plan: what lists hold, and what a machine can be told at once. */
export const SHARES_MAX = 500;
/** A share that ends later than this has most likely a mistyped year. */
const EXPIRY_MAX_MS = 100 * 365 * DAY_MS;

export type EndReason = "revoked" | "left" | "sharing_off" | "bot_deleted" | "plan" | "expired";

/** What of a share decides about its life. Times in ms. */
export interface ShareLife {
  readonly expiresAt: number | null;
  readonly endedAt: number | null;
  readonly endReason: EndReason | null;
}

/** Whether its time is over, though nobody may have noted it yet. */
export const isOverdue = (share: ShareLife, now: number): boolean => share.endedAt === null && share.expiresAt !== null && share.expiresAt <= now;

export function stateOf(share: ShareLife, now: number): "active" | "revoked" | "expired" {
  if (share.endedAt !== null) return share.endReason === "expired" ? "expired" : "revoked";
  return isOverdue(share, now) ? "expired" : "active";
}

/** How a share ends when `cause` befalls it; null when it has ended before or, for `expired`, is not due. One that is overdue expired first, whatever the cause. */
export function endOf(share: ShareLife, cause: EndReason, now: number): { readonly endedAt: number; readonly endReason: EndReason } | null {
  if (share.endedAt !== null) return null;
  if (isOverdue(share, now)) return { endedAt: now, endReason: "expired" };
  return cause === "expired" ? null : { endedAt: now, endReason: cause };
}

const ISO = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?)?$/i;

/** When a share that was asked for should end, ms; what is wrong with it otherwise. A time without a zone is UTC. */
export function readExpiry(text: string, now: number): number | "malformed" | "past" | "too_far" {
  const zone = ISO.exec(text);
  if (!zone) return "malformed";
  const isTime = text.length > 10;
  const at = Date.parse(`${text.replace(" ", "T").toUpperCase()}${isTime && zone[1] === undefined ? "Z" : ""}`);
  if (Number.isNaN(at)) return "malformed";
  if (at <= now) return "past";
  return at - now > EXPIRY_MAX_MS ? "too_far" : at;
}
