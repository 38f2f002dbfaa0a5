import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../kernel/clock";

/** How long a mailed reset code lives. */
export const RESET_CODE_LIFE_MS = HOUR_MS;

/** Wrong tries in a row that cost nothing. */
export const FREE_TRIES = 10;
/** The first lock; each further wrong try doubles it, {@link LOCK_DOUBLINGS} times at most. */
export const FIRST_LOCK_MS = MINUTE_MS;
export const LOCK_DOUBLINGS = 4;
/** Without a try for so long a name starts anew. */
export const TRIES_KEPT_MS = DAY_MS;

/** How long a name is locked after its `failures`th wrong try in a row: 1, 2, 4, 8, 16 and ever again 16 minutes from the tenth on. */
export const lockMsAfter = (failures: number): number => (failures < FREE_TRIES ? 0 : FIRST_LOCK_MS * 2 ** Math.min(failures - FREE_TRIES, LOCK_DOUBLINGS));

/** Shortest password of the wire; lists need nothing shorter. */
export const PASSWORD_MIN = 8;

/**
 * Forms under which a password is looked up in the list of leaked ones: as it is, and without the digits and punctuation that
 * people append to satisfy a form.
 */
export function listedForms(password: string): readonly string[] {
  const lower = password.toLowerCase();
  const bare = lower.replace(/[\d\p{P}\p{S}]+$/u, "");
  return bare.length >= PASSWORD_MIN && bare !== lower ? [lower, bare] : [lower];
}
