import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { AppError } from "../../kernel/errors/app-error";
import { emailKeyOf, findAccountById } from "../accounts";
import type { Entrance } from "./create-session";
import { hashRefreshToken, issueSessionTokens } from "./session-tokens";
import type { RefreshBody, RefreshView } from "./sessions.schemas";
import { findSessionByRefreshHash, touchSession } from "./sessions.store";

/** What a refresh names beside its token. */
interface RefreshInput {
  readonly refresh_token: string;
  readonly email: string;
  readonly session_id?: number | null | undefined;
  readonly cognito_username?: string | null | undefined;
}

const refused = () => new AppError("INVALID_CREDENTIALS", "The refresh token is not valid for this account.");

/** A new hour for a session. @throws AppError as {@link prolongSession} does */
export const refreshSession = (ctx: Ctx, input: z.output<typeof RefreshBody>): Promise<z.input<typeof RefreshView>> => prolongSession(ctx, input, { action: "session.refresh" });

/**
 * A new hour for a session. The refresh token stays as it is and must belong to the named person and session.
 * @throws AppError INVALID_CREDENTIALS, SESSION_REVOKED, TOKEN_EXPIRED, ACCOUNT_DEACTIVATED; whatever `admit` throws
 */
export function prolongSession(ctx: Ctx, input: RefreshInput, { action, admit }: Entrance): Promise<z.input<typeof RefreshView>> {
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
    admit?.(account);

    await new Plan(ctx)
      .guarded(touchSession(ctx, session, now))
      .audit({ action, tenantId: account.id, subject: { type: "session", id: session.id } })
      .commit();
    return { success: true, ...(await issueSessionTokens(ctx, account, session.id)) };
  });
}
