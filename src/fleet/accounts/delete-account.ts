import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { revokeAllCliTokens } from "../cli-tokens";
import { matrixDeactivation } from "../matrix-accounts";
import { confirmPassword, forgetTries } from "../passwords";
import { forgetRecoveryKey } from "../recovery-keys";
import { deactivateEveryDevice } from "../push-devices";
import { cutStreamsEffect, revokeAllSessionRows } from "../sessions";
import { getOwnAccount } from "./accounts.queries";
import type { DeleteAccountBody, DeleteAccountView } from "./accounts.schemas";
import { markDeleted, othersAreSuperadmin } from "./accounts.store";
import { requireOtherSuperadmin } from "./require-other-superadmin";

/**
 * Ends the caller's account for good, in one commit: no password, refresh token, access token or CLI token opens it again, and
 * its machines are cut off. The row stays, so that nobody else gets the address and the name. The Matrix account follows when
 * a homeserver is configured, best effort.
 * @throws AppError WRONG_PASSWORD, RATE_LIMITED, UNAUTHENTICATED, LAST_SUPERADMIN
 */
export const deleteAccount = (ctx: OwnerCtx, input: z.output<typeof DeleteAccountBody>): Promise<z.input<typeof DeleteAccountView>> =>
  endAccount(ctx, input.password, "deleted_by_owner");

/** {@link deleteAccount}, when the app has seen to the Matrix account itself. */
export const deactivateAccount = (ctx: OwnerCtx, input: z.output<typeof DeleteAccountBody>): Promise<z.input<typeof DeleteAccountView>> =>
  endAccount(ctx, input.password, "deactivated_by_owner");

async function endAccount(ctx: OwnerCtx, password: string, how: "deleted_by_owner" | "deactivated_by_owner"): Promise<z.input<typeof DeleteAccountView>> {
  const tries = await confirmPassword(ctx, await getOwnAccount(ctx), password);
  return retryLostUpdate(async () => {
    const account = await getOwnAccount(ctx);
    await requireOtherSuperadmin(ctx, account);
    const now = ctx.clock.now();
    const plan = new Plan(ctx);
    if (account.role === "superadmin") plan.require(othersAreSuperadmin(account.id));
    plan
      .guarded(markDeleted(ctx, account, how, now))
      .write(revokeAllSessionRows(ctx, account.id, now))
      .write(forgetRecoveryKey(ctx, account.id))
      .write(forgetTries(ctx, [tries]))
      .write(deactivateEveryDevice(ctx, account.id, now))
      .effect(cutStreamsEffect(account.id))
      .audit({ action: how === "deleted_by_owner" ? "account.delete" : "account.deactivate", subject: { type: "account", id: account.sub } });
    await revokeAllCliTokens(ctx, plan, account.id, now);
    const matrix = how === "deleted_by_owner" && account.matrixAccountCreated ? matrixDeactivation(ctx, account.matrixId) : null;
    if (matrix) plan.effect(matrix);
    plan.effect({ type: "bots.delete_all", payload: { userId: account.id } }).effect({ type: "subscriptions.end_all", payload: { userId: account.id } }).effect({ type: "cloud_vms.destroy_all", payload: { userId: account.id } });
    await plan.commit();
    return { success: true, message: how === "deleted_by_owner" ? "Account deleted." : "Account deactivated." };
  });
}
