export { CODE_TRIES, emailKeyOf, isReservedUsername, RESEND_GAP_MS, weaknessOf } from "./accounts.core";
export {
  forgetExpiredCodes,
  deleteCode,
  findAccountByAlias,
  findAccountByEmail,
  findAccountById,
  insertAccount,
  markSignedIn,
  markSignedOut,
  raiseEpoch,
  replaceClaim,
  replacePassword,
  takeCodeTry,
  upsertCodeAfterGap,
  type Account,
  type NewAccount,
} from "./accounts.store";
export { afterTheAnswer } from "./after-answer";
export { hashCode, newCode } from "./one-time-code";
export { sendSignupCode } from "./send-signup-code";
