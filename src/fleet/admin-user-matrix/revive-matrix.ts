import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { Plan } from "../../kernel/db/client";
import { AppError } from "../../kernel/errors/app-error";
import { matrixStatusOf } from "../accounts";
import type { UserRef } from "../admin-users";
import { markMatrixStatus, markPasswordStale, newMatrixPassword } from "../matrix-accounts";
import type { MatrixActionView } from "./admin-user-matrix.schemas";
import { requireMatrixAccount } from "./require-matrix-account";

type View = z.input<typeof MatrixActionView>;
type Ref = z.output<typeof UserRef>;

/**
 * Brings somebody's deactivated Matrix account back, with a random password that their next sign-in replaces. Its rooms do not come back
 * with it. Harmless when it is active.
 * @throws AppError MATRIX_UNAVAILABLE, NOT_FOUND, FORBIDDEN, MATRIX_ACCOUNT_MISSING, MATRIX_ACCOUNT_ERASED
 */
export const activateMatrixOf = (ctx: OwnerCtx, ref: Ref): Promise<View> => revive(ctx, ref, false);

/**
 * The same for an account that was erased: a person's display name is set anew, and what was erased stays so.
 * @throws AppError MATRIX_UNAVAILABLE, NOT_FOUND, FORBIDDEN, MATRIX_ACCOUNT_MISSING, MATRIX_ACCOUNT_NOT_ERASED
 */
export const recreateMatrixOf = (ctx: OwnerCtx, ref: Ref): Promise<View> => revive(ctx, ref, true);

async function revive(ctx: OwnerCtx, { user_id }: Ref, erased: boolean): Promise<View> {
  const { admin, user, account } = await requireMatrixAccount(ctx, user_id);
  const wasErased = account.erased === true;
  if (erased && !wasErased) throw new AppError("MATRIX_ACCOUNT_NOT_ERASED", "This Matrix account is not erased; activate it instead.");
  if (!erased && wasErased) throw new AppError("MATRIX_ACCOUNT_ERASED", "This Matrix account was erased; recreate it instead.");
  const answer = (stale: boolean): View => ({ ok: true, success: true, user_id: user.id, status: "active", matrix_id: user.matrixId, needs_matrix_password_sync: stale });
  if (!account.deactivated && user.matrixStatus === "active") return answer(user.matrixPasswordStale);

  await new Plan(ctx)
    .audit({
      action: erased ? "user.matrix_recreate" : "user.matrix_activate",
      tenantId: user.id,
      subject: { type: "account", id: user.sub },
      detail: { matrix_id: user.matrixId, before: { matrix_status: matrixStatusOf(user) }, after: { matrix_status: "active" } },
    })
    .commit();
  const renews = account.deactivated;
  if (renews) {
    const name = erased ? { displayName: user.displayName ?? user.name } : {};
    await admin.updateAccount(user.matrixId, { deactivated: false, password: newMatrixPassword(), logoutDevices: false, ...name });
  }
  const plan = new Plan(ctx).write(markMatrixStatus(ctx, user.id, "active"));
  if (renews) plan.write(markPasswordStale(ctx, user.id, true));
  await plan.commit();
  return answer(renews || user.matrixPasswordStale);
}
