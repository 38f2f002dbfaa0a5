import type { Ctx } from "../../kernel/context";
import { AppError } from "../../kernel/errors/app-error";
import { getEntitlements, limitOf } from "../plans";
import { listPayingAddons } from "../vm-addons";
import { countWithoutAddon, listTakenAddons } from "../vm-provisioning";

/** What pays for a machine: one of the plan's places (`addonId` null, of `included`; null: no cap), or an add-on. */
export interface Place {
  readonly addonId: string | null;
  readonly included: number | null;
  /** How many machines were without an add-on when it was chosen. */
  readonly withoutAddon: number;
}

export interface Places {
  /** Places in the plan, null: no cap. */
  readonly included: number | null;
  /** Machines that no add-on pays for. More than `included`: some have no place, and what is free is theirs. */
  readonly withoutAddon: number;
  /** Add-ons in force, oldest first, and those of them that pay for nothing yet. */
  readonly addons: readonly string[];
  readonly freeAddons: readonly string[];
  /** How many machines may still be made; null: as many as anybody likes. */
  readonly available: number | null;
}

export async function readPlaces(ctx: Ctx, tenantId: number): Promise<Places> {
  const [entitlements, withoutAddon, addons, taken] = await Promise.all([getEntitlements(ctx, tenantId), countWithoutAddon(ctx, tenantId), listPayingAddons(ctx, tenantId), listTakenAddons(ctx, tenantId)]);
  const included = limitOf({ features: entitlements.creation }, "cloud_vm_included");
  const ids = addons.map(({ id }) => id);
  const freeAddons = ids.filter((id) => !taken.has(id));
  return { included, withoutAddon, addons: ids, freeAddons, available: included === null ? null : Math.max(0, included + freeAddons.length - withoutAddon) };
}

/** The place that a new machine takes: one of the plan's, else the oldest free add-on, unless a machine without a place waits for it. @throws AppError PLAN_LIMIT {feature, limit, current} */
export async function takePlace(ctx: Ctx, tenantId: number): Promise<Place> {
  const { included, withoutAddon, addons, freeAddons, available } = await readPlaces(ctx, tenantId);
  if (included === null || withoutAddon < included) return { addonId: null, included, withoutAddon };
  const [addonId] = freeAddons;
  if (addonId !== undefined && available !== 0) return { addonId, included, withoutAddon };
  const limit = included + addons.length;
  throw new AppError("PLAN_LIMIT", limit === 0 ? "Your plan includes no cloud machines; an add-on pays for one." : `Your plan and add-ons pay for ${limit} cloud ${limit === 1 ? "machine" : "machines"}; destroy one or buy an add-on.`, {
    extras: { feature: "cloud_vm_included", limit, current: withoutAddon + addons.length - freeAddons.length },
  });
}
