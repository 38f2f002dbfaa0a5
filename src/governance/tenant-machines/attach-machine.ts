import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { AppError, notFound } from "../../kernel/errors/app-error";
import { governed } from "../audit-trail";
import { contractsChanged } from "../contracts";
import { requireAccountId, requireTenant } from "./require-tenant";
import { showTenantMachine } from "./tenant-machines.queries";
import type { OwnerBody, TenantMachineRef, TenantMachineView } from "./tenant-machines.schemas";
import { countMachines, dropDeadMachineLink, findMachineLink, findMachineRow, machineIsThere, tenantLives, upsertMachineLink, type LivingTenant } from "./tenant-machines.store";

/** Machines of one tenant: each change of what it may do is brought to all of them. */
const MAX_MACHINES = 500;

/**
 * Puts a machine under a tenant's contract: its owner's account must be verified and active. The same again says who owns it and
 * changes nothing else.
 * @throws AppError TENANT_NOT_FOUND, NOT_FOUND for machines that are unknown or not the owner's, CONFLICT when another tenant has it
 */
export async function attachMachine(ctx: Ctx, { name, instanceId }: z.output<typeof TenantMachineRef>, body: z.output<typeof OwnerBody>): Promise<z.input<typeof TenantMachineView>> {
  const tenant = await retryLostUpdate(() => link(ctx, name, instanceId, body));
  return showTenantMachine(ctx, tenant, instanceId);
}

async function link(ctx: Ctx, name: string, instanceId: string, body: z.output<typeof OwnerBody>): Promise<LivingTenant> {
  const tenant = await requireTenant(ctx, name);
  const ownerEmail = body.owner ?? tenant.email;
  const userId = await requireAccountId(ctx, ownerEmail, "Machine");
  const instanceRow = await findMachineRow(ctx, userId, instanceId);
  if (instanceRow === null) throw notFound("Machine");
  const [known, machines] = await Promise.all([findMachineLink(ctx, instanceRow), countMachines(ctx, name)]);
  if (known && known.tenant !== name) throw new AppError("CONFLICT", "Another tenant governs this machine.");
  if (!known && machines >= MAX_MACHINES) throw new AppError("CONFLICT", `A tenant governs at most ${MAX_MACHINES} machines.`);
  const now = ctx.clock.now();
  const plan = new Plan(ctx)
    .require(tenantLives(ctx, tenant))
    .require(machineIsThere(ctx, instanceRow))
    .write(dropDeadMachineLink(ctx, instanceRow))
    .guarded(upsertMachineLink(ctx, { instanceRow, instanceId, tenant: name, tenantBorn: tenant.born, userId, ownerEmail, createdAt: now, updatedAt: now }))
    .audit(governed({ action: "tenant.attach_machine", kind: "Tenant", key: name, tenant: name, message: `Machine ${instanceId}`, after: { instanceId, owner: ownerEmail } }));
  contractsChanged(plan, [name]);
  await plan.commit();
  return tenant;
}
