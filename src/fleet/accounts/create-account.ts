import type { z } from "zod";
import { DAY_MS } from "../../kernel/clock";
import type { Ctx } from "../../kernel/context";
import { isUniqueViolation, LostUpdateError, Plan } from "../../kernel/db/client";
import { AppError } from "../../kernel/errors/app-error";
import { newUuid } from "../../kernel/ids/ids";
import { requireStrongPassword } from "../passwords";
import { markDeviceEffect, requireFirstTrial } from "../trials";
import { CODE_LIFE_MS, emailKeyOf, isAbandonedClaim, isReservedUsername, phoneKeyOf } from "./accounts.core";
import type { SignupBody, SignupView } from "./accounts.schemas";
import { insertAccount, listHolders, replaceClaim, upsertCodeBySub, type NewAccount } from "./accounts.store";
import { requireOpenSignup } from "./require-open-signup";
import { newCode } from "./one-time-code";
import { verificationMail } from "./verification-mail";

const emailTaken = (cause?: unknown) => new AppError("EMAIL_TAKEN", "An account with this e-mail address exists already.", { cause });
const usernameTaken = (cause?: unknown) => new AppError("USERNAME_TAKEN", "This user name is taken.", { cause });

/**
 * Signs a person up: the account, its code, the mail and the audit row in one commit. The Matrix id is reserved; the Matrix
 * account itself comes later. An address whose earlier sign-up was never verified is free again once that code has expired.
 * @throws AppError DEPENDENCY_UNAVAILABLE (no mail provider), SIGNUP_CLOSED, TRIAL_ALREADY_USED (by the device), EMAIL_TAKEN, USERNAME_TAKEN,
 * VALIDATION_ERROR (weak password, unknown device token)
 */
export async function createAccount(ctx: Ctx, input: z.output<typeof SignupBody>): Promise<z.input<typeof SignupView>> {
  if (!ctx.services.mailer) throw new AppError("DEPENDENCY_UNAVAILABLE", "Sign-up is closed while mail is not configured.");
  await requireOpenSignup(ctx, emailKeyOf(input.email));
  if (input.device_token) await requireFirstTrial(ctx, input.device_token);
  await requireStrongPassword(input.password, input, "password");

  const now = ctx.clock.now();
  const emailKey = emailKeyOf(input.email);
  const username = input.username.toLowerCase();
  if (isReservedUsername(username)) throw usernameTaken();
  const holders = await listHolders(ctx, emailKey, username);
  const held = holders.find((holder) => holder.emailKey === emailKey);
  if (held && !isAbandonedClaim(held, now)) throw emailTaken();
  if (holders.some((holder) => holder.username === username && holder.id !== held?.id)) throw usernameTaken();

  const sub = newUuid();
  const account: NewAccount = {
    sub,
    email: input.email.trim(),
    emailKey,
    username,
    name: input.name,
    phoneNumber: input.phone_number ?? null,
    phoneKey: phoneKeyOf(input.phone_number ?? ""),
    matrixId: `@${username}:${ctx.config.matrixServerName}`,
    passwordHash: await ctx.services.passwords.hash(input.password),
    trialEndsAt: now + ctx.config.trialDays * DAY_MS,
  };
  const code = await newCode(ctx, { purpose: "verify_email", sub }, CODE_LIFE_MS, now);
  const plan = new Plan(ctx);
  if (held) plan.guarded(replaceClaim(ctx, held, account, now));
  else plan.write(insertAccount(ctx, account, now));
  plan
    .write(upsertCodeBySub(ctx, sub, code.stored))
    .effect({ type: "mail.send", payload: verificationMail(account.email, username, code.digits) })
    .audit({ action: "account.create", tenantId: held?.id ?? null, subject: { type: "account", id: sub }, detail: { username, took_over_unverified: held !== undefined } });
  const mark = input.device_token ? markDeviceEffect(ctx, input.device_token) : null;
  if (mark) plan.effect(mark);
  try {
    await plan.commit();
  } catch (error) {
    if (isUniqueViolation(error, "users.email_key") || error instanceof LostUpdateError) throw emailTaken(error);
    if (isUniqueViolation(error, "users.username") || isUniqueViolation(error, "users.matrix_id")) throw usernameTaken(error);
    throw error;
  }
  return { success: true, message: "Account created. A verification code is on its way to your e-mail address.", user_sub: sub, matrix_account_created: false };
}
