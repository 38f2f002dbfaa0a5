export { freeName, LIFETIMES } from "./cli-tokens.core";
export { findBoundInstance } from "./cli-tokens.queries";
export { listNamesInUse } from "./cli-tokens.store";
export { cutToken } from "./cut-token";
export { addCliTokenEnd } from "./end-cli-token";
export { addNewTokenNotice } from "./new-token-notice";
export { prepareCliToken, type PreparedCliToken } from "./prepare-cli-token";
export { recordTokenUse } from "./record-token-use";
export { revokeAllCliTokens } from "./revoke-all-cli-tokens";
