import type { z } from "zod";
import type { TenantChange } from "../../../durable-objects/tenant/tenant.rpc";
import { tenantObject } from "../../../durable-objects/stubs";
import type { Ctx } from "../../kernel/context";
import { refusal } from "../errors";
import { changedBy, findShownRevision, project } from "../projections";
import { requireClusterTenant, toPatch } from "./tenant-input";
import { TENANT_KIND, tenantProjector } from "./tenant-projector";
import { findTenant } from "./tenants.store";
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

/** Ends the tenant, or what D1 shows of one whose object was lost; its machines are released, and the audit trail keeps its name. @throws TENANT_NOT_FOUND */
export async function deleteTenant(ctx: Ctx, { name }: Ref): Promise<z.input<typeof DeletedTenantView>> {
  const object = tenantObject(ctx.objects, name);
  const answer = await object.change({ type: "delete" }, changedBy(ctx));
  const buried = answer.kind === "ok" || !(await findTenant(ctx, name)) ? answer : await object.bury(name, changedBy(ctx), await findShownRevision(ctx, TENANT_KIND, name));
  if (buried.kind === "missing") throw tenantNotFound(name);
  await project(ctx, { object: "tenant", name }, buried.entry, tenantProjector);
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
