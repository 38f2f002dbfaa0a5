import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { Plan } from "../../kernel/db/client";
import { matrixStatusOf } from "../accounts";
import type { UserActionView, UserRef } from "../admin-users";
import { markMatrixStatus } from "../matrix-accounts";
import { requireMatrixAccount } from "./require-matrix-account";

/**
 * Ends somebody's Matrix account and leaves everything else. Its messages stay; sign-ins do not bring it back. Audited first, as all that
 * the homeserver cannot take back. Harmless when repeated; an erased account stays erased.
 * @throws AppError MATRIX_UNAVAILABLE, NOT_FOUND, FORBIDDEN, MATRIX_ACCOUNT_MISSING
 */
export async function deactivateMatrixOf(ctx: OwnerCtx, { user_id }: z.output<typeof UserRef>): Promise<z.input<typeof UserActionView>> {
  const { admin, user, account } = await requireMatrixAccount(ctx, user_id);
  const status = account.erased ? "erased" : "deactivated";
  await new Plan(ctx)
    .audit({ action: "user.matrix_deactivate", tenantId: user.id, subject: { type: "account", id: user.sub }, detail: { matrix_id: user.matrixId, before: { matrix_status: matrixStatusOf(user) }, after: { matrix_status: status } } })
    .commit();
  if (!account.deactivated) await admin.deactivate(user.matrixId, false);
  await new Plan(ctx).write(markMatrixStatus(ctx, user.id, status)).commit();
  return { ok: true, success: true, user_id: user.id, status };
}
