export { freeName, LIFETIMES } from "./cli-tokens.core";
export { findBoundInstance } from "./cli-tokens.queries";
export { listNamesInUse } from "./cli-tokens.store";
export { cutToken } from "./cut-token";
export { prepareCliToken, type PreparedCliToken } from "./prepare-cli-token";
export { recordTokenUse } from "./record-token-use";
