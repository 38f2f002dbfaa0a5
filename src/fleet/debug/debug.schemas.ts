import { z } from "zod";

export const ApnsConfigView = z
  .object({
    status: z.enum(["not_configured", "healthy", "unhealthy"]),
    push_gateway_configured: z.boolean(),
    push_gateway_url: z.string().nullable(),
    push_gateway_accessible: z.boolean(),
    device_check_configured: z.boolean(),
    message: z.string(),
  })
  .meta({ id: "ApnsConfigReport" });

export const TestIosView = z.object({ success: z.boolean(), message: z.string() }).meta({ id: "TestIosResponse" });

export const DebugUserRef = z.object({ user_id: z.coerce.number().int() });

export const SecretStorageView = z
  .object({
    user_id: z.int(),
    matrix_id: z.string().nullable(),
    matrix_account_exists: z.boolean(),
    recovery_key_stored: z.boolean(),
    has_default_key: z.boolean(),
    default_key_described: z.boolean(),
    key_count: z.int(),
    cross_signing: z.object({ "m.cross_signing.master": z.boolean(), "m.cross_signing.self_signing": z.boolean(), "m.cross_signing.user_signing": z.boolean() }).meta({ id: "CrossSigningReport" }),
    has_backup_key: z.boolean(),
    complete: z.boolean(),
  })
  .meta({ id: "MatrixSecretStorageReport" });

export const RecoveryKeyTestView = z
  .object({
    user_id: z.int(),
    matrix_id: z.string().nullable(),
    recovery_key_stored: z.boolean(),
    recovery_key_readable: z.boolean().nullable().describe("Whether the stored one opens; null when there is none."),
    can_store: z.boolean().describe("Whether one would be sealed and open again. Nothing is stored."),
    stored_at: z.iso.datetime().nullable(),
  })
  .meta({ id: "RecoveryKeyTestReport" });
