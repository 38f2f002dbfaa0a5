import { fromBase64Url, toBase64Url, utf8 } from "../../kernel/crypto/bytes";
import type { KeyRing } from "../../kernel/crypto/key-ring";

/**
 * Addresses that the worker signs itself: `/files/{key}?op=…&exp=…&max=…&type=…&sig=<key id>.<HMAC>`. The HMAC covers every
 * field; its key is derived from the token ring, so that no other text of ours can pass for a grant.
 */
export interface FileGrant {
  readonly op: "PUT" | "GET" | "DELETE";
  readonly key: string;
  /** Seconds since the epoch. */
  readonly exp: number;
  /** Most bytes and the content type of an upload; null otherwise. */
  readonly max: number | null;
  readonly type: string | null;
}

const PURPOSE = utf8("sett.files.v1");
const HMAC = { name: "HMAC", hash: "SHA-256" } as const;
const derived = new WeakMap<Uint8Array, Promise<CryptoKey>>();

function grantKey(bytes: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  let key = derived.get(bytes);
  if (!key) {
    key = crypto.subtle
      .importKey("raw", bytes, "HKDF", false, ["deriveBits"])
      .then((root) => crypto.subtle.deriveBits({ name: "HKDF", hash: "SHA-256", salt: new Uint8Array(32), info: PURPOSE }, root, 256))
      .then((bits) => crypto.subtle.importKey("raw", bits, HMAC, false, ["sign", "verify"]));
    derived.set(bytes, key);
  }
  return key;
}

/** One line a field, none of which holds a line break. */
const textOf = (grant: FileGrant): Uint8Array<ArrayBuffer> => utf8([grant.op, grant.key, grant.exp, grant.max ?? "", grant.type ?? ""].join("\n"));

/** Path and query of a signed address. */
export async function signGrant(ring: KeyRing, grant: FileGrant): Promise<string> {
  const bytes = ring.keys.get(ring.activeId);
  if (!bytes) throw new Error("the active token key is missing from its ring");
  const mac = await crypto.subtle.sign("HMAC", await grantKey(bytes), textOf(grant));
  const query = new URLSearchParams({ op: grant.op, exp: String(grant.exp) });
  if (grant.max !== null) query.set("max", String(grant.max));
  if (grant.type !== null) query.set("type", grant.type);
  query.set("sig", `${ring.activeId}.${toBase64Url(new Uint8Array(mac))}`);
  return `${filePath(grant.key)}?${query}`;
}

/** Path of a file, without a signature. */
export const filePath = (key: string): string => `/files/${key.split("/").map(encodeURIComponent).join("/")}`;

/** Whether `sig` is ours for exactly this grant, whatever its time. */
export async function isGrantGenuine(ring: KeyRing, grant: FileGrant, sig: string): Promise<boolean> {
  const [keyId, macText, ...rest] = sig.split(".");
  const bytes = keyId === undefined ? undefined : ring.keys.get(keyId);
  const mac = macText === undefined ? null : fromBase64Url(macText);
  if (!bytes || !mac || rest.length > 0) return false;
  return crypto.subtle.verify("HMAC", await grantKey(bytes), mac, textOf(grant));
}
