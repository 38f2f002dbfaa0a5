import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { Plan } from "../../kernel/db/client";
import { governed } from "../audit-trail";
import { requireOwnTenant } from "./own-tenant";
import type { CutView } from "./tenant-sessions.schemas";
import { countBrokered, deleteBrokered, raiseEpoch } from "./tenant-sessions.store";

/** Ends every session token of the caller's tenant at once, other people's too. @throws those of {@link requireOwnTenant} */
export async function cutTenantSessions(ctx: Ctx): Promise<z.input<typeof CutView>> {
  const { tenant } = await requireOwnTenant(ctx);
  const now = ctx.clock.now();
  const held = await countBrokered(ctx, tenant.name, now);
  await new Plan(ctx)
    .write(raiseEpoch(ctx, tenant.name, now))
    .write(deleteBrokered(ctx, tenant.name))
    .audit(governed({ action: "tenant_session.cut", kind: "Tenant", key: tenant.name, tenant: tenant.name, before: { holders: held } }))
    .commit();
  // The machine goes on: only suspending the tenant stops it.
  return { status: "cut", tenant: tenant.name, scope: "tenant", revokedDevices: held, podForceDeleted: false, gatewayRevoke: { ok: true, revokedCount: held, message: "Every token issued before now is refused." } };
}
