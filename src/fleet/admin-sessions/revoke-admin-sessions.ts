import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { Plan } from "../../kernel/db/client";
import { notFound } from "../../kernel/errors/app-error";
import { findAccountById, markSignedOut, raiseEpoch } from "../accounts";
import { cutStreamsEffect, revokeAllSessionRows } from "../sessions";
import type { AdminLogoutView } from "./admin-sessions.schemas";

/** Signs an administrator out everywhere and at once, as the contract has it: every token of theirs is dead, the caller's own among them. */
export async function revokeAdminSessions(ctx: OwnerCtx): Promise<z.input<typeof AdminLogoutView>> {
  const { userId } = ctx.actor;
  const account = await findAccountById(ctx, userId);
  if (!account) throw notFound("Account");
  const now = ctx.clock.now();
  const [revoked] = await new Plan(ctx)
    .write(revokeAllSessionRows(ctx, userId, now))
    .write(raiseEpoch(ctx, userId, now))
    .write(markSignedOut(ctx, userId, now))
    .effect(cutStreamsEffect(userId))
    .audit({ action: "admin_session.revoke_all", subject: { type: "account", id: userId }, detail: { before: { token_epoch: account.tokenEpoch }, after: { token_epoch: account.tokenEpoch + 1 } } })
    .commit();
  return { success: true, message: "Signed out everywhere.", revoked_sessions: Array.isArray(revoked) ? revoked.length : 0 };
}
