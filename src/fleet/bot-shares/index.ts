export { enqueueShareExpiry } from "./bot-shares.jobs";
export { expireSharesJob } from "./expire-shares";
export { notifyShare, notifySharesEnded, resendShares } from "./share-effects";
