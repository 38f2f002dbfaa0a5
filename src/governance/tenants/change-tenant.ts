import type { z } from "zod";
import type { TenantChange } from "../../../durable-objects/tenant/tenant.rpc";
import { tenantObject } from "../../../durable-objects/stubs";
import type { Ctx } from "../../kernel/context";
import { refusal } from "../errors";
import { changedBy, project } from "../projections";
import { requireClusterTenant, toPatch } from "./tenant-input";
import { tenantProjector } from "./tenant-projector";
import type { DeletedTenantView, ResumedTenantView, SuspendedTenantView, TenantRef, UpdatedTenantView, UpdateTenantBody } from "./tenants.schemas";

type Ref = z.output<typeof TenantRef>;

/** The refusal of a name that is no tenant's. */
export const tenantNotFound = (name: string) => refusal("TENANT_NOT_FOUND", `Tenant ${name} not found.`);

/** Asks the tenant's object for a change and makes D1 show it. @throws TENANT_NOT_FOUND */
export async function changeTenant(ctx: Ctx, name: string, change: TenantChange): Promise<void> {
  const answer = await tenantObject(ctx.objects, name).change(change, changedBy(ctx));
  if (answer.kind === "missing") throw tenantNotFound(name);
  await project(ctx, { object: "tenant", name }, answer.entry, tenantProjector);
}

/** Changes what the body names. @throws TENANT_NOT_FOUND, VALIDATION_ERROR */
export async function updateTenant(ctx: Ctx, { name }: Ref, body: z.output<typeof UpdateTenantBody>): Promise<z.input<typeof UpdatedTenantView>> {
  const patch = toPatch(body);
  await requireClusterTenant(ctx, patch.clusterTenantRef);
  await changeTenant(ctx, name, { type: "update", patch });
  return { name, status: "updated" };
}

/** Ends the tenant; its machines are released, and the audit trail keeps its name. @throws TENANT_NOT_FOUND */
export async function deleteTenant(ctx: Ctx, { name }: Ref): Promise<z.input<typeof DeletedTenantView>> {
  await changeTenant(ctx, name, { type: "delete" });
  return { name, status: "deleted" };
}

/** Stops the tenant's machines until it is resumed. @throws TENANT_NOT_FOUND */
export async function suspendTenant(ctx: Ctx, { name }: Ref): Promise<z.input<typeof SuspendedTenantView>> {
  await changeTenant(ctx, name, { type: "suspend" });
  return { name, status: "suspended" };
}

/** @throws TENANT_NOT_FOUND */
export async function resumeTenant(ctx: Ctx, { name }: Ref): Promise<z.input<typeof ResumedTenantView>> {
  await changeTenant(ctx, name, { type: "resume" });
  return { name, status: "resumed" };
}
