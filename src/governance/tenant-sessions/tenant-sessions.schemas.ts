import { z } from "zod";

export const TenantSessionView = z
  .object({
    token: z.string().meta({ description: "Speaks for the tenant, for minutes" }),
    expiresAt: z.iso.datetime(),
    tenant: z.string(),
    ingressHost: z.string(),
    audience: z.string(),
    gatewayUrl: z.string().meta({ description: "The tenant's WebSocket; send the token as `?token=` or as bearer" }),
    bootstrapToken: z.null(),
  })
  .meta({ id: "TenantSession" });

export const CutView = z
  .object({
    status: z.literal("cut"),
    tenant: z.string(),
    scope: z.enum(["tenant", "subject"]),
    revokedDevices: z.int(),
    podForceDeleted: z.boolean(),
    gatewayRevoke: z.object({ ok: z.boolean(), revokedCount: z.int(), message: z.string() }),
  })
  .meta({ id: "TenantSessionsCut" });
