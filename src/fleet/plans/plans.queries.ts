import type { z } from "zod";
import type { Ctx, OwnerCtx } from "../../kernel/context";
import { getCatalogue, getEntitlements } from "./entitlements";
import { toPlanList, toPlanOffer, type PlanListView, type PricingView } from "./plans.schemas";

/** Plans that can be had, lowest first, with what they cost and allow. Without a payment provider the live prices count. */
export async function getPricing(ctx: Ctx): Promise<z.input<typeof PricingView>> {
  const catalogue = await getCatalogue(ctx);
  const sandbox = ctx.config.stripe?.sandbox ?? false;
  return { plans: catalogue.plans.filter((plan) => plan.isActive && plan.isPublic).map((plan) => toPlanOffer(plan, catalogue, sandbox)) };
}

/** The same, and which of them the caller is on: none while they are on a plan that is not for sale, such as the trial. */
export async function listPlans(ctx: OwnerCtx): Promise<z.input<typeof PlanListView>> {
  const [{ plans }, entitlements] = await Promise.all([getPricing(ctx), getEntitlements(ctx, ctx.actor.userId)]);
  return toPlanList(plans, entitlements);
}
