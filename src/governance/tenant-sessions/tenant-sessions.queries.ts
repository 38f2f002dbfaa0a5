import type { Actor } from "../../kernel/auth/actor";
import type { Ctx } from "../../kernel/context";
import { AppError } from "../../kernel/errors/app-error";
import { findSessionTenant } from "./tenant-sessions.store";
import { verifyTenantToken } from "./tenant-token";

/**
 * Which tenant this token speaks for; null when it is none, has ended, was cut, or when the tenant is gone.
 * @throws AppError FORBIDDEN (TENANT_SUSPENDED)
 */
export async function authenticateTenantToken(ctx: Ctx, token: string): Promise<Extract<Actor, { type: "tenant" }> | null> {
  const claims = await verifyTenantToken(ctx.config, token, ctx.clock.now());
  if (!claims) return null;
  const tenant = await findSessionTenant(ctx, claims.tenant);
  if (tenant?.epoch !== claims.epoch || tenant.bornRevision !== claims.bornRevision) return null;
  if (tenant.suspended) throw new AppError("FORBIDDEN", "The tenant is suspended.", { reason: "TENANT_SUSPENDED" });
  return { type: "tenant", id: `tenant:${tenant.name}`, tenant: tenant.name, expiresAt: claims.expiresAt, epoch: claims.epoch };
}
