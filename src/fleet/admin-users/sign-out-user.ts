import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { Plan } from "../../kernel/db/client";
import { describeCause } from "../../kernel/logging/logger";
import { markSignedOut, raiseEpoch, type Account } from "../accounts";
import { cutStreamsEffect, revokeAllSessionRows } from "../sessions";
import type { SignOutAllView, UserRef } from "./admin-users.schemas";
import { requireUserToChange } from "./require-user";

interface MatrixSignOut {
  readonly total: number;
  readonly deleted: number;
  readonly error: string | null;
}

/**
 * Signs somebody out everywhere, at once: sessions, access tokens, open streams and the devices of their Matrix account. The account
 * stays active; CLI tokens stay, since machines hold them and not people. A homeserver that fails is told of, not thrown.
 * @throws AppError NOT_FOUND, FORBIDDEN
 */
export async function signOutUser(ctx: OwnerCtx, { user_id }: z.output<typeof UserRef>): Promise<z.input<typeof SignOutAllView>> {
  const user = await requireUserToChange(ctx, user_id, { orOneself: true });
  const now = ctx.clock.now();
  const [revoked] = await new Plan(ctx)
    .write(revokeAllSessionRows(ctx, user.id, now))
    .write(raiseEpoch(ctx, user.id, now))
    .write(markSignedOut(ctx, user.id, now))
    .effect(cutStreamsEffect(user.id))
    .audit({ action: "user.sign_out_all", tenantId: user.id, subject: { type: "account", id: user.sub }, detail: { before: { token_epoch: user.tokenEpoch }, after: { token_epoch: user.tokenEpoch + 1 } } })
    .commit();
  const matrix = await signOutOfMatrix(ctx, user);
  return {
    ok: matrix.error === null,
    user_id: user.id,
    sessions_revoked: Array.isArray(revoked) ? revoked.length : 0,
    matrix_devices_total: matrix.total,
    matrix_devices_deleted: matrix.deleted,
    matrix_devices_failed: matrix.total - matrix.deleted,
    cognito_global_sign_out: true,
    cognito_error: null,
    matrix_error: matrix.error,
  };
}

async function signOutOfMatrix(ctx: OwnerCtx, user: Account): Promise<MatrixSignOut> {
  const admin = ctx.services.matrix?.admin;
  if (!user.matrixAccountCreated) return { total: 0, deleted: 0, error: null };
  if (!admin) return { total: 0, deleted: 0, error: "matrix_not_configured" };
  let total = 0;
  try {
    const devices = (await admin.listDevices(user.matrixId)) ?? [];
    total = devices.length;
    await admin.deleteDevices(user.matrixId, devices.map(({ deviceId }) => deviceId));
    return { total, deleted: total, error: null };
  } catch (error) {
    ctx.log.warn("somebody's Matrix devices were not deleted", { event: "user.sign_out.matrix_failed", account_id: user.id, ...describeCause(error) });
    return { total, deleted: 0, error: "matrix_unreachable" };
  }
}
