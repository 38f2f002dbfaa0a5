import { AppError } from "../errors/app-error";
import type { Config } from "../config";

/** Limit classes of operations. `credential` counts per address and, after parsing, per identifier. */
export type LimitClass = "credential" | "public" | "read" | "write" | "beat";

/** The platform's limiters, one namespace per class and kind of key. Counted per location, without a network wait. */
export interface LimitBindings {
  readonly LIMIT_CREDENTIAL_IP: RateLimit;
  readonly LIMIT_CREDENTIAL_ID: RateLimit;
  readonly LIMIT_PUBLIC_IP: RateLimit;
  readonly LIMIT_READ: RateLimit;
  readonly LIMIT_WRITE: RateLimit;
  readonly LIMIT_BEAT: RateLimit;
}

const BINDING = { credential: "LIMIT_CREDENTIAL_IP", public: "LIMIT_PUBLIC_IP", read: "LIMIT_READ", write: "LIMIT_WRITE", beat: "LIMIT_BEAT" } as const;
const WINDOW_SECONDS = { credential: 60, public: 60, read: 60, write: 60, beat: 10 } as const;

/** Counts one use. `key` is an address for `credential` and `public`, an owner or machine otherwise. @throws AppError RATE_LIMITED with Retry-After */
export async function takeFromLimit(config: Config, bindings: LimitBindings, limit: LimitClass, key: string): Promise<void> {
  if (config.rateLimitsOff) return;
  const { success } = await bindings[BINDING[limit]].limit({ key });
  if (!success) throw tooMany(WINDOW_SECONDS[limit]);
}

/** Counts one try against an identifier (an e-mail, a user name, a code), so that one victim cannot be attacked from many addresses. */
export async function takeIdentifierFromLimit(config: Config, bindings: LimitBindings, operationId: string, identifier: string): Promise<void> {
  if (config.rateLimitsOff) return;
  const { success } = await bindings.LIMIT_CREDENTIAL_ID.limit({ key: `${operationId}:${identifier.trim().toLowerCase()}` });
  if (!success) throw tooMany(WINDOW_SECONDS.credential);
}

function tooMany(seconds: number): AppError {
  return new AppError("RATE_LIMITED", "Too many requests; wait a moment and try again.", { retryAfterSeconds: seconds });
}
