/** Reads what the API tells about plans and use into what the pages show. No I/O. */
import type { Meter, Offer, OfferFeature, PlanList, Usage, WireFeature } from "./plan.types";

/** What people count, in the order that they would. */
const METERS: readonly (readonly [key: string, name: string])[] = [
  ["multiple_openclaw_instances", "Machines"],
  ["max_bots", "Bots"],
  ["max_bot_shares", "Bot shares"],
  ["storage_mb", "Media"],
];

export function readMeters({ metrics }: Pick<Usage, "metrics">): Meter[] {
  return METERS.flatMap(([key, name]) => {
    const metric = metrics[key];
    return metric ? [{ key, name, used: metric.used, limit: metric.limit ?? null, unit: metric.unit }] : [];
  });
}

/** The catalogue names no currency: its prices are in this one. */
const CURRENCY = "USD";

export const readOffers = ({ plans }: PlanList): Offer[] =>
  plans.map((plan) => ({
    key: plan.name,
    name: plan.display_name,
    description: plan.description,
    tier: plan.tier,
    currency: CURRENCY,
    month: { priceId: plan.stripe_price_id, amount: plan.monthly_web_price ?? plan.web_price },
    year: { priceId: plan.stripe_price_id_yearly, amount: plan.yearly_web_price },
    features: plan.features.map(readFeature),
  }));

const readFeature = ({ key, name, feature_type: type, value, display_label: label }: WireFeature): OfferFeature => ({ key, name, value: type === "limit" && value === -1 ? null : value, label });
