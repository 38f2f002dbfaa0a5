import { z } from "zod";
import { iso, isoOrNull } from "../../kernel/clock";
import { matrixStatusOf, shownMatrixId, shownUsername, type Account } from "../accounts";
import { standingOf, type Entitlements } from "../plans";

const MAX_PAGE = 1_000_000;
const Flag = z.stringbool().meta({ type: "boolean" });
const Text = z.string().nullable();

export const UserRef = z.object({ user_id: z.coerce.number().int() });

export const UserDetail = z
  .object({
    id: z.int(),
    email: Text,
    username: Text.describe("Null for somebody who has none, and so no Matrix id."),
    matrix_id: Text,
    name: Text,
    display_name: Text,
    phone_number: Text,
    auto_destruct_time: Text,
    role: z.enum(["user", "admin", "superadmin"]),
    status: z.enum(["active", "deactivated", "deleted"]),
    account_verified: z.boolean().nullable(),
    agreed_terms: z.boolean().nullable(),
    agreed_privacy: z.boolean().nullable(),
    subscription_status: Text.describe("What an administrator wrote, else how the subscription stands."),
    subscription_plan: Text,
    subscription_ends_at: Text,
    deletion_status: Text,
    deleted_at: Text,
    created_at: Text,
    updated_at: Text,
    last_signed_in_at: Text,
    last_signed_out_at: Text,
    matrix_status: Text.describe("not_created, active, deactivated, erased or missing, as last heard."),
    needs_matrix_password_sync: z.boolean().nullable(),
  })
  .meta({ id: "AdminUserDetail" });

export const UserListQuery = z.object({
  page: z.coerce.number().int().min(1).max(MAX_PAGE).default(1),
  per_page: z.coerce.number().int().min(1).max(1_000).default(100),
  include_deleted: Flag.default(true),
  search: z.string().max(254).nullish().describe("The beginning of an address, user name or name; `@example.org` for a domain; a Matrix id; a user's id."),
  status: z.enum(["active", "deactivated", "deleted"]).optional(),
  role: z.enum(["user", "admin", "superadmin"]).optional(),
  verified: Flag.optional(),
});

export const UserListView = z
  .object({
    users: z.array(UserDetail),
    total: z.int().describe("How many there are, counted up to 10,000."),
    total_is_exact: z.boolean(),
    page: z.int(),
    per_page: z.int(),
  })
  .meta({ id: "AdminUserList" });

export const CreateUserBody = z
  .object({
    email: z.email().max(254),
    name: z.string().trim().max(200).nullish(),
    username: z.string().max(320).nullish(),
    display_name: z.string().trim().max(200).nullish(),
    send_invite: z.boolean().default(true),
  })
  .meta({ id: "AdminUserCreateRequest" });

export const CreateUserView = z
  .object({ ok: z.boolean(), user: UserDetail, matrix_account_created: z.boolean(), matrix_error: z.string().nullable(), invite_sent: z.boolean() })
  .meta({ id: "AdminUserCreateResponse" });

export const UpdateUserBody = z
  .object({
    name: z.string().trim().max(200).nullish(),
    display_name: z.string().trim().max(200).nullish(),
    username: z.string().max(320).nullish(),
    account_verified: z.boolean().nullish(),
    auto_destruct_time: z.string().max(64).nullish(),
    phone_number: z.string().max(32).nullish(),
    subscription_status: z.string().trim().max(64).nullish(),
  })
  .meta({ id: "AdminUserUpdateRequest" });

export const UpdateUserView = z.object({ ok: z.boolean(), user: UserDetail }).meta({ id: "AdminUserUpdateResponse" });

export const UserActionView = z.object({ ok: z.boolean(), success: z.boolean(), user_id: z.int(), status: z.string() }).meta({ id: "AdminUserActionResponse" });

export const SetPasswordBody = z.object({ new_password: z.string().max(1_024) }).meta({ id: "AdminResetPasswordRequest" });

export const SetPasswordView = z
  .object({ password_reset_at: z.string(), matrix_password_updated: z.boolean(), matrix_sync_reason: z.string().nullable() })
  .meta({ id: "AdminResetPasswordResponse" });

export const SignOutAllView = z
  .object({
    ok: z.boolean(),
    user_id: z.int(),
    sessions_revoked: z.int(),
    matrix_devices_total: z.int(),
    matrix_devices_deleted: z.int(),
    matrix_devices_failed: z.int(),
    cognito_global_sign_out: z.boolean().describe("Access tokens are dead: there is no Cognito here, its part is done by us."),
    cognito_error: z.string().nullable(),
    matrix_error: z.string().nullable(),
  })
  .meta({ id: "AdminSignOutAllResponse" });

export function toUserDetail(account: Account, entitlements: Entitlements): z.input<typeof UserDetail> {
  const { plan, status, endsAt } = standingOf(entitlements);
  return {
    id: account.id,
    email: account.email,
    username: shownUsername(account),
    matrix_id: shownMatrixId(account),
    name: account.name,
    display_name: account.displayName,
    phone_number: account.phoneNumber,
    auto_destruct_time: account.autoDestructTime,
    role: account.role,
    status: account.status,
    account_verified: account.accountVerified,
    agreed_terms: account.agreedTerms,
    agreed_privacy: account.agreedPrivacy,
    subscription_status: account.subscriptionNote ?? status,
    subscription_plan: plan,
    subscription_ends_at: isoOrNull(endsAt),
    deletion_status: account.deletionStatus,
    deleted_at: isoOrNull(account.deletedAt),
    created_at: iso(account.createdAt),
    updated_at: iso(account.updatedAt),
    last_signed_in_at: isoOrNull(account.lastSignedInAt),
    last_signed_out_at: isoOrNull(account.lastSignedOutAt),
    matrix_status: matrixStatusOf(account),
    needs_matrix_password_sync: account.matrixPasswordStale,
  };
}
