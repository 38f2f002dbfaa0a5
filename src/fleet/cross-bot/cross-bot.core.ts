/** Rules of bots that talk to each other. No I/O, no clock. */

export const TARGETS_MAX = 10;

/** A bot as a message names it. */
export interface Mentioned {
  readonly matrixId: string;
  readonly name: string;
}

/** Both ways of naming targets together, each once, in the order they came. */
export function unionOfTargets(one: string | null | undefined, many: readonly string[] | null | undefined): string[] {
  return [...new Set([...(one ? [one] : []), ...(many ?? [])])];
}

/** First room that both are in; the same for the same rooms. */
export function firstCommonRoom(ours: readonly string[], theirs: readonly string[]): string | null {
  const there = new Set(theirs);
  return ours.filter((roomId) => there.has(roomId)).sort()[0] ?? null;
}

const HTML: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (char) => HTML[char] ?? char);

/** Content of a text message that mentions bots: for clients that know `m.mentions`, for those that look at links, and for those that search the text. */
export function mentionContent(targets: readonly Mentioned[], text: string): Readonly<Record<string, unknown>> {
  const link = ({ matrixId, name }: Mentioned): string => `<a href="https://matrix.to/#/${encodeURIComponent(matrixId)}">${escapeHtml(name)}</a>`;
  return {
    msgtype: "m.text",
    body: `${targets.map((target) => target.matrixId).join(" ")}: ${text}`,
    format: "org.matrix.custom.html",
    formatted_body: `${targets.map(link).join(" ")}: ${escapeHtml(text).replaceAll("\n", "<br>")}`,
    "m.mentions": { user_ids: targets.map((target) => target.matrixId) },
  };
}

const ROOM_NAME_MAX = 255;

/** Name of a room that nobody named. */
export const groupRoomName = (bots: readonly Mentioned[]): string => bots.map((bot) => bot.name).join(", ").slice(0, ROOM_NAME_MAX);

interface Said {
  readonly sender: string;
  /** ms */
  readonly sentAt: number;
}

/** The oldest message of `sender` after `after` (ms), of messages that come newest first. */
export const firstAnswer = <T extends Said>(messages: readonly T[], sender: string, after: number): T | null => messages.findLast((message) => message.sender === sender && message.sentAt > after) ?? null;
