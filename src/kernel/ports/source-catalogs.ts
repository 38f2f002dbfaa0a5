/** Catalogues of others. The clients are src/integrations/source-catalogs; verbs see only this. */

export type CatalogKind = "mcp-registry" | "anthropic-skills" | "git-repository";

/** Most things of one catalogue that we look at. */
export const MAX_CATALOG_ITEMS = 2_000;
/** Most bytes of what is told about one thing, as JSON. */
export const MAX_METADATA_BYTES = 4_096;

/** One thing that a catalogue offers. */
export interface CatalogItem {
  readonly kind: "mcp-server" | "skill-bundle";
  readonly name: string;
  /** What the catalogue calls it; stays the same between visits. */
  readonly upstreamId: string;
  readonly version: string | null;
  readonly digest: string | null;
  /** At most {@link MAX_METADATA_BYTES} as JSON. `contentUrl` is where a skill can be fetched, `endpoint` and `transport` how a server is reached. */
  readonly metadata: Readonly<Record<string, unknown>>;
}

export interface SourceCatalogs {
  /**
   * Everything that a catalogue offers, each thing once, at most {@link MAX_CATALOG_ITEMS}.
   * @throws AppError BAD_GATEWAY when it does not answer or answers nothing that we understand; the text says which
   */
  list(kind: CatalogKind, originUrl: string): Promise<readonly CatalogItem[]>;
  /** A content, whole. @throws AppError BAD_GATEWAY when it does not come or is larger than `maxBytes` */
  download(url: string, maxBytes: number): Promise<Uint8Array<ArrayBuffer>>;
}
