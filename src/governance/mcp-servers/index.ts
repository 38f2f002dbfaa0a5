export { isBrokered } from "./mcp-servers.core";
export { findServer } from "./mcp-servers.store";
export type { ListedServer } from "./mcp-servers.store";
