import { fromBase64Url, fromHex, timingSafeEqual, toBase64Url, toHex } from "../crypto/bytes";
import type { KeyRing } from "../crypto/key-ring";
import { randomBytes } from "../ids/ids";

/**
 * Self-verifying CLI tokens. A forged or expired one dies without a look-up:
 *
 *   sett_cli_<base64url of: version 1 | token id 16 | user id 6 | expiry s 5 | secret 16>.<key id>.<base64url HMAC-SHA256, first 24 bytes>
 *
 * Only the SHA-256 of the whole text is stored. Whether a token was revoked is not in it: D1 and the objects know.
 */
export const CLI_TOKEN_PREFIX = "sett_cli_";

const VERSION = 1;
const PAYLOAD_BYTES = 44;
const MAC_BYTES = 24;
/** Characters shown in lists: the prefix and six of the id, none of the secret. */
export const SHOWN_PREFIX_CHARS = CLI_TOKEN_PREFIX.length + 8;

export interface CliTokenFacts {
  readonly tokenId: string;
  readonly userId: number;
  /** Milliseconds; null never expires. */
  readonly expiresAt: number | null;
}

export type CliTokenVerdict = { readonly ok: true; readonly facts: CliTokenFacts } | { readonly ok: false; readonly reason: "invalid" | "expired" };

const imported = new WeakMap<Uint8Array, Promise<CryptoKey>>();

function hmacKey(bytes: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  let key = imported.get(bytes);
  if (!key) {
    key = crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["sign", "verify"]);
    imported.set(bytes, key);
  }
  return key;
}

async function mac(key: Uint8Array<ArrayBuffer>, payload: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.sign("HMAC", await hmacKey(key), payload)).subarray(0, MAC_BYTES);
}

/** Mints the plaintext; show it once, store its hash. */
export async function mintCliToken(ring: KeyRing, facts: CliTokenFacts): Promise<string> {
  const key = ring.keys.get(ring.activeId);
  const id = fromHex(facts.tokenId.replaceAll("-", ""));
  if (!key || id?.length !== 16) throw new Error("a CLI token needs an active key and a UUID");
  const payload = new Uint8Array(PAYLOAD_BYTES);
  payload[0] = VERSION;
  payload.set(id, 1);
  writeNumber(payload, 17, 6, facts.userId);
  writeNumber(payload, 23, 5, facts.expiresAt === null ? 0 : Math.floor(facts.expiresAt / 1_000));
  payload.set(randomBytes(16), 28);
  return `${CLI_TOKEN_PREFIX}${toBase64Url(payload)}.${ring.activeId}.${toBase64Url(await mac(key, payload))}`;
}

/** Checks form, MAC and expiry, in that order and without any look-up. */
export async function verifyCliToken(ring: KeyRing, token: string, nowMs: number): Promise<CliTokenVerdict> {
  const [payloadText, keyId, macText, ...rest] = token.slice(CLI_TOKEN_PREFIX.length).split(".");
  const payload = payloadText === undefined ? null : fromBase64Url(payloadText);
  const given = macText === undefined ? null : fromBase64Url(macText);
  const key = keyId === undefined ? undefined : ring.keys.get(keyId);
  if (!token.startsWith(CLI_TOKEN_PREFIX) || rest.length > 0 || payload?.length !== PAYLOAD_BYTES || given?.length !== MAC_BYTES || !key || payload[0] !== VERSION) {
    return { ok: false, reason: "invalid" };
  }
  if (!timingSafeEqual(await mac(key, payload), given)) return { ok: false, reason: "invalid" };
  const expirySeconds = readNumber(payload, 23, 5);
  const expiresAt = expirySeconds === 0 ? null : expirySeconds * 1_000;
  if (expiresAt !== null && expiresAt <= nowMs) return { ok: false, reason: "expired" };
  return { ok: true, facts: { tokenId: formatUuid(payload.subarray(1, 17)), userId: readNumber(payload, 17, 6), expiresAt } };
}

function writeNumber(into: Uint8Array, at: number, bytes: number, value: number): void {
  let rest = value;
  for (let i = bytes - 1; i >= 0; i--) {
    into[at + i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
}

function readNumber(from: Uint8Array, at: number, bytes: number): number {
  let value = 0;
  for (let i = 0; i < bytes; i++) value = value * 256 + (from[at + i] ?? 0);
  return value;
}

function formatUuid(bytes: Uint8Array): string {
  const hex = toHex(bytes);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
