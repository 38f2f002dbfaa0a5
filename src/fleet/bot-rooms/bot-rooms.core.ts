import { MINUTE_MS } from "../../kernel/clock";

/** Rules of bots in rooms. No I/O, no clock. */

/**
 * How long after we stopped waiting the homeserver may still carry out what we asked: a join that we gave up may yet happen. What is
 * undone is therefore undone twice, at once and when this time is over; and whether a room is really deleted is looked at then.
 */
export const LATE_EFFECT_MS = 5 * MINUTE_MS;
/** Seconds after which somebody who was told to wait may try again. */
export const BUSY_RETRY_SECONDS = 5;

export type RoomMode = "auto" | "mention";

/** Aliases could be joined as well, but neither left nor recognized again. Ids of newer rooms name no server. */
export const isRoomId = (text: string): boolean => text.length > 1 && text.startsWith("!");

export interface RoomStanding {
  readonly state: "joining" | "joined" | "leaving";
  readonly settleAt: number | null;
  /** When its owner (or a failure) last changed it, ms. */
  readonly updatedAt: number;
}

/** When a bot that was taken out looks for the last time whether it is out. */
export const lastLookAt = (row: RoomStanding): number => row.updatedAt + LATE_EFFECT_MS;

/** Nobody works on it: it only waits for its last look. */
const isWaiting = (row: RoomStanding): boolean => row.state === "leaving" && row.settleAt === lastLookAt(row);

/** Somebody works on it at `now`; two at once would undo each other's work. */
export const isBusy = (row: RoomStanding, now: number): boolean => row.settleAt !== null && row.settleAt > now && !isWaiting(row);

export type CleanupVerdict = "empty_of_humans" | "humans_present" | "gone";

/** Whether a room may be deleted: everybody in it is a bot of ours. `members` is null when there is no such room. */
export function judgeRoom(members: readonly string[] | null, ourBots: ReadonlySet<string>): CleanupVerdict {
  if (members === null) return "gone";
  return members.every((member) => ourBots.has(member)) ? "empty_of_humans" : "humans_present";
}

/** Who may look back in a room as far as it goes, whenever they came. */
export const showsAllHistory = (historyVisibility: string | null): boolean => historyVisibility === "shared" || historyVisibility === "world_readable";
