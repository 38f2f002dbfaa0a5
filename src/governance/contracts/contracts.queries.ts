import type { z } from "zod";
import { instanceObject } from "../../../durable-objects/stubs";
import type { Ctx } from "../../kernel/context";
import { requireOwner } from "../../kernel/context";
import { AppError, notFound } from "../../kernel/errors/app-error";
import { refusal } from "../errors";
import { compileEffectiveContract, compileForMachines } from "./compile-contract";
import type { MachineContractView, MachineRef, TenantRef } from "./contracts.schemas";
import { findContractTenant } from "./contracts.store";
import type { EffectiveContract } from "./effective-contract.core";
import { toRuntimeContract } from "./runtime-contract.core";

/** What a tenant's agents may know and use now. @throws AppError TENANT_NOT_FOUND */
export async function getEffectiveContract(ctx: Ctx, { name }: z.output<typeof TenantRef>): Promise<EffectiveContract & { readonly contractId: string }> {
  const tenant = await findContractTenant(ctx, name);
  if (!tenant) throw refusal("TENANT_NOT_FOUND", `There is no tenant ${name}.`);
  const { contract, contractId } = await compileEffectiveContract(ctx, tenant);
  return { ...contract, contractId };
}

/** The same with everything that a runtime is held to, for the tenant's own runtimes only. @throws AppError NOT_FOUND */
export async function getRuntimeContract(ctx: Ctx, { name }: z.output<typeof TenantRef>): Promise<ReturnType<typeof toRuntimeContract>> {
  const isOwn = ctx.actor.type === "tenant" && ctx.actor.tenant === name;
  const tenant = isOwn ? await findContractTenant(ctx, name) : null;
  if (!tenant) throw notFound("Tenant");
  return toRuntimeContract(await compileForMachines(ctx, tenant, await compileEffectiveContract(ctx, tenant)));
}

/** The contract that one of the caller's machines should have. One object call. @throws AppError NOT_FOUND when it was never governed */
export async function getMachineContract(ctx: Ctx, { instanceId }: z.output<typeof MachineRef>): Promise<z.input<typeof MachineContractView>> {
  requireOwner(ctx);
  const ref = { userId: ctx.actor.userId, instanceId };
  const contract = await instanceObject(ctx.objects, ref).getContract(ref);
  if (!contract) throw new AppError("NOT_FOUND", "No tenant governs a machine of yours by this name.");
  return { ...contract };
}
