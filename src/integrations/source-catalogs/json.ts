import { fromUtf8, utf8 } from "../../kernel/crypto/bytes";
import { MAX_METADATA_BYTES, type CatalogItem } from "../../kernel/ports/source-catalogs";
import { unusable, type Visitor } from "./http";

/** Reading what others wrote: anything may be missing or of another kind. */

export type Json = Readonly<Record<string, unknown>>;

const MAX_TEXT = 1_000;

export const asObject = (value: unknown): Json | null => (value !== null && typeof value === "object" && !Array.isArray(value) ? (value as Json) : null);
export const asList = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
/** A text of at most `max` characters; longer ones are none. */
export const asText = (value: unknown, max: number): string | null => (typeof value === "string" && value.trim() !== "" && value.length <= max ? value.trim() : null);
/** For reading only: longer texts are cut. */
export const asProse = (value: unknown): string | null => (typeof value === "string" && value.trim() !== "" ? value.trim().slice(0, MAX_TEXT) : null);

/** @throws AppError BAD_GATEWAY */
export async function getJson(visitor: Visitor, url: string, maxBytes: number): Promise<{ readonly body: Json; readonly url: URL }> {
  const { bytes, url: from } = await visitor.get(url, { accept: "application/json", maxBytes });
  let body: Json | null = null;
  try {
    body = asObject(JSON.parse(fromUtf8(bytes)));
  } catch {
    // Then it is no JSON.
  }
  if (!body) throw unusable("answered no JSON object");
  return { body, url: from };
}

/** Drops what is absent, and from the last what is more than fits. */
export function metadataOf(facts: Readonly<Record<string, unknown>>): CatalogItem["metadata"] {
  const kept: Record<string, unknown> = {};
  let left = MAX_METADATA_BYTES - 2;
  for (const [name, value] of Object.entries(facts)) {
    if (value === null || value === undefined || (Array.isArray(value) && value.length === 0)) continue;
    const size = utf8(JSON.stringify({ [name]: value })).byteLength;
    if (size > left) continue;
    kept[name] = value;
    left -= size;
  }
  return kept;
}
