import { USERNAME_MAX, USERNAME_MIN, USERNAME_PATTERN } from "../accounts";

/** What an administrator typed into the search of users. */
export interface Search {
  /** A whole Matrix id. */
  readonly matrixId?: string;
  /** A whole domain of addresses. */
  readonly domain?: string;
  readonly id?: number;
  /** How an address or a user name begins. */
  readonly prefix?: string;
  /** How a name begins; the database lowers letters of ASCII only. */
  readonly namePrefix?: string;
}

const MAX_ID_DIGITS = 15;

/**
 * Reads a search: `@name:server` is a Matrix id, `@example.org` everybody of that domain, digits a user's id as well as the beginning of
 * a name, all else the beginning of an address, a user name, a name or a display name. Each kind is one look-up in an index; the middle of
 * a word is not searched, since nothing but reading everybody could find it. Null: everybody.
 */
export function readSearch(text: string): Search | null {
  const wanted = text.trim().toLowerCase();
  if (wanted === "" || wanted === "@") return null;
  if (wanted.startsWith("@")) return wanted.includes(":") ? { matrixId: wanted } : { domain: wanted.slice(1) };
  const prefixes = { prefix: wanted, namePrefix: text.trim().replace(/[A-Z]+/g, (letters) => letters.toLowerCase()) };
  return /^\d+$/.test(wanted) && wanted.length <= MAX_ID_DIGITS ? { id: Number(wanted), ...prefixes } : prefixes;
}

/** Whatever begins with `prefix` is at least it and less than this. */
export const endOfPrefix = (prefix: string): string => `${prefix}\u{10FFFF}`;

/** Why a text is no user name; null when it is one. */
export function usernameFault(text: string): string | null {
  if (text.length < USERNAME_MIN) return `At least ${USERNAME_MIN} characters`;
  if (text.length > USERNAME_MAX) return `At most ${USERNAME_MAX} characters`;
  return USERNAME_PATTERN.test(text) ? null : "Only letters and digits";
}

/** Of two states of one thing, what differs: for the audit log. */
export function differenceOf(before: Readonly<Record<string, unknown>>, after: Readonly<Record<string, unknown>>): { readonly before: Record<string, unknown>; readonly after: Record<string, unknown> } {
  const changed = Object.keys(after).filter((key) => before[key] !== after[key]);
  const pick = (from: Readonly<Record<string, unknown>>) => Object.fromEntries(changed.map((key) => [key, from[key] ?? null]));
  return { before: pick(before), after: pick(after) };
}
