import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { Plan } from "../../kernel/db/client";
import { AppError } from "../../kernel/errors/app-error";
import { requireMatrix } from "../matrix-accounts";
import type { MatrixLoginBody, MatrixLoginView } from "./matrix-login.schemas";

/**
 * Passes a sign-in on to the homeserver and its answer back. Of the credentials and the token nothing is stored; the audit row
 * names who signed in.
 * @throws AppError MATRIX_UNAVAILABLE (also without a homeserver), INVALID_CREDENTIALS, ACCOUNT_DEACTIVATED, RATE_LIMITED
 */
export async function signInToMatrix(ctx: Ctx, input: z.output<typeof MatrixLoginBody>): Promise<z.input<typeof MatrixLoginView>> {
  const login = await requireMatrix(ctx).login(input.username, input.password);
  switch (login.kind) {
    case "ok":
      await new Plan(ctx).audit({ action: "matrix_login.create", subject: { type: "matrix_user", id: login.userId }, detail: { device_id: login.deviceId } }).commit();
      return { access_token: login.accessToken, user_id: login.userId, device_id: login.deviceId };
    case "deactivated":
      throw new AppError("ACCOUNT_DEACTIVATED", "This Matrix account is deactivated.");
    case "limited":
      throw new AppError("RATE_LIMITED", "The homeserver asks to wait.", { retryAfterSeconds: login.retryAfterSeconds });
    case "refused":
      throw new AppError("INVALID_CREDENTIALS", "The name or the password is wrong.");
  }
}
