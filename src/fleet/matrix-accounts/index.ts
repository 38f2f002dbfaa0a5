export { createMatrixAccount, enqueueMissingAccounts, nameOf, newMatrixPassword, renameMatrixAccount, replaceMatrixPassword, syncMatrixAccount, tryMatrixAccount, type MatrixAccountError } from "./create-matrix-account";
export { deactivateMatrixAccount, matrixDeactivation } from "./deactivate-matrix-account";
export { findMatrixPerson, forgetLostAccount, markMatrixStatus, markPasswordStale, type MatrixPerson } from "./matrix-accounts.store";
export { findBotHomeserver, requireBotHomeserver, requireMatrix, type BotHomeserver } from "./require-matrix";
