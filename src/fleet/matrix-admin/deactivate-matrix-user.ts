import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { Plan } from "../../kernel/db/client";
import { notFound } from "../../kernel/errors/app-error";
import type { DeactivatedUserView, DeactivateUserBody, MatrixUserRef } from "./matrix-admin.schemas";
import { requireMatrixAdmin } from "./require-admin";

/**
 * Ends an account on the homeserver, whoever's it is; nothing here follows from it. The audit row comes first: of what cannot be
 * taken back, no trace is worse than one too many.
 * @throws AppError NOT_FOUND
 */
export async function deactivateMatrixUser(ctx: OwnerCtx, ref: z.output<typeof MatrixUserRef>, input: z.output<typeof DeactivateUserBody> | null): Promise<z.input<typeof DeactivatedUserView>> {
  const admin = requireMatrixAdmin(ctx);
  const erase = input?.erase ?? false;
  if (!(await admin.findAccount(ref.user_id))) throw notFound("Matrix user");
  await new Plan(ctx).audit({ action: "matrix_user.deactivate", subject: { type: "matrix_user", id: ref.user_id }, detail: { erase } }).commit();
  if (!(await admin.deactivate(ref.user_id, erase))) throw notFound("Matrix user");
  return { success: true, user_id: ref.user_id, erased: erase, message: `${ref.user_id} is deactivated${erase ? " and erased" : ""}.` };
}
