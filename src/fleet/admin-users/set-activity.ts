import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { AppError } from "../../kernel/errors/app-error";
import { othersAreSuperadmin, requireOtherSuperadmin, type Account } from "../accounts";
import { revokeAllCliTokens } from "../cli-tokens";
import { deactivateEveryDevice } from "../push-devices";
import { cutStreamsEffect, revokeAllSessionRows } from "../sessions";
import type { UserActionView, UserRef } from "./admin-users.schemas";
import { changeUser } from "./admin-users.store";
import { requireUserToChange } from "./require-user";

type View = z.input<typeof UserActionView>;

const answer = (user: Account, status: Account["status"]): View => ({ ok: true, success: true, user_id: user.id, status });
const recordOf = ({ status, deletionStatus }: Pick<Account, "status" | "deletionStatus">) => ({ status, deletion_status: deletionStatus });

/**
 * Locks somebody out, in one commit: no password and no token opens the account, its machines are cut off. Everything in it stays, the
 * Matrix account too. Harmless when repeated, and for an account that its owner ended.
 * @throws AppError NOT_FOUND, FORBIDDEN, LAST_SUPERADMIN
 */
export function deactivateUser(ctx: OwnerCtx, { user_id }: z.output<typeof UserRef>): Promise<View> {
  return retryLostUpdate(async () => {
    const user = await requireUserToChange(ctx, user_id);
    if (user.status !== "active") return answer(user, user.status);
    await requireOtherSuperadmin(ctx, user);
    const now = ctx.clock.now();
    const change = { status: "deactivated", deletionStatus: "deactivated_by_admin", deletedAt: now } as const;
    const plan = new Plan(ctx);
    if (user.role === "superadmin") plan.require(othersAreSuperadmin(user.id));
    plan
      .guarded(changeUser(ctx, user, change, { endTokens: true }))
      .write(revokeAllSessionRows(ctx, user.id, now))
      .write(deactivateEveryDevice(ctx, user.id, now))
      .effect(cutStreamsEffect(user.id))
      .audit({ action: "user.deactivate", tenantId: user.id, subject: { type: "account", id: user.sub }, detail: { before: recordOf(user), after: recordOf(change) } });
    await revokeAllCliTokens(ctx, plan, user.id, now);
    await plan.commit();
    return answer(user, "deactivated");
  });
}

/**
 * Lets somebody in again, whoever ended the account; they sign in anew, and so do their machines. What an owner's own deletion has
 * taken (bots, subscription, Matrix account) does not come back with it. @throws AppError NOT_FOUND, FORBIDDEN, USER_BEING_REMOVED (a hard delete
 * has begun)
 */
export function activateUser(ctx: OwnerCtx, { user_id }: z.output<typeof UserRef>): Promise<View> {
  return retryLostUpdate(async () => {
    const user = await requireUserToChange(ctx, user_id);
    if (user.status === "active") return answer(user, "active");
    if (user.deletionStatus === "removing") throw new AppError("USER_BEING_REMOVED", "This account is being removed; repeat the removal.");
    const change = { status: "active", deletionStatus: null, deletedAt: null } as const;
    await new Plan(ctx)
      .guarded(changeUser(ctx, user, change))
      .audit({ action: "user.activate", tenantId: user.id, subject: { type: "account", id: user.sub }, detail: { before: recordOf(user), after: recordOf(change) } })
      .commit();
    return answer(user, "active");
  });
}
