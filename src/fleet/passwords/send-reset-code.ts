import { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { LostUpdateError, Plan } from "../../kernel/db/client";
import { AppError } from "../../kernel/errors/app-error";
import type { EffectHandler } from "../../kernel/outbox/drain";
import { accountLabel, afterTheAnswer, emailKeyOf, findAccountByEmail, newCode, RESEND_GAP_MS, upsertCodeAfterGap } from "../accounts";
import { resetCodeMail } from "../mails";
import { RESET_CODE_LIFE_MS } from "./passwords.core";
import type { ForgotPasswordBody, ForgotPasswordView } from "./passwords.schemas";

const Payload = z.object({ email: z.string() });

/**
 * Takes the wish for a reset code. Whether the address has an account is only looked up after the answer, by
 * {@link sendResetCode}, so neither the answer nor its time can tell.
 * @throws AppError DEPENDENCY_UNAVAILABLE (no mail provider)
 */
export async function requestPasswordReset(ctx: Ctx, input: z.output<typeof ForgotPasswordBody>): Promise<z.input<typeof ForgotPasswordView>> {
  if (!ctx.services.mailer) throw new AppError("DEPENDENCY_UNAVAILABLE", "Codes cannot be sent while mail is not configured.");
  const payload: z.input<typeof Payload> = { email: input.email };
  await new Plan(ctx).effect({ type: "password.send_reset_code", payload }).audit({ action: "password.forgot" }).commit();
  return { message: "If this address has an account, a code to reset its password is on its way." };
}

/** Effect `password.send_reset_code`: mails a code to an active, verified account, at most one a minute. A repeat finds the gap. */
export const sendResetCode: EffectHandler = async (ctx, payload) => {
  await afterTheAnswer();
  const now = ctx.clock.now();
  const account = await findAccountByEmail(ctx, emailKeyOf(Payload.parse(payload).email));
  if (!account || !account.accountVerified || account.status !== "active") return;
  const code = await newCode(ctx, { purpose: "reset_password", sub: account.sub }, RESET_CODE_LIFE_MS, now);
  try {
    await new Plan(ctx)
      .guarded(upsertCodeAfterGap(ctx, account.id, "reset_password", code.stored, now - RESEND_GAP_MS))
      .effect({ type: "mail.send", payload: resetCodeMail({ to: account.email, username: accountLabel(account), code: code.digits, lifeMs: RESET_CODE_LIFE_MS }) })
      .audit({ action: "password.send_reset_code", tenantId: account.id, subject: { type: "account", id: account.sub } })
      .commit();
  } catch (error) {
    if (!(error instanceof LostUpdateError)) throw error;
  }
};
