export { enqueueRechecks, recheckJob } from "./apple-purchases.jobs";
export { MAX_RECEIPT_BODY_BYTES, MAX_RECEIPT_CHARS } from "./apple-purchases.schemas";
export { askAgain, isAccepted, purchaseInvalid, readPurchase, requireAppStore, type KnownPurchase } from "./read-purchase";
export { updatePurchase } from "./record-purchase";
