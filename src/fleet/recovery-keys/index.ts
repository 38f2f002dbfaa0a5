export { findRecoveryKeyText } from "./recovery-keys.queries";
export { forgetRecoveryKey } from "./recovery-keys.store";
export { recoveryKeySealContext } from "./require-own";
