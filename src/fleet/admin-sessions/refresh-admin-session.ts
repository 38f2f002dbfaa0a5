import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { prolongSession } from "../sessions";
import type { AdminRefreshBody, AdminRefreshView } from "./admin-sessions.schemas";
import { admitAdministrators } from "./admit-administrators";

/**
 * A new hour for an administrator's session; refused once the role is gone.
 * @throws AppError INVALID_CREDENTIALS, SESSION_REVOKED, TOKEN_EXPIRED, ACCOUNT_DEACTIVATED, FORBIDDEN
 */
export const refreshAdminSession = (ctx: Ctx, input: z.output<typeof AdminRefreshBody>): Promise<z.input<typeof AdminRefreshView>> =>
  prolongSession(ctx, input, { action: "admin_session.refresh", admit: admitAdministrators });
