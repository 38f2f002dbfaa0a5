import type { z } from "zod";
import { memberUpgrade, tenantObject } from "../../../durable-objects/stubs";
import { HOUR_MS } from "../../kernel/clock";
import type { Ctx } from "../../kernel/context";
import { AppError } from "../../kernel/errors/app-error";
import { tenantNotFound } from "./change-tenant";
import type { TenantRef } from "./tenants.schemas";

/** Longest life of a member's socket: who still belongs to the tenant then gets a new token and comes again. */
const SOCKET_MS = HOUR_MS;

/** A member's socket: how the tenant is, and each change of it. @throws UPGRADE_REQUIRED, TENANT_NOT_FOUND (another's tenant too) */
export async function openTenantSocket(ctx: Ctx, { name }: z.output<typeof TenantRef>, request: Request): Promise<Response> {
  if (ctx.actor.type !== "tenant" || ctx.actor.tenant !== name) throw tenantNotFound(name);
  if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") throw new AppError("UPGRADE_REQUIRED", "Send `Upgrade: websocket`.");
  const { status, webSocket } = await tenantObject(ctx.objects, name).fetch(memberUpgrade(ctx.clock.now() + SOCKET_MS));
  if (!webSocket) throw status === 404 ? tenantNotFound(name) : new AppError("OVERLOADED", "The socket could not be opened; try again shortly.", { retryAfterSeconds: 2 });
  return new Response(null, { status: 101, webSocket });
}
