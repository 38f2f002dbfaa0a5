import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { LostUpdateError, Plan } from "../../kernel/db/client";
import { AppError } from "../../kernel/errors/app-error";
import { CODE_LIFE_MS, emailKeyOf, RESEND_GAP_MS } from "./accounts.core";
import type { SendSignupCodeBody, SendSignupCodeView } from "./accounts.schemas";
import { findAccountByEmail, upsertCodeAfterGap } from "./accounts.store";
import { newCode } from "./one-time-code";
import { verificationMail } from "./verification-mail";

const ANSWER = { success: true, message: "If this address waits for verification, a new code is on its way." } as const;

/**
 * Mails a fresh code, at most one a minute. The answer is the same for unknown, verified and just-mailed addresses.
 * @throws AppError DEPENDENCY_UNAVAILABLE (no mail provider)
 */
export async function sendSignupCode(ctx: Ctx, input: z.output<typeof SendSignupCodeBody>): Promise<z.input<typeof SendSignupCodeView>> {
  if (!ctx.services.mailer) throw new AppError("DEPENDENCY_UNAVAILABLE", "Codes cannot be sent while mail is not configured.");
  const now = ctx.clock.now();
  const account = await findAccountByEmail(ctx, emailKeyOf(input.email));
  if (!account || account.accountVerified || account.status !== "active") return ANSWER;
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
  return ANSWER;
}
