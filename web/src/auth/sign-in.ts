/** Starting and ending a session. */
import { api, publicApi, unwrap } from "../api/client";
import { ApiError } from "../api/errors";
import { deleteSession, findSession, recordSession } from "./session-store";
import { recordSignInNotice } from "./sign-in-notice";
import { expiryOf } from "./tokens";

/** `username` may be an e-mail address or a username. */
export async function signIn(username: string, password: string): Promise<void> {
  const answer = unwrap(await publicApi.POST("/api/v1/user/login", { body: { username, password } }));
  if (!answer.refresh_token) {
    throw new ApiError({ status: 200, code: "no_refresh_token", message: "The server did not start a session. Try again." });
  }
  recordSession(
    { refreshToken: answer.refresh_token, sessionId: answer.session_id ?? null, profile: answer.user_profile },
    { value: answer.access_token, expiresAtMs: expiryOf(answer.expires_in) },
  );
}

/** Ends the session here at once; telling the server may fail without keeping anybody signed in. */
export async function signOut(): Promise<void> {
  const session = findSession();
  if (!session) return;
  const body = { refresh_token: session.refreshToken, session_id: session.sessionId };
  await Promise.race([
    api.POST("/api/v1/user/logout", { body }).catch(() => null),
    new Promise((resolve) => setTimeout(resolve, 3000)),
  ]);
  recordSignInNotice("signed-out");
  deleteSession();
}

/** Ends every session of this account. Nothing ends here unless the server did its part: the other devices are the point. */
export async function signOutEverywhere(): Promise<void> {
  unwrap(await api.POST("/api/v1/user/sessions/revoke-all"));
  // Another request may have met the revoked session first; then the sign-in page has been told already.
  if (!findSession()) return;
  recordSignInNotice("signed-out-everywhere");
  deleteSession();
}
