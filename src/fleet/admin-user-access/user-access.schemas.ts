import { z } from "zod";
import { iso } from "../../kernel/clock";
import type { MatrixDevice } from "../../kernel/ports/matrix";
import type { InstanceRow } from "../instances";
import type { Session } from "../sessions";

const Time = z.iso.datetime();
const Text = z.string().nullable();

export const UserSessionView = z
  .object({
    id: z.int(),
    device_name: Text,
    platform: Text,
    ip_address: Text,
    user_agent: Text,
    is_revoked: z.boolean(),
    created_at: Time.nullable(),
    last_seen_at: Time.nullable(),
    expires_at: Time,
  })
  .meta({ id: "AdminUserSession" });
export const UserSessionListView = z.array(UserSessionView);

export const MatrixDeviceView = z
  .object({ device_id: z.string(), display_name: Text, last_seen_user_agent: Text, last_seen_ip: Text, last_seen_ts: z.int().nullable().describe("Milliseconds.") })
  .meta({ id: "AdminMatrixDevice" });
export const MatrixDeviceListView = z.array(MatrixDeviceView);

export const UserInstanceView = z
  .object({
    id: z.string(),
    instance_id: z.string(),
    label: z.string(),
    version: z.string(),
    online: z.boolean(),
    last_seen: Time.nullable(),
    created_at: Time.nullable(),
    archived_at: Time.nullable(),
    machine_fingerprint: Text,
  })
  .meta({ id: "AdminOpenClawInstanceSummary" });
export const UserInstanceListView = z.array(UserInstanceView);

export const UserSecurityView = z
  .object({
    user_id: z.int(),
    matrix_id: Text,
    sessions: UserSessionListView,
    matrix_devices: MatrixDeviceListView,
    matrix_devices_error: Text,
    openclaw_instances: UserInstanceListView,
    flags: z.array(z.object({ code: z.string(), severity: z.string(), label: z.string(), detail: Text }).meta({ id: "AdminUserSecurityFlag" })),
  })
  .meta({ id: "AdminUserSecurityResponse" });

export const toUserSession = (session: Session): z.input<typeof UserSessionView> => ({
  id: session.id,
  device_name: session.deviceName,
  platform: session.platform,
  ip_address: session.ipAddress,
  user_agent: session.userAgent,
  is_revoked: session.revokedAt !== null,
  created_at: iso(session.createdAt),
  last_seen_at: iso(session.lastSeenAt),
  expires_at: iso(session.expiresAt),
});

export const toMatrixDevice = (device: MatrixDevice): z.input<typeof MatrixDeviceView> => ({
  device_id: device.deviceId,
  display_name: device.displayName,
  last_seen_user_agent: device.lastSeenUserAgent,
  last_seen_ip: device.lastSeenIp,
  last_seen_ts: device.lastSeenAt,
});

/** @param heard what the machine's object last heard of it, if ever */
export const toUserInstance = (row: InstanceRow, heard: { readonly online: boolean; readonly lastSeen: string } | undefined): z.input<typeof UserInstanceView> => ({
  id: String(row.id),
  instance_id: row.instanceId,
  label: row.label,
  version: row.registeredVersion,
  online: heard?.online ?? row.online,
  last_seen: heard?.lastSeen ?? null,
  created_at: iso(row.createdAt),
  archived_at: row.archivedAt === null ? null : iso(row.archivedAt),
  machine_fingerprint: row.machineFingerprint,
});
