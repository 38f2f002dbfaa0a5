import type { z } from "zod";
import { iso } from "../../kernel/clock";
import type { OwnerCtx } from "../../kernel/context";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { invalidField } from "../../kernel/errors/app-error";
import { accountLabel } from "../accounts";
import { passwordSetMail } from "../mails";
import { markPasswordStale, replaceMatrixPassword } from "../matrix-accounts";
import { forgetTries, PASSWORD_MIN, requireStrongPassword, triesKeyOf } from "../passwords";
import { cutStreamsEffect, revokeAllSessionRows } from "../sessions";
import type { SetPasswordBody, SetPasswordView, UserRef } from "./admin-users.schemas";
import { changeUser } from "./admin-users.store";
import { requireActive, requireUserToChange } from "./require-user";

/**
 * Gives somebody another password and signs them out everywhere; the homeserver gets it too, best effort. The person is told by mail.
 * @throws AppError NOT_FOUND, FORBIDDEN, USER_INACTIVE, VALIDATION_ERROR (too short or weak)
 */
export async function setUserPassword(ctx: OwnerCtx, { user_id }: z.output<typeof UserRef>, input: z.output<typeof SetPasswordBody>): Promise<z.input<typeof SetPasswordView>> {
  const { new_password: password } = input;
  if (password.length < PASSWORD_MIN) throw invalidField(["body", "new_password"], `At least ${PASSWORD_MIN} characters`, "string_too_small");
  const target = await requireUserToChange(ctx, user_id);
  requireActive(target);
  await requireStrongPassword(password, target, "new_password");
  const passwordHash = await ctx.services.passwords.hash(password);
  const tries = await Promise.all([target.emailKey, target.username].map((login) => triesKeyOf(ctx, { login })));
  const now = await retryLostUpdate(async () => {
    const user = await requireUserToChange(ctx, user_id);
    requireActive(user);
    const at = ctx.clock.now();
    const plan = new Plan(ctx)
      .guarded(changeUser(ctx, user, { passwordHash }, { endTokens: true }))
      .write(revokeAllSessionRows(ctx, user.id, at))
      .write(markPasswordStale(ctx, user.id, true))
      .write(forgetTries(ctx, tries))
      .effect(cutStreamsEffect(user.id))
      .audit({ action: "user.set_password", tenantId: user.id, subject: { type: "account", id: user.sub }, detail: { before: { password: "[redacted]" }, after: { password: "[redacted]" } } });
    if (ctx.services.mailer) plan.effect({ type: "mail.send", payload: passwordSetMail({ to: user.email, username: accountLabel(user), at }) });
    await plan.commit();
    return at;
  });
  const reason = await replaceMatrixPassword(ctx, user_id, password);
  return { password_reset_at: iso(now), matrix_password_updated: reason === null, matrix_sync_reason: reason };
}
