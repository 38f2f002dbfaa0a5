import { z } from "zod";
import { iso, isoOrNull } from "../../kernel/clock";
import type { Account } from "../accounts";

const Time = z.iso.datetime();

export const AdminLoginBody = z.object({ email: z.email().max(254), password: z.string().min(1).max(1_024) }).meta({ id: "AdminLoginRequest" });

export const AdminProfileView = z
  .object({
    id: z.int(),
    email: z.string(),
    name: z.string().nullable(),
    role: z.string(),
    is_active: z.boolean(),
    last_login_at: Time.nullable(),
    created_at: Time.nullable(),
  })
  .meta({ id: "AdminProfileOut" });

const Tokens = z.object({ success: z.boolean(), access_token: z.string(), id_token: z.string().nullable(), expires_in: z.int().nullable(), token_type: z.string() });

export const AdminLoginView = Tokens.extend({ refresh_token: z.string().nullable(), session_id: z.int(), admin_profile: AdminProfileView }).meta({ id: "AdminLoginResponse" });

export const AdminRefreshBody = z.object({ refresh_token: z.string().min(1).max(4_096), email: z.email().max(254) }).meta({ id: "AdminRefreshRequest" });

export const AdminRefreshView = Tokens.meta({ id: "AdminRefreshResponse" });

export const AdminLogoutView = z.object({ success: z.boolean(), message: z.string(), revoked_sessions: z.int() }).meta({ id: "AdminLogoutResponse" });

export const toAdminProfile = (account: Account): z.input<typeof AdminProfileView> => ({
  id: account.id,
  email: account.email,
  name: account.displayName ?? account.name,
  role: account.role,
  is_active: account.status === "active",
  last_login_at: isoOrNull(account.lastSignedInAt),
  created_at: iso(account.createdAt),
});
