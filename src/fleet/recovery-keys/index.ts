export { findRecoveryKeyText } from "./recovery-keys.queries";
export { forgetRecoveryKey } from "./recovery-keys.store";
