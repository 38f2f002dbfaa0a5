import { MAX_CATALOG_ITEMS, type CatalogItem } from "../../kernel/ports/source-catalogs";
import { unusable, type Visitor } from "./http";
import { asList, asObject, asProse, asText, getJson, metadataOf, type Json } from "./json";

const INDEX = ".claude-plugin/marketplace.json";
const MAX_INDEX_BYTES = 4 * 1024 * 1024;
const SKILL_FILE = "SKILL.md";
/** Entries of one index that are looked at, the same thing named twice included. */
const MAX_ENTRIES = 2 * MAX_CATALOG_ITEMS;

/** Skills of a plugin marketplace (`.claude-plugin/marketplace.json`); of a plugin that names none, the plugin itself. */
export async function listMarketplace(visitor: Visitor, originUrl: string): Promise<readonly CatalogItem[]> {
  const { body, url } = await getJson(visitor, indexUrl(originUrl), MAX_INDEX_BYTES);
  if (!Array.isArray(body["plugins"])) throw unusable("answered no list of plugins");
  const root = rootOf(url);
  const base = asText(asObject(body["metadata"])?.["pluginRoot"], 300) ?? "";
  const fallback = asText(asObject(body["metadata"])?.["version"] ?? body["version"], 128);
  const items = new Map<string, CatalogItem>();
  let entries = 0;
  for (const plugin of asList(body["plugins"]).map(asObject)) {
    for (const item of plugin ? readPlugin(plugin, { root, base, fallback }) : []) {
      if (++entries > MAX_ENTRIES) throw unusable("names the same things again and again");
      if (!items.has(item.upstreamId)) items.set(item.upstreamId, item);
      if (items.size === MAX_CATALOG_ITEMS) return [...items.values()];
    }
  }
  return [...items.values()];
}

/** The index itself, or that of a folder; a repository of GitHub is read where its files are served. */
function indexUrl(originUrl: string): string {
  const url = new URL(originUrl);
  if (url.pathname.endsWith(".json")) return url.href;
  const [, owner, name] = url.hostname === "github.com" ? (/^\/([^/]+)\/([^/]+?)(?:\.git)?\/?$/.exec(url.pathname) ?? []) : [];
  if (owner && name) return `https://raw.githubusercontent.com/${owner}/${name}/HEAD/${INDEX}`;
  url.pathname = `${url.pathname.replace(/\/+$/, "")}/${INDEX}`;
  return url.href;
}

/** The folder that paths of the index start from, with its slash. */
function rootOf(index: URL): URL {
  const path = index.pathname.endsWith(`/${INDEX}`) ? index.pathname.slice(0, -INDEX.length) : index.pathname.replace(/[^/]*$/, "");
  return new URL(path, index.origin);
}

interface Place {
  readonly root: URL;
  readonly base: string;
  readonly fallback: string | null;
}

function* readPlugin(plugin: Json, { root, base, fallback }: Place): Iterable<CatalogItem> {
  const name = asText(plugin["name"], 100);
  if (name === null) return;
  const source = asText(plugin["source"], 300);
  const version = asText(plugin["version"], 128) ?? fallback;
  const shared = { plugin: name, description: asProse(plugin["description"]), category: asText(plugin["category"], 100) };
  const item = (own: string, upstreamId: string, path: string | null): CatalogItem => ({
    kind: "skill-bundle",
    name: own,
    upstreamId,
    version,
    digest: null,
    metadata: metadataOf({ contentUrl: path === null ? null : fileUnder(root, `${path}/${SKILL_FILE}`), path, repository: source === null ? (asText(asObject(plugin["source"])?.["repo"], 300) ?? asText(asObject(plugin["source"])?.["url"], 500)) : null, ...shared }),
  });
  const folder = source === null ? null : joinPath(base, source);
  const skills = asList(plugin["skills"]).flatMap((skill) => asText(skill, 300) ?? []);
  // A plugin that lies elsewhere is known by its own name only.
  if (folder === null || skills.length === 0) yield item(name, name, null);
  else {
    for (const skill of skills) {
      const path = joinPath(folder, skill);
      const own = path?.split("/").at(-1);
      if (path && own) yield item(own, `${name}/${path}`, path);
    }
  }
}

/** Folders one below the other, plain; null when they lead out of the marketplace. */
function joinPath(...parts: readonly string[]): string | null {
  const path: string[] = [];
  for (const part of parts.flatMap((text) => text.split("/"))) {
    if (part === "..") return null;
    if (part !== "" && part !== ".") path.push(part);
  }
  return path.join("/");
}

function fileUnder(root: URL, path: string): string | null {
  const url = new URL(path.split("/").map(encodeURIComponent).join("/"), root);
  return url.href.startsWith(root.href) ? url.href : null;
}
