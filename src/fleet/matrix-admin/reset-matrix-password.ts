import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { Plan } from "../../kernel/db/client";
import { notFound } from "../../kernel/errors/app-error";
import type { MatrixUserRef, ResetPasswordBody, ResetPasswordView } from "./matrix-admin.schemas";
import { requireMatrixAdmin } from "./require-admin";

/** Gives an account on the homeserver another password. Audited first, as deactivating is. @throws AppError NOT_FOUND */
export async function resetMatrixPassword(ctx: OwnerCtx, ref: z.output<typeof MatrixUserRef>, input: z.output<typeof ResetPasswordBody>): Promise<z.input<typeof ResetPasswordView>> {
  const admin = requireMatrixAdmin(ctx);
  if (!(await admin.findAccount(ref.user_id))) throw notFound("Matrix user");
  await new Plan(ctx).audit({ action: "matrix_user.reset_password", subject: { type: "matrix_user", id: ref.user_id }, detail: { logout_devices: input.logout_devices } }).commit();
  if (!(await admin.resetPassword(ref.user_id, input.new_password, input.logout_devices))) throw notFound("Matrix user");
  return { success: true, user_id: ref.user_id, logged_out_devices: input.logout_devices, message: `${ref.user_id} has a new password.` };
}
