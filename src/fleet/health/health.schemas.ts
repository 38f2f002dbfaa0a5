import { z } from "zod";

const Time = z.iso.datetime();

export const RootView = z.object({ message: z.string(), status: z.string(), timestamp: Time }).meta({ id: "RootResponse" });

export const HealthView = z
  .object({
    ok: z.boolean(),
    status: z.string(),
    timestamp: Time,
    message: z.string().nullable(),
    error: z.string().nullable(),
    environment: z.string(),
    release: z.string(),
  })
  .meta({ id: "HealthResponse" });

export const DbHealthView = z.object({ ok: z.boolean(), database: z.string() }).meta({ id: "DbHealthResponse" });

export const KmsHealthView = z
  .object({ kms_arn_set: z.boolean(), kms_client_initialized: z.boolean(), kms_key_arn_set: z.boolean(), status: z.string(), encryption_test: z.string().nullable() })
  .meta({ id: "KmsHealthResponse" });

export const RedisHealthView = z.object({ ok: z.boolean(), redis: z.string() }).meta({ id: "RedisHealthResponse" });

export const PushHealthView = z
  .object({ status: z.string(), sygnal_accessible: z.boolean(), sygnal_url: z.string(), timestamp: Time })
  .meta({ id: "PushHealthResponse" });

/** The public half of every signing key, newest first (RFC 7517). */
export const JwksView = z
  .object({ keys: z.array(z.object({ kty: z.string(), crv: z.string(), x: z.string(), y: z.string(), kid: z.string(), alg: z.string(), use: z.string() })) })
  .meta({ id: "JwksResponse" });
