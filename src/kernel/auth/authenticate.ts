import { AppError } from "../errors/app-error";
import type { Config } from "../config";
import type { Actor } from "./actor";
import { verifyAccessToken, type AccessClaims } from "./access-token";
import { CLI_TOKEN_PREFIX, verifyCliToken } from "./cli-token";

const CACHE_MAX = 5_000;

/** Whose token it is, and until when that needs no second look. */
export interface Recognized {
  readonly actor: Actor;
  readonly expiresAt: number;
}

/** Verified user tokens of this isolate: an ES256 check costs more than the rest of a beat together. Values hold no token. */
const verified = new Map<string, Recognized>();

/** The credential of a request: `Authorization: Bearer`, or null. */
export function bearerOf(headers: Headers): string | null {
  const header = headers.get("authorization");
  if (!header) return null;
  const [scheme, token, ...rest] = header.split(" ");
  return scheme?.toLowerCase() === "bearer" && token && rest.length === 0 ? token : null;
}

/**
 * Who holds this credential, by signature or MAC alone (no network read). Whether it was revoked since is for
 * {@link import("./liveness").requireLive} on D1-backed routes and for the objects on the hot ones.
 * @param outside asked about tokens that are not ours; null is nobody's
 * @throws AppError UNAUTHENTICATED or TOKEN_EXPIRED
 */
export async function authenticate(config: Config, token: string | null, nowMs: number, outside?: (token: string) => Promise<Recognized | null>): Promise<Actor> {
  if (!token) throw new AppError("UNAUTHENTICATED", "Send an access token as `Authorization: Bearer …`.");
  if (token.startsWith(CLI_TOKEN_PREFIX)) {
    const verdict = await verifyCliToken(config.tokenKeys, token, nowMs);
    if (!verdict.ok) throw dead(verdict.reason);
    return { type: "cliToken", ...verdict.facts };
  }
  const known = verified.get(token);
  if (known && known.expiresAt > nowMs) return known.actor;
  const verdict = await verifyAccessToken(config, token, nowMs);
  const recognized = verdict.ok ? { actor: actorOf(verdict.claims, verdict.expiresAt), expiresAt: verdict.expiresAt } : verdict.reason === "invalid" ? await outside?.(token) : null;
  if (!recognized) throw dead(verdict.ok ? "invalid" : verdict.reason);
  if (verified.size >= CACHE_MAX) verified.clear();
  verified.set(token, recognized);
  return recognized.actor;
}

const actorOf = ({ userId, sub, sessionId, epoch, role }: AccessClaims, expiresAt: number): Actor => ({ type: "user", userId, sub, sessionId, epoch, role, expiresAt });

function dead(reason: "invalid" | "expired"): AppError {
  return reason === "expired" ? new AppError("TOKEN_EXPIRED", "The access token has expired; sign in again.") : new AppError("UNAUTHENTICATED", "The access token is not valid.");
}
