import { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { LostUpdateError, Plan } from "../../kernel/db/client";
import { AppError } from "../../kernel/errors/app-error";
import type { EffectHandler } from "../../kernel/outbox/drain";
import { CODE_LIFE_MS, emailKeyOf, RESEND_GAP_MS } from "./accounts.core";
import type { SendSignupCodeBody, SendSignupCodeView } from "./accounts.schemas";
import { findAccountByEmail, upsertCodeAfterGap } from "./accounts.store";
import { afterTheAnswer } from "./after-answer";
import { newCode } from "./one-time-code";
import { verificationMail } from "./verification-mail";

const Payload = z.object({ email: z.string() });

/**
 * Takes the wish for a fresh code. Whether the address waits for one is only looked up after the answer, by
 * {@link sendSignupCode}, so neither the answer nor its time can tell.
 * @throws AppError DEPENDENCY_UNAVAILABLE (no mail provider)
 */
export async function requestSignupCode(ctx: Ctx, input: z.output<typeof SendSignupCodeBody>): Promise<z.input<typeof SendSignupCodeView>> {
  if (!ctx.services.mailer) throw new AppError("DEPENDENCY_UNAVAILABLE", "Codes cannot be sent while mail is not configured.");
  const payload: z.input<typeof Payload> = { email: input.email };
  await new Plan(ctx).effect({ type: "account.send_code", payload }).audit({ action: "account.request_code" }).commit();
  return { success: true, message: "If this address waits for verification, a new code is on its way." };
}

/** Effect `account.send_code`: mails a code to an address that waits for verification, at most one a minute. A repeat finds the gap. */
export const sendSignupCode: EffectHandler = async (ctx, payload) => {
  await afterTheAnswer();
  const now = ctx.clock.now();
  const account = await findAccountByEmail(ctx, emailKeyOf(Payload.parse(payload).email));
  if (!account || account.accountVerified || account.status !== "active") return;
  const code = await newCode(ctx, { purpose: "verify_email", sub: account.sub }, CODE_LIFE_MS, now);
  try {
    await new Plan(ctx)
      .guarded(upsertCodeAfterGap(ctx, account.id, "verify_email", code.stored, now - RESEND_GAP_MS))
      .effect({ type: "mail.send", payload: verificationMail(account.email, account.username, code.digits) })
      .audit({ action: "account.send_code", tenantId: account.id, subject: { type: "account", id: account.sub } })
      .commit();
  } catch (error) {
    if (!(error instanceof LostUpdateError)) throw error;
  }
};
