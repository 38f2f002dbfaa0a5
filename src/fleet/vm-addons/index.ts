export { applyAddonSubscription, updateAddonPurchase } from "./record-addon";
export { enqueueDueAddons, settleAddonJob } from "./vm-addons.jobs";
