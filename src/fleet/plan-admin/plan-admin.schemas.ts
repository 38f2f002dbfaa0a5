import { z } from "zod";
import { iso } from "../../kernel/clock";
import type { Feature, Plan, PlanFeature } from "../plans";
import { changed, type Prices } from "./plan-admin.core";
import type { Addon } from "./plan-admin.store";

const Price = z.number().min(0).max(1_000_000).nullish();
const PriceId = z.string().trim().max(255).nullish();

const priceIds = {
  stripe_price_id: PriceId,
  stripe_price_id_yearly: PriceId,
  stripe_price_id_sandbox: PriceId,
  stripe_price_id_yearly_sandbox: PriceId,
};

const appleIds = { apple_product_id: PriceId, apple_product_id_yearly: PriceId };

const DisplayName = z.string().trim().min(1).max(100).nullish();

/** What is left out stays; null empties what may be empty. */
export const UpdatePlanBody = z
  .object({
    display_name: DisplayName,
    description: z.string().trim().max(2_000).nullish(),
    web_price: Price,
    monthly_web_price: Price,
    yearly_web_price: Price,
    ios_price: Price,
    is_active: z.boolean().nullish(),
    is_public: z.boolean().nullish(),
    ...priceIds,
    ...appleIds,
  })
  .meta({ id: "AdminPlanUpdateRequest" });

/** As {@link UpdatePlanBody}. */
export const UpdateAddonBody = z
  .object({ display_name: DisplayName, monthly_price: Price, is_active: z.boolean().nullish(), ...priceIds, ...appleIds })
  .meta({ id: "AdminSubscriptionAddonUpdateRequest" });

export const UpsertPlanFeatureBody = z
  .object({ plan_id: z.int(), feature_id: z.int(), value: z.string().trim().min(1).max(64), display_label: z.string().trim().max(200).nullish() })
  .meta({ id: "AdminPlanFeatureUpsertRequest" });

const FEATURE_TYPES = ["boolean", "limit", "tier"] as const;

export const CreateFeatureBody = z
  .object({
    key: z.string().regex(/^[a-z][a-z0-9_]{1,63}$/, "Small letters, digits and underscores, beginning with a letter"),
    name: z.string().trim().min(1).max(100),
    feature_type: z.enum(FEATURE_TYPES),
    default_value: z.string().trim().max(64).nullish(),
  })
  .meta({ id: "AdminFeatureCreateRequest" });

export const PlanRef = z.object({ plan_id: z.coerce.number().int() });
export const AddonRef = z.object({ addon_id: z.coerce.number().int() });
export const FeatureRef = z.object({ feature_id: z.coerce.number().int() });

const text = z.string().nullable();
const allPriceIds = {
  stripe_price_id: text,
  stripe_price_id_yearly: text,
  stripe_price_id_sandbox: text,
  stripe_price_id_yearly_sandbox: text,
  apple_product_id: text,
  apple_product_id_yearly: text,
};

const PlanFeatureView = z
  .object({ id: z.int(), plan_id: z.int(), feature_id: z.int(), plan_name: z.string(), feature_key: z.string(), feature_type: z.enum(FEATURE_TYPES), value: z.string(), display_label: text, updated_at: z.iso.datetime() })
  .meta({ id: "AdminPlanFeature" });

const FeatureView = z
  .object({ id: z.int(), key: z.string(), name: z.string(), feature_type: z.enum(FEATURE_TYPES), default_value: text, updated_at: z.iso.datetime() })
  .meta({ id: "AdminFeature" });

const plan = {
  id: z.int(),
  name: z.string(),
  display_name: z.string(),
  description: text,
  tier: z.int(),
  web_price: z.number().nullable(),
  monthly_web_price: z.number().nullable(),
  yearly_web_price: z.number().nullable(),
  ios_price: z.number().nullable(),
  is_active: z.boolean(),
  is_public: z.boolean(),
  ...allPriceIds,
  updated_at: z.iso.datetime(),
};

const AddonView = z
  .object({ id: z.int(), key: z.string(), display_name: z.string(), monthly_price: z.number().nullable(), is_active: z.boolean(), ...allPriceIds, updated_at: z.iso.datetime() })
  .meta({ id: "AdminSubscriptionAddon" });

export const PlanListView = z
  .object({ plans: z.array(z.object({ ...plan, features: z.array(PlanFeatureView) }).meta({ id: "AdminListedPlan" })), features: z.array(FeatureView) })
  .meta({ id: "AdminPlanList" });

export const UpdatedPlanView = z.object({ ok: z.boolean(), plan: z.object(plan).meta({ id: "AdminPlan" }) }).meta({ id: "AdminPlanUpdateResponse" });
export const UpsertedPlanFeatureView = z.object({ ok: z.boolean(), plan_feature: PlanFeatureView }).meta({ id: "AdminPlanFeatureUpsertResponse" });
export const CreatedFeatureView = z.object({ ok: z.boolean(), feature: FeatureView }).meta({ id: "AdminFeatureCreateResponse" });
export const DeletedFeatureView = z.object({ ok: z.boolean() }).meta({ id: "AdminFeatureDeleteResponse" });
export const AddonListView = z.object({ addons: z.array(AddonView) }).meta({ id: "AdminSubscriptionAddonList" });
export const UpdatedAddonView = z.object({ ok: z.boolean(), addon: AddonView }).meta({ id: "AdminSubscriptionAddonUpdateResponse" });

/** Price ids after a partial change. */
export const changedPrices = (input: z.output<typeof UpdateAddonBody>, was: Prices): Prices => ({
  stripePriceId: changed(input.stripe_price_id, was.stripePriceId),
  stripePriceIdYearly: changed(input.stripe_price_id_yearly, was.stripePriceIdYearly),
  stripePriceIdSandbox: changed(input.stripe_price_id_sandbox, was.stripePriceIdSandbox),
  stripePriceIdYearlySandbox: changed(input.stripe_price_id_yearly_sandbox, was.stripePriceIdYearlySandbox),
  appleProductId: changed(input.apple_product_id, was.appleProductId),
  appleProductIdYearly: changed(input.apple_product_id_yearly, was.appleProductIdYearly),
});

const toPriceIds = (row: Prices) => ({
  stripe_price_id: row.stripePriceId,
  stripe_price_id_yearly: row.stripePriceIdYearly,
  stripe_price_id_sandbox: row.stripePriceIdSandbox,
  stripe_price_id_yearly_sandbox: row.stripePriceIdYearlySandbox,
  apple_product_id: row.appleProductId,
  apple_product_id_yearly: row.appleProductIdYearly,
});

export const toPlanView = (row: Plan): z.input<typeof UpdatedPlanView>["plan"] => ({
  id: row.id,
  name: row.key,
  display_name: row.name,
  description: row.description,
  tier: row.tier,
  web_price: row.webPrice,
  monthly_web_price: row.monthlyWebPrice,
  yearly_web_price: row.yearlyWebPrice,
  ios_price: row.iosPrice,
  is_active: row.isActive,
  is_public: row.isPublic,
  ...toPriceIds(row),
  updated_at: iso(row.updatedAt),
});

export const toAddonView = (row: Addon): z.input<typeof AddonView> => ({
  id: row.id,
  key: row.key,
  display_name: row.displayName,
  monthly_price: row.monthlyPrice,
  is_active: row.isActive,
  ...toPriceIds(row),
  updated_at: iso(row.updatedAt),
});

export const toFeatureView = (row: Feature): z.input<typeof FeatureView> => ({
  id: row.id,
  key: row.key,
  name: row.name,
  feature_type: row.featureType,
  default_value: row.defaultValue,
  updated_at: iso(row.updatedAt),
});

export const toPlanFeatureView = (row: PlanFeature, owner: Plan, feature: Feature): z.input<typeof PlanFeatureView> => ({
  id: row.id,
  plan_id: row.planId,
  feature_id: row.featureId,
  plan_name: owner.key,
  feature_key: feature.key,
  feature_type: feature.featureType,
  value: row.value,
  display_label: row.displayLabel,
  updated_at: iso(row.updatedAt),
});
