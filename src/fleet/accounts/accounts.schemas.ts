import { z } from "zod";
import { iso, isoOrNull } from "../../kernel/clock";
import { standingOf, type Entitlements } from "../plans";
import { matrixStatusOf, shownMatrixId, shownUsername, USERNAME_MAX, USERNAME_MIN, USERNAME_PATTERN } from "./accounts.core";
import type { Account } from "./accounts.store";

const Email = z.email().max(254);

export const SignupBody = z
  .object({
    name: z.string().trim().min(1).max(200),
    email: Email,
    username: z.string().min(USERNAME_MIN).max(USERNAME_MAX).regex(USERNAME_PATTERN, "Only letters and digits"),
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

/** The address and the user name come along unchanged: the one is proven, the other is the Matrix id. */
export const UpdateProfileBody = z
  .object({
    username: z.string().min(1).max(USERNAME_MAX),
    name: z.string().trim().min(1).max(200).nullish(),
    email: Email,
    display_name: z.string().trim().max(200).nullish(),
    phone_number: z.string().max(32).nullish(),
    auto_destruct_time: z.string().max(64).nullish(),
    agreed_terms: z.boolean(),
    agreed_privacy: z.boolean(),
  })
  .meta({ id: "ProfileUpdate" });

/** Why a name, an address or a number can be had or not. */
const Reason = z.enum(["ok", "taken", "invalid", "reserved"]);

export const CheckUsernameQuery = z.object({ candidate: z.string().min(USERNAME_MIN).max(320) });

export const UsernameCheckView = z.object({ valid: z.boolean(), reason: Reason.nullable() }).meta({ id: "UsernameCheckResponse" });

export const CheckEmailQuery = z.object({ email: z.string().max(320).meta({ format: "email" }) });

export const EmailAvailabilityView = z.object({ available: z.boolean(), reason: Reason }).meta({ id: "EmailAvailabilityResponse" });

export const CheckPhoneQuery = z.object({ phone: z.string().max(64) });

export const PhoneAvailabilityView = z.object({ available: z.boolean(), reason: Reason }).meta({ id: "PhoneAvailabilityResponse" });

export const isEmail = (text: string): boolean => Email.safeParse(text).success;

const Confirmation = z.object({ password: z.string().min(1).max(1_024) });

export const DeleteAccountBody = Confirmation.meta({ id: "DeleteAccountRequest" });

export const DeleteAccountView = z.object({ success: z.boolean(), message: z.string() }).meta({ id: "DeleteAccountResponse" });

export const DeactivateAccountBody = Confirmation.meta({ id: "SelfDeactivateRequest" });

export const DeactivateAccountView = z.object({ success: z.boolean(), message: z.string() }).meta({ id: "SelfDeactivateResponse" });

export function toProfileView(account: Account, entitlements: Entitlements): z.input<typeof ProfileView> {
  const { plan, status, endsAt } = standingOf(entitlements);
  return {
    id: account.id,
    name: account.name,
    username: shownUsername(account),
    matrix_id: shownMatrixId(account),
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
    matrix_status: matrixStatusOf(account),
    subscription_status: status,
    subscription_plan: plan,
    subscription_ends_at: isoOrNull(endsAt),
    created_at: iso(account.createdAt),
    updated_at: iso(account.updatedAt),
  };
}
