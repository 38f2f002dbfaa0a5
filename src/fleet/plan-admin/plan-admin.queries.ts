import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { getCatalogue } from "../plans";
import { toAddonView, toFeatureView, toPlanFeatureView, toPlanView, type AddonListView, type PlanListView } from "./plan-admin.schemas";
import { listAddonRows } from "./plan-admin.store";

/** The whole catalogue, with what is not for sale. */
export async function listPlans(ctx: OwnerCtx): Promise<z.input<typeof PlanListView>> {
  const { plans, features, values } = await getCatalogue(ctx, { fresh: true });
  return {
    plans: plans.map((plan) => ({
      ...toPlanView(plan),
      features: features.flatMap((feature) => values.filter((value) => value.planId === plan.id && value.featureId === feature.id).map((value) => toPlanFeatureView(value, plan, feature))),
    })),
    features: features.map(toFeatureView),
  };
}

/** Every add-on, sold or not. */
export const listAddons = async (ctx: OwnerCtx): Promise<z.input<typeof AddonListView>> => ({ addons: (await listAddonRows(ctx)).map(toAddonView) });
