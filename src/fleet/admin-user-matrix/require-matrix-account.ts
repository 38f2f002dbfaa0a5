import type { OwnerCtx } from "../../kernel/context";
import { Plan } from "../../kernel/db/client";
import { AppError } from "../../kernel/errors/app-error";
import type { MatrixAccount, MatrixAdmin } from "../../kernel/ports/matrix";
import type { Account } from "../accounts";
import { requireUserToChange } from "../admin-users";
import { requireMatrixAdmin } from "../matrix-admin";
import { markMatrixStatus } from "../matrix-accounts";

interface Found {
  readonly admin: MatrixAdmin;
  readonly user: Account;
  readonly account: MatrixAccount;
}

const missing = () => new AppError("MATRIX_ACCOUNT_MISSING", "This user has no Matrix account.");

/**
 * Somebody's Matrix account as the homeserver has it now. One that is gone there is recorded as missing.
 * @throws AppError MATRIX_UNAVAILABLE, NOT_FOUND, FORBIDDEN, MATRIX_ACCOUNT_MISSING
 */
export async function requireMatrixAccount(ctx: OwnerCtx, userId: number): Promise<Found> {
  const admin = requireMatrixAdmin(ctx);
  const user = await requireUserToChange(ctx, userId);
  if (!user.matrixAccountCreated) throw missing();
  const account = await admin.findAccount(user.matrixId);
  if (!account) {
    await new Plan(ctx).write(markMatrixStatus(ctx, user.id, "missing")).commit();
    throw missing();
  }
  return { admin, user, account };
}
