import type { z } from "zod";
import { iso } from "../../kernel/clock";
import type { OwnerCtx } from "../../kernel/context";
import { Plan } from "../../kernel/db/client";
import { AppError, notFound } from "../../kernel/errors/app-error";
import { findAccountById, markSignedOut, raiseEpoch, shownMatrixId } from "../accounts";
import { findDeviceByToken, markInactive } from "../push-devices";
import { cutStreamsEffect } from "./cut-streams";
import { hashRefreshToken } from "./session-tokens";
import type { LogoutBody, LogoutView, RevokeAllSessionsView, RevokeSessionView, SessionRef } from "./sessions.schemas";
import { findSession, revokeAllSessionRows, revokeSessions } from "./sessions.store";

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
 * Signs the caller out everywhere and at once: no session refreshes, and access tokens issued until now die with their epoch,
 * the caller's own among them.
 */
export async function revokeAllSessions(ctx: OwnerCtx): Promise<z.input<typeof RevokeAllSessionsView>> {
  const { userId } = ctx.actor;
  const now = ctx.clock.now();
  const [revoked] = await new Plan(ctx)
    .write(revokeAllSessionRows(ctx, userId, now))
    .write(raiseEpoch(ctx, userId, now))
    .write(markSignedOut(ctx, userId, now))
    .effect(cutStreamsEffect(userId))
    .audit({ action: "session.revoke_all", subject: { type: "account", id: userId } })
    .commit();
  return { success: true, message: "Signed out everywhere.", revoked_sessions: Array.isArray(revoked) ? revoked.length : 0 };
}

/**
 * Logout: revokes the session and the refresh token that the body names, and stops notifying its device; what is unknown is ignored. A body that names neither
 * ends the session of the access token itself.
 * @throws AppError UNAUTHENTICATED when the account is gone
 */
export async function revokeCurrentSession(ctx: OwnerCtx, input: z.output<typeof LogoutBody> | null): Promise<z.input<typeof LogoutView>> {
  const { actor } = ctx;
  const account = await findAccountById(ctx, actor.userId);
  if (!account) throw new AppError("UNAUTHENTICATED", "This account does not exist any more.");
  const found = input?.device_token ? await findDeviceByToken(ctx, input.device_token.trim()) : undefined;
  const device = found?.tenantId === account.id ? found : undefined;
  const now = ctx.clock.now();
  const refreshHash = input?.refresh_token ? await hashRefreshToken(input.refresh_token) : null;
  const own = actor.type === "user" ? actor.sessionId : null;
  const named = input?.session_id ?? (refreshHash === null ? own : null);
  const plan = new Plan(ctx).write(markSignedOut(ctx, account.id, now)).audit({ action: "session.logout", subject: { type: "session", id: named ?? "by refresh token" } });
  if (named !== null || refreshHash !== null) plan.write(revokeSessions(ctx, account.id, { ids: named === null ? [] : [named], refreshHash }, now));
  if (device?.isActive) plan.write(markInactive(ctx, device, now)).audit({ action: "push_device.deactivate", subject: { type: "push_device", id: device.id } });
  await plan.commit();
  return { success: true, message: "Signed out.", user_email: account.email, matrix_id: shownMatrixId(account), device_token_deactivated: device !== undefined, logout_timestamp: iso(now) };
}
