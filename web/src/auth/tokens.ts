/** Keeps the access token fresh: one renewal at a time, ahead of expiry, and a clean end when the session was revoked. */
import { ApiError, toApiError } from "../api/errors";
import { deleteSession, findSession, findStoredAccess, recordAccess, type Session } from "./session-store";
import { recordSignInNotice } from "./sign-in-notice";

const RENEW_AHEAD_MS = 60_000;
const DEFAULT_LIFETIME_SECONDS = 3600;

let renewal: Promise<string | null> | null = null;

/** The instant at which a token answered now with `expires_in` ends. */
export function expiryOf(expiresInSeconds: number | null | undefined, nowMs = Date.now()): number {
  return nowMs + (expiresInSeconds ?? DEFAULT_LIFETIME_SECONDS) * 1000;
}

/** A token good for at least a short request, or null when nobody is signed in. */
export async function findAccessToken(): Promise<string | null> {
  const stored = findStoredAccess();
  if (stored && stored.expiresAtMs - RENEW_AHEAD_MS > Date.now()) return stored.value;
  return renewAccessToken(stored?.value ?? null);
}

/** Renews once however many callers ask. `spent` is the token that failed; if another caller has replaced it, that one is answered. */
export async function renewAccessToken(spent: string | null): Promise<string | null> {
  const session = findSession();
  if (!session) return null;
  const stored = findStoredAccess();
  if (stored && stored.value !== spent && stored.expiresAtMs > Date.now()) return stored.value;
  renewal ??= requestRenewal(session).finally(() => {
    renewal = null;
  });
  return renewal;
}

async function requestRenewal(session: Session): Promise<string | null> {
  const response = await fetch("/api/v1/user/token/refresh", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      refresh_token: session.refreshToken,
      email: session.profile.email,
      ...(session.sessionId === null ? {} : { session_id: session.sessionId }),
    }),
  });
  const body: unknown = await response.json().catch(() => null);
  if (response.ok && isRenewal(body)) {
    recordAccess({ value: body.access_token, expiresAtMs: expiryOf(body.expires_in) });
    return body.access_token;
  }
  const error = toApiError(response, body);
  if (response.status === 400 || response.status === 401 || response.status === 403) {
    endSession(error);
    return null;
  }
  throw error;
}

function isRenewal(body: unknown): body is { access_token: string; expires_in?: number | null } {
  return typeof body === "object" && body !== null && "access_token" in body && typeof body.access_token === "string";
}

function endSession(error: ApiError): void {
  recordSignInNotice(error.code === "session_revoked" ? "revoked" : "expired");
  deleteSession();
}
