import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { AppError } from "../../kernel/errors/app-error";
import { emailKeyOf, findAccountById } from "../accounts";
import { hashRefreshToken, issueSessionTokens } from "./session-tokens";
import type { RefreshBody, RefreshView } from "./sessions.schemas";
import { findSessionByRefreshHash, touchSession } from "./sessions.store";

const refused = () => new AppError("INVALID_CREDENTIALS", "The refresh token is not valid for this account.");

/**
 * A new hour for a session. The refresh token stays as it is and must belong to the named person and session.
 * @throws AppError INVALID_CREDENTIALS, SESSION_REVOKED, TOKEN_EXPIRED, ACCOUNT_DEACTIVATED
 */
export function refreshSession(ctx: Ctx, input: z.output<typeof RefreshBody>): Promise<z.input<typeof RefreshView>> {
  return retryLostUpdate(async () => {
    const now = ctx.clock.now();
    const session = await findSessionByRefreshHash(ctx, await hashRefreshToken(input.refresh_token));
    const account = session && (await findAccountById(ctx, session.tenantId));
    if (!session || !account) throw refused();
    const named = account.emailKey === emailKeyOf(input.email) || account.sub === input.cognito_username;
    if (!named || (input.session_id != null && input.session_id !== session.id)) throw refused();
    if (session.revokedAt !== null) throw new AppError("SESSION_REVOKED", "This session was signed out; sign in again.");
    if (session.expiresAt <= now) throw new AppError("TOKEN_EXPIRED", "This session has ended; sign in again.");
    if (account.status !== "active") throw new AppError("ACCOUNT_DEACTIVATED", "This account is deactivated.");

    await new Plan(ctx)
      .guarded(touchSession(ctx, session, now))
      .audit({ action: "session.refresh", tenantId: account.id, subject: { type: "session", id: session.id } })
      .commit();
    return { success: true, ...(await issueSessionTokens(ctx, account, session.id)) };
  });
}
