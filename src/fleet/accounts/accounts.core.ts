import { MINUTE_MS, SECOND_MS } from "../../kernel/clock";

/** How long a mailed code lives. */
export const CODE_LIFE_MS = 10 * MINUTE_MS;
/** Tries before a code is dead. */
export const CODE_TRIES = 5;
/** Shortest time between two mails with a code. */
export const RESEND_GAP_MS = 60 * SECOND_MS;

const RESERVED_USERNAMES: ReadonlySet<string> = new Set(
  "abuse admin administrator hostmaster matrix moderator noreply nobody postmaster security server superadmin support system webmaster".split(" "),
);

/** Look-ups and uniqueness of addresses go by this. */
export const emailKeyOf = (email: string): string => email.trim().toLowerCase();

/** A number without its punctuation, `00` as `+`; null when nobody could dial it. */
export function phoneKeyOf(phone: string): string | null {
  const digits = phone.replace(/[\s().\-/]/g, "").replace(/^00/, "+");
  return /^\+?\d{6,15}$/.test(digits) ? digits : null;
}

export const USERNAME_MIN = 5;
export const USERNAME_MAX = 64;
export const USERNAME_PATTERN = /^[A-Za-z0-9]+$/;

/** User names that people could take for ours. */
export const isReservedUsername = (localpart: string): boolean => RESERVED_USERNAMES.has(localpart);

/** No user name that people choose begins so. */
const PLACEHOLDER_MARK = "-";

/**
 * Stands where a user name would, in the row of somebody who has none: their
 * Matrix id is made of it, and no account of that name is ever made.
 */
export const placeholderUsername = (sub: string): string => `${PLACEHOLDER_MARK}${sub}`;

interface Named {
  readonly username: string;
  readonly matrixId: string;
  readonly email: string;
}

export const hasUsername = ({ username }: Pick<Named, "username">): boolean => !username.startsWith(PLACEHOLDER_MARK);
/** As the wire says it: null for somebody without a user name, or who is not there any more. */
export const shownUsername = ({ username }: { readonly username: string | null }): string | null => (username !== null && hasUsername({ username }) ? username : null);
export const shownMatrixId = (account: Pick<Named, "username" | "matrixId">): string | null => (hasUsername(account) ? account.matrixId : null);
/** What mails call an account. */
export const accountLabel = (account: Pick<Named, "username" | "email">): string => shownUsername(account) ?? account.email;

/** The state of somebody's Matrix account, as far as we know. */
export const matrixStatusOf = ({ matrixAccountCreated, matrixStatus }: { readonly matrixAccountCreated: boolean; readonly matrixStatus: string | null }): string =>
  matrixAccountCreated ? (matrixStatus ?? "active") : "not_created";

/** Why a password of allowed length is still no password; null when it is one. */
export function weaknessOf(password: string, identity: { readonly email: string; readonly username: string }): string | null {
  const lower = password.toLowerCase();
  if (lower === emailKeyOf(identity.email) || lower === identity.username.toLowerCase()) return "Password must differ from your e-mail address and user name";
  if (/^(.)\1*$/su.test(password)) return "Password must use more than one character";
  return null;
}

/** What decides whether a held address is still claimed. */
export interface Claim {
  readonly accountVerified: boolean;
  readonly status: string;
  readonly codeExpiresAt: number | null;
  /** Nobody ever signed in, and nothing outside knows the account. */
  readonly neverUsed: boolean;
}

/**
 * Whether somebody else may take this unverified address over. While its code lives the claim holds, so that nobody can swap
 * the password under a sign-up in progress; afterwards it is abandoned, so that a stranger's typo locks nobody out. An account that was
 * ever used is somebody's, even when an administrator took its verification back.
 */
export const isAbandonedClaim = (claim: Claim, nowMs: number): boolean =>
  !claim.accountVerified && claim.neverUsed && claim.status === "active" && (claim.codeExpiresAt === null || claim.codeExpiresAt <= nowMs);
