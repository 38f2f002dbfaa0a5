import { z } from "zod";
import { tenantObject } from "../../../durable-objects/stubs";
import type { Ctx } from "../../kernel/context";
import { Plan } from "../../kernel/db/client";
import type { EffectHandler } from "../../kernel/outbox/drain";
import { governed } from "../audit-trail";
import { requireOwnTenant } from "./own-tenant";
import type { CutView } from "./tenant-sessions.schemas";
import { countBrokered, deleteBrokered, findSessionTenant, raiseEpoch } from "./tenant-sessions.store";

const Cut = z.object({ tenant: z.string() });

/** Ends every session token of the caller's tenant at once, other people's too, and the sockets that they opened. @throws those of {@link requireOwnTenant} */
export async function cutTenantSessions(ctx: Ctx): Promise<z.input<typeof CutView>> {
  const { tenant } = await requireOwnTenant(ctx);
  const now = ctx.clock.now();
  const held = await countBrokered(ctx, tenant.name, now);
  await new Plan(ctx)
    .write(raiseEpoch(ctx, tenant.name, now))
    .write(deleteBrokered(ctx, tenant.name))
    .audit(governed({ action: "tenant_session.cut", kind: "Tenant", key: tenant.name, tenant: tenant.name, before: { holders: held } }))
    .effect({ type: "tenant_sessions.cut", payload: { tenant: tenant.name } satisfies z.input<typeof Cut> })
    .commit();
  // The machine goes on: only suspending the tenant stops it.
  return { status: "cut", tenant: tenant.name, scope: "tenant", revokedDevices: held, podForceDeleted: false, gatewayRevoke: { ok: true, revokedCount: held, message: "Every token issued before now is refused." } };
}

/** Ends the sockets that tokens of before the cut opened. A tenant that is gone has ended all of its own. */
export const cutSockets: EffectHandler = async (ctx, payload) => {
  const tenant = await findSessionTenant(ctx, Cut.parse(payload).tenant);
  if (tenant) await tenantObject(ctx.objects, tenant.name).cutMembers(tenant.epoch);
};
