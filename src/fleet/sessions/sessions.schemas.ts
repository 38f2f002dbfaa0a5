import { z } from "zod";
import { iso } from "../../kernel/clock";
import type { Session } from "./sessions.store";

export const LoginBody = z.object({ username: z.string().min(1).max(320), password: z.string().min(1).max(1_024) }).meta({ id: "LoginRequest" });

const LoginProfile = z
  .object({ id: z.int(), email: z.string(), name: z.string(), username: z.string(), matrix_id: z.string(), display_name: z.string(), account_verified: z.boolean() })
  .meta({ id: "UserProfileInLogin" });

export const LoginView = z
  .object({
    success: z.boolean(),
    message: z.string(),
    access_token: z.string(),
    id_token: z.string().nullable(),
    refresh_token: z.string().nullable(),
    expires_in: z.int().nullable(),
    token_type: z.string(),
    user_profile: LoginProfile,
    matrix_recovery_key: z.string().nullable(),
    session_id: z.int().nullable(),
  })
  .meta({ id: "LoginResponse" });

export const RefreshBody = z
  .object({ refresh_token: z.string().min(1).max(4_096), email: z.email().max(254), session_id: z.int().nullish(), cognito_username: z.string().max(320).nullish() })
  .meta({ id: "RefreshTokenRequest" });

export const RefreshView = z
  .object({ success: z.boolean(), access_token: z.string(), id_token: z.string().nullable(), expires_in: z.int().nullable(), token_type: z.string() })
  .meta({ id: "RefreshTokenResponse" });

export const LogoutBody = z
  .object({ device_token: z.string().max(8_192).nullish(), refresh_token: z.string().max(4_096).nullish(), session_id: z.int().nullish() })
  .meta({ id: "LogoutRequest" });

export const LogoutView = z
  .object({
    success: z.boolean(),
    message: z.string(),
    user_email: z.string(),
    matrix_id: z.string().nullable(),
    device_token_deactivated: z.boolean(),
    logout_timestamp: z.iso.datetime(),
  })
  .meta({ id: "LogoutResponse" });

export const SessionRef = z.object({ session_id: z.coerce.number().int() });

export const SessionView = z
  .object({
    id: z.int(),
    device_name: z.string().nullable(),
    platform: z.string().nullable(),
    ip_address: z.string().nullable(),
    created_at: z.iso.datetime(),
    last_seen_at: z.iso.datetime(),
  })
  .meta({ id: "UserSessionOut" });

export const SessionListView = z.object({ sessions: z.array(SessionView) }).meta({ id: "SessionListResponse" });

export const RevokeSessionView = z.object({ success: z.boolean(), message: z.string() }).meta({ id: "RevokeSessionResponse" });

export const RevokeAllSessionsView = z.object({ success: z.boolean(), message: z.string(), revoked_sessions: z.int() }).meta({ id: "RevokeAllSessionsResponse" });

export const toSessionView = (session: Session): z.input<typeof SessionView> => ({
  id: session.id,
  device_name: session.deviceName,
  platform: session.platform,
  ip_address: session.ipAddress,
  created_at: iso(session.createdAt),
  last_seen_at: iso(session.lastSeenAt),
});
