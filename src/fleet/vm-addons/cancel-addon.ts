import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { AppError, notFound } from "../../kernel/errors/app-error";
import type { CancelChange, Payments } from "../../kernel/ports/payments";
import { requirePayments } from "../payments";
import { applyAddonSubscription } from "./record-addon";
import { afterTime } from "./vm-addons.core";
import { toAddonView, type AddonRef, type CancelledAddonView } from "./vm-addons.schemas";
import { findAddon, findInstanceOfAddon, type Addon } from "./vm-addons.store";

/** Where people end what they bought in the App Store. */
const APPLE_SUBSCRIPTIONS_URL = "https://apps.apple.com/account/subscriptions";

export const addonEnded = (): AppError => new AppError("ADDON_ENDED", "This add-on has ended.");

/**
 * Lets an add-on end with what was paid for. Again it is the same answer.
 * @throws AppError NOT_FOUND, ADDON_MANAGED_BY_APPLE {manage_url}, ADDON_ENDED, DEPENDENCY_UNAVAILABLE, BAD_GATEWAY
 */
export async function cancelAddon(ctx: OwnerCtx, { addon_id }: z.output<typeof AddonRef>): Promise<z.input<typeof CancelledAddonView>> {
  const tenantId = ctx.actor.userId;
  const row = await findAddon(ctx, tenantId, addon_id);
  if (!row) throw notFound("Add-on");
  if (row.source === "apple") {
    throw new AppError("ADDON_MANAGED_BY_APPLE", "This add-on was bought in the App Store; cancel it in the settings of your iPhone.", { extras: { manage_url: APPLE_SUBSCRIPTIONS_URL } });
  }
  if (afterTime(row, ctx.clock.now()).status === "expired") throw addonEnded();
  const after = row.status === "cancelled" ? row : await cancelAtProvider(ctx, row);
  const instanceId = (await findInstanceOfAddon(ctx, tenantId, row.id))?.instanceId ?? null;
  return { ...toAddonView(after, instanceId), message: "The add-on ends with the period that is paid for." };
}

/** The same state set twice is harmless there, so two at once need no claim. */
async function cancelAtProvider(ctx: OwnerCtx, row: Addon): Promise<Addon> {
  const payments = requirePayments(ctx);
  const readAt = ctx.clock.now();
  const change = await setCancelled(payments, row.externalId);
  if (change.kind === "changed") {
    return (await applyAddonSubscription(ctx, row.tenantId, change.subscription, readAt, { action: "vm_addon.cancel", detail: { external_id: row.externalId } })) ?? row;
  }
  const paid = await payments.getSubscription(row.externalId);
  if (paid) await applyAddonSubscription(ctx, row.tenantId, paid, readAt);
  throw addonEnded();
}

async function setCancelled(payments: Payments, subscriptionId: string): Promise<CancelChange> {
  const change = await payments.setCancelAtPeriodEnd(subscriptionId, true);
  if (change.kind !== "managed_by_schedule") return change;
  // Nobody but an operator puts a schedule on an add-on; the owner's word counts more.
  await payments.releaseSchedule(change.scheduleId);
  return payments.setCancelAtPeriodEnd(subscriptionId, true);
}
