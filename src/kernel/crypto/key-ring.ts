import { fromBase64Url } from "./bytes";

/**
 * Keys with ids, newest first: the first one signs or seals, all of them verify or open.
 * Written in the environment as `id:base64url,id:base64url`.
 */
export interface KeyRing {
  readonly activeId: string;
  readonly keys: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
}

/** Parses the environment form; null when an entry is malformed, repeated or shorter than `minBytes`. */
export function parseKeyRing(text: string, minBytes: number): KeyRing | null {
  const keys = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const entry of text.split(",")) {
    const [id, encoded, ...rest] = entry.trim().split(":");
    if (!id || !encoded || rest.length > 0 || !/^[a-z0-9]{1,8}$/.test(id) || keys.has(id)) return null;
    const bytes = fromBase64Url(encoded);
    if (!bytes || bytes.length < minBytes) return null;
    keys.set(id, bytes);
  }
  const [activeId] = keys.keys();
  return activeId === undefined ? null : { activeId, keys };
}
