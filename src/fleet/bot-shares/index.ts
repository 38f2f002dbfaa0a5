export { enqueueShareExpiry } from "./bot-shares.jobs";
export { countShares } from "./bot-shares.store";
export { endSharesForPlan, tellSharesEnded } from "./end-shares-for-plan";
export { expireSharesJob } from "./expire-shares";
export { notifyShare, notifySharesEnded, resendShares } from "./share-effects";
