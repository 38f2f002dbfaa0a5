import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { fromHex, timingSafeEqual } from "../../kernel/crypto/bytes";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { AppError } from "../../kernel/errors/app-error";
import { accountLabel, CODE_TRIES, deleteCode, emailKeyOf, findAccountByEmail, hashCode, replacePassword, takeCodeTry } from "../accounts";
import { markPasswordStale, replaceMatrixPassword } from "../matrix-accounts";
import { passwordChangedMail } from "../mails";
import { cutStreamsEffect, revokeAllSessionRows } from "../sessions";
import { requireStrongPassword } from "./password-policy";
import { takePasswordTry, triesKeyOf } from "./password-tries";
import type { ResetPasswordBody, ResetPasswordView } from "./passwords.schemas";
import { forgetTries } from "./passwords.store";

/** Ids start at 1: the account of whoever has none. */
const NOBODY = { id: 0, sub: "nobody" } as const;

/**
 * Sets a new password with the mailed code and signs the person out everywhere. A wrong, old or used-up code and an address
 * without an account get the same answer after the same work.
 * @throws AppError CODE_MISMATCH, VALIDATION_ERROR (weak password), RATE_LIMITED
 */
export async function resetPassword(ctx: Ctx, input: z.output<typeof ResetPasswordBody>): Promise<z.input<typeof ResetPasswordView>> {
  const emailKey = emailKeyOf(input.email);
  await requireStrongPassword(input.new_password, { email: input.email, username: "" }, "new_password");
  const tries = await takePasswordTry(ctx, { reset: emailKey });
  const account = await findAccountByEmail(ctx, emailKey);
  const { id, sub } = account ?? NOBODY;
  const [want, got] = await Promise.all([
    takeCodeTry(ctx, id, "reset_password", CODE_TRIES, ctx.clock.now()),
    hashCode(ctx, { purpose: "reset_password", sub }, input.code),
  ]);
  const matches = timingSafeEqual(fromHex(got) ?? new Uint8Array(), fromHex(want ?? "") ?? new Uint8Array());
  if (!account || want === undefined || !matches || account.status !== "active") throw new AppError("CODE_MISMATCH", "This code is not right or has expired; ask for a new one if need be.");
  await requireStrongPassword(input.new_password, account, "new_password");

  const passwordHash = await ctx.services.passwords.hash(input.new_password);
  const names = await Promise.all([account.emailKey, account.username].map((login) => triesKeyOf(ctx, { login })));
  return retryLostUpdate(async () => {
    const now = ctx.clock.now();
    const current = await findAccountByEmail(ctx, emailKey);
    if (current?.id !== account.id) throw new AppError("CODE_MISMATCH", "This account has ended meanwhile.");
    const plan = new Plan(ctx)
      .guarded(deleteCode(ctx, account.id, "reset_password", want))
      .guarded(replacePassword(ctx, current, passwordHash, now))
      .write(revokeAllSessionRows(ctx, account.id, now))
      .write(forgetTries(ctx, [tries, ...names]))
      .effect(cutStreamsEffect(account.id))
      .audit({ action: "password.reset", tenantId: account.id, subject: { type: "account", id: account.sub } });
    if (ctx.services.mailer) plan.effect({ type: "mail.send", payload: passwordChangedMail({ to: account.email, username: accountLabel(account), at: now, ip: ctx.client.ip }) });
    plan.write(markPasswordStale(ctx, account.id, true));
    await plan.commit();
    await replaceMatrixPassword(ctx, account.id, input.new_password);
    return { message: "Your password was changed. Sign in with the new one." };
  });
}
