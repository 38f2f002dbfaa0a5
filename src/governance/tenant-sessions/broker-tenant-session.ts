import type { z } from "zod";
import { iso } from "../../kernel/clock";
import { webOrigin, type Ctx } from "../../kernel/context";
import { Plan } from "../../kernel/db/client";
import { governed } from "../audit-trail";
import { governanceConfig } from "../config";
import { refusal } from "../errors";
import { requireOwnTenant } from "./own-tenant";
import type { TenantSessionView } from "./tenant-sessions.schemas";
import { upsertBrokered } from "./tenant-sessions.store";
import { issueTenantToken, TENANT_AUDIENCE } from "./tenant-token";

/** Gives the signed-in person a short-lived token of their tenant. @throws those of {@link requireOwnTenant}; POD_NOT_READY while the tenant does not run */
export async function brokerTenantSession(ctx: Ctx): Promise<z.input<typeof TenantSessionView>> {
  const { session, tenant } = await requireOwnTenant(ctx);
  if (tenant.phase !== "Running") throw refusal("POD_NOT_READY", `The tenant is not running: ${tenant.phase}.`);
  const now = ctx.clock.now();
  const { token, expiresAt } = await issueTenantToken(ctx.config, { tenant: tenant.name, bornRevision: tenant.bornRevision, epoch: tenant.epoch, subject: session.subject }, now);
  await new Plan(ctx)
    .write(upsertBrokered(ctx, tenant.name, session.subject, now, expiresAt))
    .audit(governed({ action: "tenant_session.create", kind: "Tenant", key: tenant.name, tenant: tenant.name, after: { subject: session.subject, expires_at: expiresAt } }))
    .commit();
  const { host } = new URL(webOrigin(ctx));
  const baseDomain = tenant.baseDomain ?? governanceConfig(ctx).tenants.baseDomain;
  return {
    token,
    expiresAt: iso(expiresAt),
    tenant: tenant.name,
    ingressHost: baseDomain === null ? host : `${tenant.name}.${baseDomain}`,
    audience: TENANT_AUDIENCE,
    gatewayUrl: `wss://${host}/api/v1/tenants/${encodeURIComponent(tenant.name)}/socket`,
    bootstrapToken: null,
  };
}
