export { createMatrixAccount, enqueueMissingAccounts, renameMatrixAccount, replaceMatrixPassword, syncMatrixAccount } from "./create-matrix-account";
export { deactivateMatrixAccount, matrixDeactivation } from "./deactivate-matrix-account";
export { markPasswordStale } from "./matrix-accounts.store";
export { findBotHomeserver, requireBotHomeserver, requireMatrix, type BotHomeserver } from "./require-matrix";
