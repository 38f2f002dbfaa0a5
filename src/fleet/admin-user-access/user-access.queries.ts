import type { z } from "zod";
import { accountFeedObject } from "../../../durable-objects/stubs";
import type { OwnerCtx } from "../../kernel/context";
import { AppError } from "../../kernel/errors/app-error";
import { describeCause } from "../../kernel/logging/logger";
import { shownMatrixId, type Account } from "../accounts";
import { getUserRow, type UserRef } from "../admin-users";
import { listInstanceRows } from "../instances";
import { requireMatrixAdmin } from "../matrix-admin";
import { listSessionRows } from "../sessions";
import { securityFlags } from "./user-access.core";
import { toMatrixDevice, toUserInstance, toUserSession, type MatrixDeviceListView, type UserInstanceListView, type UserSecurityView, type UserSessionListView } from "./user-access.schemas";
import { listSharedFingerprints } from "./user-access.store";

type Ref = z.output<typeof UserRef>;

/** More than anybody looks through. */
const SESSIONS_MAX = 200;

/** Somebody's sessions, revoked ones too, newest first. @throws AppError NOT_FOUND */
export async function listUserSessions(ctx: OwnerCtx, { user_id }: Ref): Promise<z.input<typeof UserSessionListView>> {
  const [, rows] = await Promise.all([getUserRow(ctx, user_id), listSessionRows(ctx, user_id, SESSIONS_MAX)]);
  return rows.map(toUserSession);
}

/** The devices of somebody's Matrix account; none without an account. @throws AppError MATRIX_UNAVAILABLE, BAD_GATEWAY, NOT_FOUND */
export async function listUserMatrixDevices(ctx: OwnerCtx, { user_id }: Ref): Promise<z.input<typeof MatrixDeviceListView>> {
  requireMatrixAdmin(ctx);
  return readMatrixDevices(ctx, await getUserRow(ctx, user_id));
}

/** Somebody's machines, archived ones too, oldest first. @throws AppError NOT_FOUND */
export async function listUserInstances(ctx: OwnerCtx, { user_id }: Ref): Promise<z.input<typeof UserInstanceListView>> {
  await getUserRow(ctx, user_id);
  return readInstances(ctx, user_id);
}

/** Every way into an account at a glance. What the homeserver does not tell is said, not thrown. @throws AppError NOT_FOUND */
export async function getUserSecurity(ctx: OwnerCtx, { user_id }: Ref): Promise<z.input<typeof UserSecurityView>> {
  const user = await getUserRow(ctx, user_id);
  const [sessions, matrix, instances, sharedFingerprints] = await Promise.all([listSessionRows(ctx, user_id, SESSIONS_MAX), tryMatrixDevices(ctx, user), readInstances(ctx, user_id), listSharedFingerprints(ctx, user_id)]);
  const now = ctx.clock.now();
  const liveSessions = sessions.filter((session) => session.revokedAt === null && session.expiresAt > now).length;
  return {
    user_id,
    matrix_id: shownMatrixId(user),
    sessions: sessions.map(toUserSession),
    matrix_devices: matrix.devices,
    matrix_devices_error: matrix.error,
    openclaw_instances: instances,
    flags: securityFlags({ liveSessions, sharedFingerprints, matrixUnreachable: matrix.error === "matrix_unreachable", emailVerified: user.accountVerified, matrixPasswordStale: user.matrixPasswordStale }),
  };
}

async function readInstances(ctx: OwnerCtx, userId: number): Promise<z.input<typeof UserInstanceListView>> {
  const [rows, machines] = await Promise.all([listInstanceRows(ctx, userId), accountFeedObject(ctx.objects, userId).listMachines(userId)]);
  const heard = new Map(machines.flatMap(({ instanceId, isOnline, lastHeartbeat }) => (lastHeartbeat === null ? [] : [[instanceId, { online: isOnline, lastSeen: lastHeartbeat }] as const])));
  return rows.map((row) => toUserInstance(row, heard.get(row.instanceId)));
}

async function readMatrixDevices(ctx: OwnerCtx, user: Account): Promise<z.input<typeof MatrixDeviceListView>> {
  if (!user.matrixAccountCreated) return [];
  return ((await requireMatrixAdmin(ctx).listDevices(user.matrixId)) ?? []).map(toMatrixDevice);
}

async function tryMatrixDevices(ctx: OwnerCtx, user: Account): Promise<{ readonly devices: z.input<typeof MatrixDeviceListView>; readonly error: string | null }> {
  if (user.matrixAccountCreated && !ctx.services.matrix?.admin) return { devices: [], error: "matrix_not_configured" };
  try {
    return { devices: await readMatrixDevices(ctx, user), error: null };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    ctx.log.warn("somebody's Matrix devices are unknown", { event: "user.security.matrix_failed", account_id: user.id, ...describeCause(error) });
    return { devices: [], error: "matrix_unreachable" };
  }
}
