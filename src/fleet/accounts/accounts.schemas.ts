import { z } from "zod";
import { iso, isoOrNull } from "../../kernel/clock";
import { effectivePlan } from "./accounts.core";
import type { Account } from "./accounts.store";

const Email = z.email().max(254);

export const SignupBody = z
  .object({
    name: z.string().trim().min(1).max(200),
    email: Email,
    username: z.string().min(5).max(64).regex(/^[A-Za-z0-9]+$/, "Only letters and digits"),
    password: z.string().min(8).max(1_024),
    phone_number: z.string().max(32).nullish(),
    device_token: z.string().max(8_192).nullish(),
  })
  .meta({ id: "SignupRequest" });

export const SignupView = z
  .object({ success: z.boolean(), message: z.string(), user_sub: z.string().nullable(), matrix_account_created: z.boolean() })
  .meta({ id: "SignupResponse" });

export const VerifyAccountBody = z.object({ email: Email, code: z.string().length(6) }).meta({ id: "SignupVerifyRequest" });

export const VerifyAccountView = z.object({ verified: z.boolean(), message: z.string() }).meta({ id: "SignupVerifyResponse" });

export const SendSignupCodeBody = z.object({ email: Email }).meta({ id: "ResendCodeRequest" });

export const SendSignupCodeView = z.object({ success: z.boolean(), message: z.string() }).meta({ id: "ResendCodeResponse" });

const Time = z.iso.datetime();

export const ProfileView = z
  .object({
    id: z.int().nullable(),
    name: z.string().nullable(),
    username: z.string().nullable(),
    matrix_id: z.string().nullable(),
    email: z.email(),
    display_name: z.string().nullable(),
    phone_number: z.string().nullable(),
    auto_destruct_time: z.string().nullable(),
    account_verified: z.boolean(),
    agreed_terms: z.boolean().nullable(),
    agreed_privacy: z.boolean().nullable(),
    last_signed_in_at: Time.nullable(),
    last_signed_out_at: Time.nullable(),
    deleted_at: Time.nullable(),
    matrix_account_created: z.boolean().nullable(),
    matrix_account_error: z.string().nullable(),
    matrix_status: z.string().nullable(),
    subscription_status: z.string().nullable(),
    subscription_plan: z.string().nullable(),
    subscription_ends_at: Time.nullable(),
    created_at: Time.nullable(),
    updated_at: Time.nullable(),
  })
  .meta({ id: "ProfileOut" });

export function toProfileView(account: Account, nowMs: number): z.input<typeof ProfileView> {
  const { plan, status, endsAt } = effectivePlan(account, nowMs);
  return {
    id: account.id,
    name: account.name,
    username: account.username,
    matrix_id: account.matrixId,
    email: account.email,
    display_name: account.displayName,
    phone_number: account.phoneNumber,
    auto_destruct_time: account.autoDestructTime,
    account_verified: account.accountVerified,
    agreed_terms: account.agreedTerms,
    agreed_privacy: account.agreedPrivacy,
    last_signed_in_at: isoOrNull(account.lastSignedInAt),
    last_signed_out_at: isoOrNull(account.lastSignedOutAt),
    deleted_at: isoOrNull(account.deletedAt),
    matrix_account_created: account.matrixAccountCreated,
    matrix_account_error: null,
    matrix_status: account.matrixAccountCreated ? "active" : "not_created",
    subscription_status: status,
    subscription_plan: plan,
    subscription_ends_at: isoOrNull(endsAt),
    created_at: iso(account.createdAt),
    updated_at: iso(account.updatedAt),
  };
}
