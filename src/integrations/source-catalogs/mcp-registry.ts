import { MAX_CATALOG_ITEMS, type CatalogItem } from "../../kernel/ports/source-catalogs";
import { unusable, type Visitor } from "./http";
import { asList, asObject, asProse, asText, getJson, metadataOf, type Json } from "./json";

const PAGE = 100;
const MAX_PAGE_BYTES = 4 * 1024 * 1024;
/** Some registries answer fewer than asked for. */
const MAX_PAGES = 200;
const MAX_ENTRIES = MAX_PAGES * PAGE;
const OFFICIAL = "io.modelcontextprotocol.registry/official";
const TRANSPORTS: Readonly<Record<string, string>> = { "streamable-http": "streamable-http", http: "streamable-http", sse: "sse", websocket: "websocket", ws: "websocket" };

/** Servers of an MCP registry (`GET /v0/servers`), the newest version of each. */
export async function listMcpRegistry(visitor: Visitor, originUrl: string): Promise<readonly CatalogItem[]> {
  const servers = new Map<string, CatalogItem>();
  let cursor: string | null = null;
  let entries = 0;
  for (let page = 0; page < MAX_PAGES && servers.size < MAX_CATALOG_ITEMS; page++) {
    const { body }: { body: Json } = await getJson(visitor, pageUrl(originUrl, cursor), MAX_PAGE_BYTES);
    if (!Array.isArray(body["servers"])) throw unusable("answered no list of servers");
    for (const entry of asList(body["servers"])) {
      if (++entries > MAX_ENTRIES) throw unusable("names the same servers again and again");
      const item = readServer(entry);
      if (item && servers.size < MAX_CATALOG_ITEMS) servers.set(item.upstreamId, item);
    }
    const metadata = asObject(body["metadata"]);
    const next = asText(metadata?.["nextCursor"] ?? metadata?.["next_cursor"], 1_000);
    if (next === null || next === cursor) break;
    cursor = next;
  }
  return [...servers.values()];
}

function pageUrl(originUrl: string, cursor: string | null): string {
  const url = new URL(originUrl);
  if (!/\/servers\/?$/.test(url.pathname)) url.pathname = `${url.pathname.replace(/\/+$/, "")}${/\/v\d[\w.]*\/?$/.test(url.pathname) ? "" : "/v0"}/servers`;
  url.searchParams.set("limit", String(PAGE));
  if (cursor !== null) url.searchParams.set("cursor", cursor);
  return url.href;
}

/** Null for what is no server, is no longer offered, or has a newer version. Older registries write the server itself, newer ones wrap it. */
function readServer(entry: unknown): CatalogItem | null {
  const outer = asObject(entry);
  const server = asObject(outer?.["server"]) ?? outer;
  const official = asObject((asObject(outer?.["_meta"]) ?? asObject(server?.["_meta"]))?.[OFFICIAL]);
  const name = asText(server?.["name"], 200);
  const status = official?.["status"] ?? server?.["status"];
  if (!server || name === null || official?.["isLatest"] === false || official?.["is_latest"] === false || status === "deleted" || status === "deprecated") return null;
  const remotes = asList(server["remotes"]).map(asObject);
  const remote = remotes.map((one) => ({ transport: TRANSPORTS[String(one?.["type"] ?? one?.["transport_type"] ?? "")], endpoint: asText(one?.["url"], 1_000) })).find(({ transport, endpoint }) => transport !== undefined && endpoint !== null);
  return {
    kind: "mcp-server",
    name,
    upstreamId: name,
    version: asText(server["version"], 128) ?? asText(asObject(server["version_detail"])?.["version"], 128),
    digest: null,
    metadata: metadataOf({
      endpoint: remote?.endpoint,
      transport: remote?.transport,
      title: asText(server["title"], 200),
      description: asProse(server["description"]),
      repository: asText(asObject(server["repository"])?.["url"], 500),
      websiteUrl: asText(server["websiteUrl"] ?? server["website_url"], 500),
      packages: asList(server["packages"])
        .slice(0, 5)
        .map(asObject)
        .flatMap((one) => {
          const identifier = asText(one?.["identifier"] ?? one?.["name"], 200);
          return identifier === null ? [] : [{ registryType: asText(one?.["registryType"] ?? one?.["registry_name"], 40), identifier, version: asText(one?.["version"], 128) }];
        }),
    }),
  };
}
