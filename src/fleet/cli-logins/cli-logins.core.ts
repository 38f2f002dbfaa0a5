import { MINUTE_MS, SECOND_MS } from "../../kernel/clock";

/** How long a code waits for its browser and its CLI. */
export const CODE_LIFE_MS = 10 * MINUTE_MS;
/** How long the finished answer can be repeated after the first time, for a CLI that lost it. */
export const REPEAT_MS = 60 * SECOND_MS;

/** An S256 challenge: base64url of 32 bytes. It doubles as the login's code. */
export const CHALLENGE_PATTERN = /^[A-Za-z0-9_-]{43}$/;

interface LoginState {
  readonly started: boolean;
  readonly completedAt: number | null;
  readonly firstPolledAt: number | null;
  readonly expiresAt: number;
  readonly sealedToken: string | null;
}

export type PollDecision =
  /** Nothing to hand out: unknown, unfinished, expired, or handed out a while ago. */
  | "pending"
  /** The caller must show the verifier. */
  | "refuse"
  /** Hand the token out; it is the first time. */
  | "first"
  /** Hand the token out again. */
  | "repeat";

/**
 * What a poll gets. `proven` means that its verifier hashes to the code. Without one only a started code may wait (the published
 * CLI never starts but always proves), and nobody gets the token.
 */
export function decidePoll(login: LoginState | undefined, proven: boolean, nowMs: number): PollDecision {
  if (!proven && !login?.started) return "refuse";
  if (!login || login.completedAt === null || login.sealedToken === null || login.expiresAt <= nowMs) return "pending";
  if (login.firstPolledAt !== null && login.firstPolledAt + REPEAT_MS <= nowMs) return "pending";
  if (!proven) return "refuse";
  return login.firstPolledAt === null ? "first" : "repeat";
}
