export { listPayers, type AddonPayer } from "./list-payers";
export { listPayingAddons } from "./list-paying-addons";
export { applyAddonSubscription, updateAddonPurchase } from "./record-addon";
export { enqueueDueAddons, settleAddonJob } from "./vm-addons.jobs";
