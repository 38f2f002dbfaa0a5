import type { z } from "zod";
import { instanceObject } from "../../../durable-objects/stubs";
import type { Ctx } from "../../kernel/context";
import { notFound } from "../../kernel/errors/app-error";
import { describeError } from "../../kernel/logging/logger";
import { requireTenant } from "./require-tenant";
import { toBotView, toMachineView, type ListQuery, type TenantBotListView, type TenantBotView, type TenantMachineListView, type TenantMachineView, type TenantRef } from "./tenant-machines.schemas";
import { listBotsOfMachines, listMachines, listOwnBots, type ListedMachine, type LivingTenant } from "./tenant-machines.store";

/** Bots of machines in one list. */
const MAX_BOTS_OF_MACHINES = 1_000;

/** A page of the machines that a tenant governs, with what each says of its contract. @throws AppError TENANT_NOT_FOUND */
export async function listTenantMachines(ctx: Ctx, { name }: z.output<typeof TenantRef>, page: z.output<typeof ListQuery>): Promise<z.input<typeof TenantMachineListView>> {
  const tenant = await requireTenant(ctx, name);
  const machines = await listMachines(ctx, tenant, page);
  return Promise.all(machines.map((machine) => show(ctx, tenant, machine)));
}

/** One machine as {@link listTenantMachines} shows it. @throws AppError NOT_FOUND */
export async function showTenantMachine(ctx: Ctx, tenant: LivingTenant, instanceId: string): Promise<z.input<typeof TenantMachineView>> {
  const [machine] = await listMachines(ctx, tenant, { after: "", limit: 1, only: instanceId });
  if (!machine) throw notFound("Machine");
  return show(ctx, tenant, machine);
}

async function show(ctx: Ctx, tenant: LivingTenant, machine: ListedMachine): Promise<z.input<typeof TenantMachineView>> {
  const ref = { userId: machine.userId, instanceId: machine.instanceId };
  const facts = await instanceObject(ctx.objects, ref)
    .getGovernance(ref)
    .catch((error: unknown) => {
      ctx.log.warn("a machine's object could not be asked", { event: "tenant_machines.unknown", instance_id: machine.instanceId, ...describeError(error) });
      return null;
    });
  return toMachineView(machine, tenant.name, facts);
}

/** The bots that a tenant owns, and those on its machines, by id. @throws AppError TENANT_NOT_FOUND */
export async function listTenantBots(ctx: Ctx, { name }: z.output<typeof TenantRef>): Promise<z.input<typeof TenantBotListView>> {
  const tenant = await requireTenant(ctx, name);
  const [own, others] = await Promise.all([listOwnBots(ctx, tenant), listBotsOfMachines(ctx, tenant, MAX_BOTS_OF_MACHINES)]);
  const byId = new Map<string, z.input<typeof TenantBotView>>();
  for (const bot of others) byId.set(bot.botId, toBotView(bot, "machine"));
  for (const bot of own) byId.set(bot.botId, toBotView(bot, "tenant"));
  return [...byId.values()].sort((a, b) => (a.botId < b.botId ? -1 : 1));
}
