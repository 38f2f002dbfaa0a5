export { applySubscription, isAddonSubscription, ownerOfSubscription } from "./apply-subscription";
export { cancelChange, cancelSubscription } from "./cancel-subscription";
export { changePlan } from "./change-plan";
export { endSubscriptionsOf } from "./end-subscriptions";
export { returnUrl, type ReturnTo } from "./return-urls";
export { enqueueSubscriptionsToSettle, settleSubscription } from "./subscriptions.jobs";
