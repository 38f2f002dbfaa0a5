import type { z } from "zod";
import { iso } from "../../kernel/clock";
import type { OwnerCtx } from "../../kernel/context";
import { Plan } from "../../kernel/db/client";
import { AppError, notFound } from "../../kernel/errors/app-error";
import { findAccountById, markSignedOut } from "../accounts";
import { hashRefreshToken } from "./session-tokens";
import type { LogoutBody, LogoutView, RevokeSessionView, SessionRef } from "./sessions.schemas";
import { findSession, revokeSessions } from "./sessions.store";

/**
 * Signs a device out: it cannot refresh any more, and its access token lives out its hour. Repeating it is harmless.
 * @throws AppError NOT_FOUND (also for other people's sessions)
 */
export async function revokeSession(ctx: OwnerCtx, ref: z.output<typeof SessionRef>): Promise<z.input<typeof RevokeSessionView>> {
  const { userId } = ctx.actor;
  const session = await findSession(ctx, userId, ref.session_id);
  if (!session) throw notFound("Session");
  if (session.revokedAt === null) {
    await new Plan(ctx)
      .write(revokeSessions(ctx, userId, { ids: [session.id], refreshHash: null }, ctx.clock.now()))
      .audit({ action: "session.revoke", subject: { type: "session", id: session.id } })
      .commit();
  }
  return { success: true, message: "Session revoked." };
}

/**
 * Logout: revokes the session and the refresh token that the body names; what is unknown is ignored. A body that names neither
 * ends the session of the access token itself.
 * @throws AppError UNAUTHENTICATED when the account is gone
 */
export async function revokeCurrentSession(ctx: OwnerCtx, input: z.output<typeof LogoutBody> | null): Promise<z.input<typeof LogoutView>> {
  const { actor } = ctx;
  const account = await findAccountById(ctx, actor.userId);
  if (!account) throw new AppError("UNAUTHENTICATED", "This account does not exist any more.");
  const now = ctx.clock.now();
  const refreshHash = input?.refresh_token ? await hashRefreshToken(input.refresh_token) : null;
  const own = actor.type === "user" ? actor.sessionId : null;
  const named = input?.session_id ?? (refreshHash === null ? own : null);
  const plan = new Plan(ctx).write(markSignedOut(ctx, account.id, now)).audit({ action: "session.logout", subject: { type: "session", id: named ?? "by refresh token" } });
  if (named !== null || refreshHash !== null) plan.write(revokeSessions(ctx, account.id, { ids: named === null ? [] : [named], refreshHash }, now));
  await plan.commit();
  return { success: true, message: "Signed out.", user_email: account.email, matrix_id: account.matrixId, device_token_deactivated: false, logout_timestamp: iso(now) };
}
