import type { z } from "zod";
import { memberUpgrade, tenantObject } from "../../../durable-objects/stubs";
import type { Ctx } from "../../kernel/context";
import { AppError } from "../../kernel/errors/app-error";
import { tenantNotFound } from "./change-tenant";
import type { TenantRef } from "./tenants.schemas";

/**
 * A member's socket: how the tenant is, and each change of it. It lives as long as its token; who still belongs to the tenant then gets a new one and comes
 * again.
 * @throws UPGRADE_REQUIRED, TENANT_NOT_FOUND (another's tenant too), FORBIDDEN (suspended or cut meanwhile)
 */
export async function openTenantSocket(ctx: Ctx, { name }: z.output<typeof TenantRef>, request: Request): Promise<Response> {
  const { actor } = ctx;
  if (actor.type !== "tenant" || actor.tenant !== name) throw tenantNotFound(name);
  if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") throw new AppError("UPGRADE_REQUIRED", "Send `Upgrade: websocket`.");
  const { status, webSocket } = await tenantObject(ctx.objects, name).fetch(memberUpgrade(actor));
  if (status === 403) throw new AppError("FORBIDDEN", "The tenant is suspended, or its sessions were cut.");
  if (!webSocket) throw status === 404 ? tenantNotFound(name) : new AppError("OVERLOADED", "The socket could not be opened; try again shortly.", { retryAfterSeconds: 2 });
  return new Response(null, { status: 101, webSocket });
}
