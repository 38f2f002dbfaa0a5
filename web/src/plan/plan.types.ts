/** The shapes that the plan pages work with. What the API leaves open is read by plan-wire.core.ts into the types below. */
import type { components } from "../../../clients/fleet.gen";

type Schemas = components["schemas"];

export type Subscription = Schemas["SubscriptionStatusResponse"];
export type PlanList = Schemas["SubscriptionPlans"];
export type WireFeature = Schemas["OfferedFeature"];
export type Usage = Schemas["UsageResponse"];
export type Payment = Schemas["PaymentHistoryItem"];
export type Downgrade = Schemas["ActiveDowngradeResponse"];
export type DowngradeItem = Schemas["DowngradeItem"];
export type DowngradeFeature = Schemas["FeatureDowngradeState"];
export type Upgrade = Schemas["ActiveUpgradeResponse"];
export type UpgradeItem = Schemas["UpgradeItem"];
export type UpgradeFeature = Schemas["UpgradeFeatureState"];
export type RepairedBot = Schemas["RepairedBot"];

export type Interval = "month" | "year";

/** A price to pay by card. */
export interface OfferPrice {
  /** The provider's id; null where this plan is not sold. */
  priceId: string | null;
  /** Whole units of the currency; null when nobody said. */
  amount: number | null;
}

/** A plan that can be had. */
export interface Offer {
  key: string;
  name: string;
  description: string | null;
  /** Higher is more. */
  tier: number;
  currency: string;
  month: OfferPrice;
  year: OfferPrice;
  features: OfferFeature[];
}

export interface OfferFeature {
  key: string;
  name: string;
  value: boolean | number | string | null;
  /** An administrator's own words for the value. */
  label: string | null;
}

/** How much of something is used. */
export interface Meter {
  key: string;
  name: string;
  used: number;
  /** Null: no end. */
  limit: number | null;
  unit: string | null;
}
