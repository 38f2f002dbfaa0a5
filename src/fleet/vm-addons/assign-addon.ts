import type { z } from "zod";
import { isoOrNull } from "../../kernel/clock";
import type { OwnerCtx } from "../../kernel/context";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { notFound } from "../../kernel/errors/app-error";
import { addonEnded } from "./cancel-addon";
import { comparePlaces } from "./compare-places";
import { afterTime } from "./vm-addons.core";
import type { AssignAddonBody, AssignedAddonView, CloudVmRef } from "./vm-addons.schemas";
import { findAddon, findCloudInstance, isUnchanged, linkInstance, unlinkOthers } from "./vm-addons.store";

/**
 * Says which add-on pays for a cloud machine, or that none does. One that is cancelled may still be given: its machine goes with it.
 * @throws AppError NOT_FOUND (no cloud machine or no add-on of the caller), ADDON_ENDED
 */
export function assignAddon(ctx: OwnerCtx, input: z.output<typeof CloudVmRef> & z.output<typeof AssignAddonBody>): Promise<z.input<typeof AssignedAddonView>> {
  return retryLostUpdate(async () => {
    const tenantId = ctx.actor.userId;
    const now = ctx.clock.now();
    const [machine, addon] = await Promise.all([findCloudInstance(ctx, tenantId, input.instance_id), input.addon_id === null ? null : findAddon(ctx, tenantId, input.addon_id)]);
    if (!machine) throw notFound("Cloud machine");
    if (input.addon_id !== null && !addon) throw notFound("Add-on");
    if (addon && afterTime(addon, now).status === "expired") throw addonEnded();
    const view = { instance_id: machine.instanceId, addon_id: input.addon_id, expires_at: addon?.status === "cancelled" ? isoOrNull(addon.periodEnd) : null };
    if (machine.vmEntitlementId === input.addon_id) return view;
    const plan = new Plan(ctx).guarded(linkInstance(ctx, machine, input.addon_id, now));
    if (addon) plan.require(isUnchanged(ctx, addon)).write(unlinkOthers(ctx, tenantId, addon.id, machine.id, now));
    await plan.audit({ action: "vm_addon.assign", subject: { type: "instance", id: machine.instanceId }, detail: { addon_id: input.addon_id, from_addon_id: machine.vmEntitlementId } }).effect(comparePlaces(tenantId)).commit();
    return view;
  });
}
