import type { z } from "zod";
import { accountFeedObject, instanceObject } from "../../../durable-objects/stubs";
import type { OwnerCtx } from "../../kernel/context";
import { notFound } from "../../kernel/errors/app-error";
import { findVm, isInFlight, listVmRows } from "../vm-provisioning";
import { toCloudVmItem, toInFlightItem, toProvisionStatus, type CloudVmListView, type InFlightListView, type ProvisionStatusView } from "./cloud-vms.schemas";
import { readPlaces } from "./take-place";

/** Reads of cloud machines. None asks the provider: a look must neither wake a machine nor wait for one. */

const LIST_MAX = 500;

/** All of the caller's, with what may still be made. */
export async function listCloudVms(ctx: OwnerCtx): Promise<z.input<typeof CloudVmListView>> {
  const { userId } = ctx.actor;
  const [rows, machines, places] = await Promise.all([listVmRows(ctx, userId, LIST_MAX), accountFeedObject(ctx.objects, userId).listMachines(userId), readPlaces(ctx, userId)]);
  const online = new Map(machines.map(({ instanceId, reachable }) => [instanceId, reachable]));
  return {
    cloud_vms: rows.map((row) => toCloudVmItem(row, online.get(row.vm.instanceId) ?? false)),
    included: places.included ?? -1,
    addons: places.addons.length,
    available: places.available ?? -1,
  };
}

/** Those that are still coming to be. */
export async function listInFlight(ctx: OwnerCtx): Promise<z.input<typeof InFlightListView>> {
  const rows = await listVmRows(ctx, ctx.actor.userId, LIST_MAX);
  return rows.filter(({ vm }) => isInFlight(vm.status)).map(({ vm }) => toInFlightItem(vm));
}

/** How far one of the caller's machines is, and whether it is heard. @throws AppError NOT_FOUND */
export async function getProvisionStatus(ctx: OwnerCtx, instanceId: string): Promise<z.input<typeof ProvisionStatusView>> {
  const ref = { userId: ctx.actor.userId, instanceId };
  const [vm, summary] = await Promise.all([findVm(ctx, ref.userId, instanceId), instanceObject(ctx.objects, ref).getSummary(ref)]);
  if (!vm) throw notFound("Cloud machine");
  return toProvisionStatus(vm, summary?.reachable ?? false);
}
