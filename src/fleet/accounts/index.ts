export {
  accountLabel,
  CODE_TRIES,
  emailKeyOf,
  hasUsername,
  isAbandonedClaim,
  isReservedUsername,
  matrixStatusOf,
  phoneKeyOf,
  placeholderUsername,
  RESEND_GAP_MS,
  shownMatrixId,
  shownUsername,
  USERNAME_MAX,
  USERNAME_MIN,
  USERNAME_PATTERN,
  weaknessOf,
} from "./accounts.core";
export {
  forgetExpiredCodes,
  deleteCode,
  findAccountByAlias,
  findAccountByEmail,
  findAccountById,
  insertAccount,
  isAccountActive,
  listHolders,
  markSignedIn,
  markSignedOut,
  othersAreSuperadmin,
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
export { requireOtherSuperadmin } from "./require-other-superadmin";
export { requireOpenSignup } from "./require-open-signup";
export { sendSignupCode } from "./send-signup-code";
