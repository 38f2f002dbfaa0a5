import { fromBase64Url, fromUtf8, toBase64Url, utf8 } from "./bytes";
import type { KeyRing } from "./key-ring";
import { randomBytes } from "../ids/ids";

const VERSION = "v1";
const IV_BYTES = 12;

const imported = new WeakMap<Uint8Array, Promise<CryptoKey>>();

function aesKey(bytes: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  let key = imported.get(bytes);
  if (!key) {
    key = crypto.subtle.importKey("raw", bytes.subarray(0, 32), "AES-GCM", false, ["encrypt", "decrypt"]);
    imported.set(bytes, key);
  }
  return key;
}

/**
 * Seals text at rest: AES-256-GCM under the ring's active key, bound to `context` (for example `cli_auth:CODE`), so a
 * sealed value copied to another row does not open there.
 * @returns `v1.<key id>.<iv>.<ciphertext+tag>`, base64url parts.
 */
export async function seal(ring: KeyRing, plaintext: string, context: string): Promise<string> {
  const bytes = ring.keys.get(ring.activeId);
  if (!bytes) throw new Error("the active sealing key is missing from its ring");
  const iv = randomBytes(IV_BYTES);
  const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData: utf8(context) }, await aesKey(bytes), utf8(plaintext));
  return [VERSION, ring.activeId, toBase64Url(iv), toBase64Url(new Uint8Array(sealed))].join(".");
}

/** Opens what {@link seal} made; null when it was tampered with, belongs to another context, or its key is gone. */
export async function unseal(ring: KeyRing, sealed: string, context: string): Promise<string | null> {
  const [version, keyId, ivText, dataText] = sealed.split(".");
  const key = keyId === undefined ? undefined : ring.keys.get(keyId);
  const iv = ivText === undefined ? null : fromBase64Url(ivText);
  const data = dataText === undefined ? null : fromBase64Url(dataText);
  if (version !== VERSION || !key || !iv || !data) return null;
  try {
    return fromUtf8(await crypto.subtle.decrypt({ name: "AES-GCM", iv, additionalData: utf8(context) }, await aesKey(key), data));
  } catch {
    return null;
  }
}

/** Id of the key that a value is sealed under; null when {@link seal} did not make it. */
export function sealKeyId(sealed: string): string | null {
  const [version, keyId, ...rest] = sealed.split(".");
  return version === VERSION && keyId && rest.length === 2 ? keyId : null;
}
