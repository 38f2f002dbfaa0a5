export { featuresOf, forgetEntitlements, getCatalogue, getEntitlements, hasFeature, limitOf, listEntitlements, standingOf, type Entitlements } from "./entitlements";
export {
  effectiveSubscription,
  isBuiltInFeature,
  isFeatureValue,
  isInForce,
  normalizeFeatureValue,
  wireFeatureValue,
  type CountedFeature,
  type FeatureValue,
  type SubscriptionStatus,
} from "./plans.core";
export { type Feature, type Plan, type PlanFeature, type Subscription } from "./plans.store";
export { requireCapability, requireFeature } from "./require-plan";
