import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { AppError, invalidField } from "../../kernel/errors/app-error";
import { hasUsername, matrixStatusOf, shownUsername, type Account } from "../accounts";
import { changeUser, chooseUsername, commitNamed, hasNoMatrixAccount, requireActive, requireUserToChange, type UserRef } from "../admin-users";
import { requireMatrixAdmin } from "../matrix-admin";
import { forgetLostAccount, tryMatrixAccount } from "../matrix-accounts";
import type { CreateMatrixAccountBody, CreateMatrixAccountView } from "./admin-user-matrix.schemas";

/**
 * Makes the Matrix account of somebody who has none, or whose one the homeserver lost, under the user name they have or the one given. Should the homeserver fail, the name
 * is theirs nevertheless, and the account is tried again hourly and when they sign in.
 * @throws AppError MATRIX_UNAVAILABLE, NOT_FOUND, FORBIDDEN, USER_INACTIVE, MATRIX_ACCOUNT_EXISTS, USERNAME_TAKEN, VALIDATION_ERROR
 */
export async function createMatrixAccountOf(ctx: OwnerCtx, { user_id }: z.output<typeof UserRef>, input: z.output<typeof CreateMatrixAccountBody>): Promise<z.input<typeof CreateMatrixAccountView>> {
  const admin = requireMatrixAdmin(ctx);
  if (!admin.register) throw new AppError("MATRIX_UNAVAILABLE", "The Matrix homeserver is not configured for new accounts: MATRIX_REGISTRATION_SECRET is needed.");
  const user = await retryLostUpdate(async () => {
    const found = await requireUserToChange(ctx, user_id);
    requireActive(found);
    // Recorded as missing, and missing still: one that came back is activated, not given another password.
    const isLost = found.matrixAccountCreated && found.matrixStatus === "missing" && (await admin.findAccount(found.matrixId)) === null;
    if (found.matrixAccountCreated && !isLost) throw new AppError("MATRIX_ACCOUNT_EXISTS", "This user has a Matrix account; give it another password instead.");
    if (!hasUsername(found) && !input.username) throw invalidField(["body", "username"], "This user has no user name; give one", "missing");
    const named = input.username ? await chooseUsername(ctx, found, input.username) : null;
    const after: Account = { ...found, ...named };
    const plan = new Plan(ctx);
    if (named) plan.require(hasNoMatrixAccount(found.id)).guarded(changeUser(ctx, found, named));
    if (isLost) plan.guarded(forgetLostAccount(ctx, found.id));
    plan.audit({
      action: "user.create_matrix_account",
      tenantId: found.id,
      subject: { type: "account", id: found.sub },
      detail: { before: { username: shownUsername(found), matrix_status: matrixStatusOf(found) }, after: { username: after.username, matrix_id: after.matrixId } },
    });
    await commitNamed(plan);
    return after;
  });
  const { created, error } = await tryMatrixAccount(ctx, user.id);
  return { matrix_id: user.matrixId, matrix_account_created: created, matrix_error: error };
}
