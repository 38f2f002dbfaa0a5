import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { Plan } from "../../kernel/db/client";
import { notFound } from "../../kernel/errors/app-error";
import { governed } from "../audit-trail";
import { contractsChanged } from "../contracts";
import { requireTenant } from "./require-tenant";
import type { ReleasedMachineView, TenantMachineRef } from "./tenant-machines.schemas";
import { deleteMachineLink, findMachineLinkByName } from "./tenant-machines.store";

/** Lets a machine go: it gets a last contract that says so. @throws AppError TENANT_NOT_FOUND, NOT_FOUND */
export async function detachMachine(ctx: Ctx, { name, instanceId }: z.output<typeof TenantMachineRef>): Promise<z.input<typeof ReleasedMachineView>> {
  const tenant = await requireTenant(ctx, name);
  const link = await findMachineLinkByName(ctx, tenant, instanceId);
  if (!link) throw notFound("Machine");
  const plan = new Plan(ctx)
    .guarded(deleteMachineLink(ctx, link))
    .audit(governed({ action: "tenant.detach_machine", kind: "Tenant", key: name, tenant: name, message: `Machine ${instanceId}`, before: { instanceId, owner: link.ownerEmail } }));
  contractsChanged(plan, [name]);
  await plan.commit();
  return { instanceId, status: "released" };
}
