import { toHex } from "../../kernel/crypto/bytes";
import { randomBytes } from "../../kernel/ids/ids";

/** How long a command line waits for its person. */
export const GRANT_SECONDS = 300;
/** How often it may ask. */
export const POLL_SECONDS = 5;

const DEVICE_CODE_BYTES = 32;
/** Without what is read for something else: I, O, 0, 1. A power of two, so that no letter is likelier. */
const LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/** What only the command line knows. */
export const newDeviceCode = (): string => toHex(randomBytes(DEVICE_CODE_BYTES));

/** What the person compares: `XXXX-XXXX`. */
export function newUserCode(): string {
  const letters = [...randomBytes(8)].map((byte) => LETTERS[byte % LETTERS.length]).join("");
  return `${letters.slice(0, 4)}-${letters.slice(4)}`;
}

/** As it was shown, however it was typed. */
export function normalizeUserCode(typed: string): string {
  const letters = typed.toUpperCase().replace(/[^A-Z0-9]/g, "");
  return `${letters.slice(0, 4)}-${letters.slice(4)}`;
}

interface GrantState {
  readonly approvedAt: number | null;
  readonly deliveredAt: number | null;
  readonly expiresAt: number;
}

/** What a poll gets: `deliver` the token, wait (`pending`), or nothing any more (`over`). Times in ms. */
export function decidePoll(grant: GrantState | undefined, now: number): "deliver" | "pending" | "over" {
  if (!grant || grant.deliveredAt !== null || grant.expiresAt <= now) return "over";
  return grant.approvedAt === null ? "pending" : "deliver";
}
