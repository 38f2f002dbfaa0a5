import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { Plan } from "../../kernel/db/client";
import { notFound } from "../../kernel/errors/app-error";
import { governed } from "../audit-trail";
import { contractsChanged } from "../contracts";
import { requireTenant } from "./require-tenant";
import type { ReleasedBotView, TenantBotRef } from "./tenant-machines.schemas";
import { deleteBotLink, findBotLink } from "./tenant-machines.store";

/** Takes a bot from the tenant; one on its machines stays governed by them. @throws AppError TENANT_NOT_FOUND, NOT_FOUND */
export async function detachBot(ctx: Ctx, { name, botId }: z.output<typeof TenantBotRef>): Promise<z.input<typeof ReleasedBotView>> {
  await requireTenant(ctx, name);
  const link = await findBotLink(ctx, botId);
  if (link?.tenant !== name) throw notFound("Bot");
  const plan = new Plan(ctx)
    .guarded(deleteBotLink(ctx, link))
    .audit(governed({ action: "tenant.detach_bot", kind: "Tenant", key: name, tenant: name, message: `Bot ${botId}`, before: { botId, owner: link.ownerEmail } }));
  contractsChanged(plan, [name]);
  await plan.commit();
  return { botId, status: "released" };
}
