import type { z } from "zod";
import { directoryObject, tenantObject } from "../../../durable-objects/stubs";
import type { CreateAnswer } from "../../../durable-objects/tenant/tenant.rpc";
import type { Ctx } from "../../kernel/context";
import { AppError } from "../../kernel/errors/app-error";
import { refusal } from "../errors";
import { changedBy, findShownRevision, project } from "../projections";
import { requireClusterTenant, toSpec } from "./tenant-input";
import { TENANT_KIND, tenantProjector } from "./tenant-projector";
import type { CreatedTenantView, CreateTenantBody } from "./tenants.schemas";

/**
 * Begins a tenant: a reservation in the directory, then the tenant's object, then D1. Where this breaks off: before the object is
 * written there is no tenant, and the reservation says nothing but "ask"; afterwards there is one, its object brings it to D1, and
 * the same creation again finishes it.
 * @throws CONFLICT when the name is taken, VALIDATION_ERROR, UPSTREAM_ERROR
 */
export async function createTenant(ctx: Ctx, body: z.output<typeof CreateTenantBody>): Promise<z.input<typeof CreatedTenantView>> {
  const { name } = body;
  await requireClusterTenant(ctx, body.clusterTenantRef);
  const { entry } = await begin(ctx, body).catch((cause: unknown) => {
    throw refusal("UPSTREAM_ERROR", "The tenant's object cannot be reached; try again shortly.", { cause });
  });
  if (!entry) throw new AppError("CONFLICT", `There is already a tenant named ${name}.`);
  await project(ctx, { object: "tenant", name }, entry, tenantProjector);
  return { name, status: "created" };
}

async function begin(ctx: Ctx, body: z.output<typeof CreateTenantBody>): Promise<CreateAnswer> {
  const [floor] = await Promise.all([findShownRevision(ctx, TENANT_KIND, body.name), directoryObject(ctx.objects).reserve(body.name)]);
  return tenantObject(ctx.objects, body.name).create(body.name, toSpec(body), changedBy(ctx), floor);
}
