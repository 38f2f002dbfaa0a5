import type { SourceCatalogs } from "../../kernel/ports/source-catalogs";
import { listGitRefs } from "./git-refs";
import { createVisitor } from "./http";
import { listMarketplace } from "./marketplace";
import { listMcpRegistry } from "./mcp-registry";

const CLIENTS = { "mcp-registry": listMcpRegistry, "anthropic-skills": listMarketplace, "git-repository": listGitRefs } as const;

/** Catalogues over HTTP. @param isLocal whether plain HTTP and hosts of this machine are asked, too */
export function createSourceCatalogs(isLocal: boolean): SourceCatalogs {
  return {
    list: (kind, originUrl) => CLIENTS[kind](createVisitor(isLocal), originUrl),
    download: async (url, maxBytes) => (await createVisitor(isLocal).get(url, { accept: "*/*", maxBytes })).bytes,
  };
}
