import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { AppError, notFound } from "../../kernel/errors/app-error";
import { forgetEntitlements, getCatalogue } from "../plans";
import { changed, differenceOf, findTakenPrice, type Prices } from "./plan-admin.core";
import { changedPrices, toAddonView, toPlanView, type AddonRef, type PlanRef, type UpdateAddonBody, type UpdatedAddonView, type UpdatedPlanView, type UpdatePlanBody } from "./plan-admin.schemas";
import { isOnlyPriceChangeSince, listAddonRows, priceStampOf, updateAddonRow, updatePlanRow } from "./plan-admin.store";

/**
 * Changes how a plan is shown and sold; what changes nothing is not written. Who is on a plan that is no longer active stays on it.
 * @throws AppError NOT_FOUND, CONFLICT (a price id that sells something else)
 */
export async function updatePlan(ctx: OwnerCtx, input: z.output<typeof PlanRef> & z.output<typeof UpdatePlanBody>): Promise<z.input<typeof UpdatedPlanView>> {
  const updated = await retryLostUpdate(async () => {
    const now = ctx.clock.now();
    const [{ plans }, addons] = await Promise.all([getCatalogue(ctx, { fresh: true }), listAddonRows(ctx)]);
    const plan = plans.find(({ id }) => id === input.plan_id);
    if (!plan) throw notFound("Plan");
    const change = {
      name: input.display_name ?? plan.name,
      description: changed(input.description, plan.description),
      webPrice: changed(input.web_price, plan.webPrice),
      monthlyWebPrice: changed(input.monthly_web_price, plan.monthlyWebPrice),
      yearlyWebPrice: changed(input.yearly_web_price, plan.yearlyWebPrice),
      iosPrice: changed(input.ios_price, plan.iosPrice),
      isActive: input.is_active ?? plan.isActive,
      isPublic: input.is_public ?? plan.isPublic,
      ...changedPrices(input, plan),
    };
    const detail = differenceOf(plan, change);
    if (!detail) return plan;
    requireOwnPrices(change, [...plans.filter((other) => other !== plan), ...addons]);
    await new Plan(ctx)
      .guarded(updatePlanRow(ctx, plan, change, now))
      .require(isOnlyPriceChangeSince(priceStampOf(plans, addons)))
      .audit({ action: "plan.update", tenantId: null, subject: { type: "plan", id: plan.id }, detail: { key: plan.key, ...detail } })
      .commit();
    return { ...plan, ...change, updatedAt: now };
  });
  forgetEntitlements(null);
  return { ok: true, plan: toPlanView(updated) };
}

/** The same for an add-on. @throws AppError NOT_FOUND, CONFLICT (a price id that sells something else) */
export async function updateAddon(ctx: OwnerCtx, input: z.output<typeof AddonRef> & z.output<typeof UpdateAddonBody>): Promise<z.input<typeof UpdatedAddonView>> {
  const updated = await retryLostUpdate(async () => {
    const now = ctx.clock.now();
    const [{ plans }, addons] = await Promise.all([getCatalogue(ctx, { fresh: true }), listAddonRows(ctx)]);
    const addon = addons.find(({ id }) => id === input.addon_id);
    if (!addon) throw notFound("Add-on");
    const change = {
      displayName: input.display_name ?? addon.displayName,
      monthlyPrice: changed(input.monthly_price, addon.monthlyPrice),
      isActive: input.is_active ?? addon.isActive,
      ...changedPrices(input, addon),
    };
    const detail = differenceOf(addon, change);
    if (!detail) return addon;
    requireOwnPrices(change, [...plans, ...addons.filter((other) => other !== addon)]);
    await new Plan(ctx)
      .guarded(updateAddonRow(ctx, addon, change, now))
      .require(isOnlyPriceChangeSince(priceStampOf(plans, addons)))
      .audit({ action: "subscription_addon.update", tenantId: null, subject: { type: "subscription_addon", id: addon.id }, detail: { key: addon.key, ...detail } })
      .commit();
    return { ...addon, ...change, updatedAt: now };
  });
  return { ok: true, addon: toAddonView(updated) };
}

/** @throws AppError CONFLICT {field} */
function requireOwnPrices(prices: Prices, others: readonly Prices[]): void {
  const taken = findTakenPrice(prices, others);
  if (taken) throw new AppError("CONFLICT", "This price or product id sells something else already.", { extras: { field: taken.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`) } });
}
