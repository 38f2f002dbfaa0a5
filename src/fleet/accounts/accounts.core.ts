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
}

/**
 * Whether somebody else may take this unverified address over. While its code lives the claim holds, so that nobody can swap
 * the password under a sign-up in progress; afterwards it is abandoned, so that a stranger's typo locks nobody out.
 */
export const isAbandonedClaim = (claim: Claim, nowMs: number): boolean =>
  !claim.accountVerified && claim.status === "active" && (claim.codeExpiresAt === null || claim.codeExpiresAt <= nowMs);
