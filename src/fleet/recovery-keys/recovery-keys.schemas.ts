import { z } from "zod";
import { iso } from "../../kernel/clock";
import type { RecoveryKey } from "./recovery-keys.store";

const Key = z.string().min(1).max(4_096);
const Device = z.string().min(1).max(255);

export const RecoveryKeyRef = z.object({ user_id: z.coerce.number().int() });

export const StoreRecoveryKeyBody = z.object({ recovery_key: Key, device_id: Device }).meta({ id: "StoreRecoveryKeyRequest" });

export const UpdateRecoveryKeyBody = z.object({ recovery_key: Key, device_id: Device, reason: z.string().max(500).nullish() }).meta({ id: "UpdateRecoveryKeyRequest" });

export const RecoveryKeyStoredView = z.object({ success: z.boolean(), message: z.string() }).meta({ id: "RecoveryKeyStoredResponse" });

export const RecoveryKeyExistsView = z.object({ exists: z.boolean() }).meta({ id: "RecoveryKeyExistsResponse" });

export const RecoveryKeyView = z
  .object({ recovery_key: z.string(), created_at: z.string(), created_by_device: z.string().nullable() })
  .meta({ id: "RecoveryKeyResponse" });

export const toRecoveryKeyView = (row: RecoveryKey, plaintext: string): z.input<typeof RecoveryKeyView> => ({
  recovery_key: plaintext,
  created_at: iso(row.createdAt),
  created_by_device: row.deviceId,
});
