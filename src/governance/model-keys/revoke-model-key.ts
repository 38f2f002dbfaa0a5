import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { Plan } from "../../kernel/db/client";
import { governed } from "../audit-trail";
import { refusal } from "../errors";
import type { RevokedModelKeyView, TenantKeyRef } from "./model-keys.schemas";
import { findTenantWithKey, revokeLivingKey } from "./model-keys.store";

/** Ends a tenant's model key at once. May be repeated, and there may be none. @throws AppError TENANT_NOT_FOUND */
export async function revokeModelKey(ctx: Ctx, { tenantName }: z.output<typeof TenantKeyRef>): Promise<z.input<typeof RevokedModelKeyView>> {
  const tenant = await findTenantWithKey(ctx, tenantName);
  if (!tenant) throw refusal("TENANT_NOT_FOUND", "There is no such tenant.");
  const lived = tenant.key !== null && tenant.key.revokedAt === null;
  await new Plan(ctx)
    .write(revokeLivingKey(ctx, tenantName, ctx.clock.now()))
    .audit(governed({ action: "model_key.revoke", kind: "Tenant", key: tenantName, tenant: tenantName, after: { secretDeleted: lived } }))
    .commit();
  return { name: tenantName, status: "revoked", secretDeleted: lived };
}
