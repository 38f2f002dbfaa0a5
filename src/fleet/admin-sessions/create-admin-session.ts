import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { openSession } from "../sessions";
import { toAdminProfile, type AdminLoginBody, type AdminLoginView } from "./admin-sessions.schemas";
import { admitAdministrators } from "./admit-administrators";

/**
 * Signs an administrator in. The session is one like any other, and wrong tries count together with those of the other sign-in, so
 * that two doors do not double the guesses. Who is no administrator learns that only with the right password.
 * @throws AppError INVALID_CREDENTIALS, FORBIDDEN, EMAIL_NOT_VERIFIED, ACCOUNT_DEACTIVATED, RATE_LIMITED
 */
export async function createAdminSession(ctx: Ctx, input: z.output<typeof AdminLoginBody> & { readonly deviceName: string | null }): Promise<z.input<typeof AdminLoginView>> {
  const { email: username, password, deviceName } = input;
  const { account, tokens, refreshToken, sessionId } = await openSession(ctx, { username, password, deviceName }, { action: "admin_session.create", admit: admitAdministrators });
  return { success: true, ...tokens, refresh_token: refreshToken, session_id: sessionId, admin_profile: toAdminProfile({ ...account, lastSignedInAt: ctx.clock.now() }) };
}
