import { z } from "zod";
import type { Entitlements } from "./entitlements";
import { priceIdsOf, readFeature, wireFeatureValue } from "./plans.core";
import type { Catalogue, Plan } from "./plans.store";

const OfferedFeature = z
  .object({ key: z.string(), name: z.string(), feature_type: z.enum(["boolean", "limit", "tier"]), value: z.union([z.boolean(), z.number(), z.string()]), display_label: z.string().nullable() })
  .meta({ id: "OfferedFeature" });

const offer = {
  id: z.int(),
  /** What other operations call the plan. */
  name: z.string(),
  display_name: z.string(),
  description: z.string().nullable(),
  tier: z.int(),
  web_price: z.number().nullable(),
  monthly_web_price: z.number().nullable(),
  yearly_web_price: z.number().nullable(),
  ios_price: z.number().nullable(),
  stripe_price_id: z.string().nullable(),
  stripe_price_id_yearly: z.string().nullable(),
  apple_product_id: z.string().nullable(),
  apple_product_id_yearly: z.string().nullable(),
  features: z.array(OfferedFeature),
};

const PlanOffer = z.object(offer).meta({ id: "PlanOffer" });

export const PricingView = z.object({ plans: z.array(PlanOffer) }).meta({ id: "Pricing" });

export const PlanListView = z
  .object({ current_plan: z.string(), plans: z.array(z.object({ ...offer, is_current: z.boolean() }).meta({ id: "SubscriptionPlan" })) })
  .meta({ id: "SubscriptionPlans" });

/** A plan as price lists show it, with the price ids that count now. */
export function toPlanOffer(plan: Plan, { features, values }: Catalogue, sandbox: boolean): z.input<typeof PlanOffer> {
  const prices = priceIdsOf(plan, sandbox);
  return {
    id: plan.id,
    name: plan.key,
    display_name: plan.name,
    description: plan.description,
    tier: plan.tier,
    web_price: plan.webPrice,
    monthly_web_price: plan.monthlyWebPrice,
    yearly_web_price: plan.yearlyWebPrice,
    ios_price: plan.iosPrice,
    stripe_price_id: prices.month,
    stripe_price_id_yearly: prices.year,
    apple_product_id: plan.appleProductId,
    apple_product_id_yearly: plan.appleProductIdYearly,
    features: features.map((feature) => {
      const own = values.find((value) => value.planId === plan.id && value.featureId === feature.id);
      return {
        key: feature.key,
        name: feature.name,
        feature_type: feature.featureType,
        value: wireFeatureValue(readFeature(feature.featureType, own?.value ?? feature.defaultValue)),
        display_label: own?.displayLabel ?? null,
      };
    }),
  };
}

export const toPlanList = (offers: readonly z.input<typeof PlanOffer>[], { plan }: Entitlements): z.input<typeof PlanListView> => ({
  current_plan: plan.key,
  plans: offers.map((one) => ({ ...one, is_current: one.id === plan.id })),
});
