import { MINUTE_MS } from "../../kernel/clock";
import { toHex } from "../../kernel/crypto/bytes";
import { randomBytes } from "../../kernel/ids/ids";

const PREFIX = "ocp_";
const SECRET_BYTES = 24;
const PATTERN = /^ocp_[0-9a-f]{48}$/;

/** How exact the time of the last use is. */
const USE_NOTED_EVERY_MS = MINUTE_MS;

/** The plaintext of a new token: shown once, never stored. */
export const newPlaintext = (): string => PREFIX + toHex(randomBytes(SECRET_BYTES));

/** Whether a credential could be one of these tokens. */
export const looksLikeAccessToken = (token: string): boolean => PATTERN.test(token);

/** Whether a use is worth writing down. Times in ms. */
export const isUseWorthNoting = (lastUsedAt: number | null, now: number): boolean => lastUsedAt === null || now - lastUsedAt >= USE_NOTED_EVERY_MS;
