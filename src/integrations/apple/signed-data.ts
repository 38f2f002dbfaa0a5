import { compactVerify } from "jose";
import { MINUTE_MS } from "../../kernel/clock";
import { fromBase64Url, fromUtf8 } from "../../kernel/crypto/bytes";
import type { PurchaseFault } from "../../kernel/ports/app-store";
import { importKey, verifyChain } from "./certificates";
import { isObject, type Json } from "./json";

/** A notification with two signed parts inside, each with its chain of certificates, takes about 20 KiB. */
const MAX_JWS_CHARS = 128 * 1024;
/** A signature from further ahead of our clock is none. */
const MAX_AHEAD_MS = 5 * MINUTE_MS;
/** Base64 as `x5c` has it: not the URL kind, with its padding (RFC 7515 §4.1.6). */
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Whom to trust, and what time it is (ms). */
export interface Trust {
  /** Lower-case hexadecimal SHA-256 of the pinned root certificate. */
  readonly rootSha256: string;
  readonly now: number;
}

export type SignedData = { readonly kind: "ok"; readonly payload: Json; readonly signedAt: number } | { readonly kind: "invalid"; readonly reason: PurchaseFault };

const invalid = (reason: PurchaseFault): { readonly kind: "invalid"; readonly reason: PurchaseFault } => ({ kind: "invalid", reason });

/** Whether a text is shaped like signed data; says nothing about who signed it. A base64 receipt never is. */
export function isSignedData(text: string): boolean {
  const parts = text.split(".");
  return parts.length === 3 && decode(parts[0]) !== null && decode(parts[1]) !== null;
}

/**
 * Checks signed data of the App Store (a JWS with its certificates in `x5c`) and reads it. The certificates must have been valid when it
 * was signed, and still be: else a leaf's key that leaks after its time could sign into the past.
 */
export async function verifySignedData(jws: string, { rootSha256, now }: Trust): Promise<SignedData> {
  if (jws.length > MAX_JWS_CHARS) return invalid("malformed");
  const parts = jws.split(".");
  const [header, payload] = [decode(parts[0]), decode(parts[1])];
  if (parts.length !== 3 || !header || !payload) return invalid("malformed");
  if (header["alg"] !== "ES256") return invalid("algorithm");
  const chain = readChain(header["x5c"]);
  if (!chain) return invalid("chain");
  const signedAt = payload["signedDate"];
  if (typeof signedAt !== "number" || !Number.isSafeInteger(signedAt) || signedAt <= 0 || signedAt > now + MAX_AHEAD_MS) return invalid("signing_time");
  const verdict = await verifyChain(chain, rootSha256, [signedAt, now]);
  if (verdict.kind === "invalid") return verdict;
  const key = await importKey(verdict.leaf);
  if (!key) return invalid("chain");
  try {
    await compactVerify(jws, key, { algorithms: ["ES256"] });
  } catch {
    return invalid("signature");
  }
  return { kind: "ok", payload, signedAt };
}

/** One part of a JWS as a JSON object; null when it is none. */
function decode(part: string | undefined): Json | null {
  if (!part || !/^[\w-]+$/.test(part)) return null;
  const bytes = fromBase64Url(part);
  if (!bytes) return null;
  try {
    const value: unknown = JSON.parse(fromUtf8(bytes));
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

function readChain(x5c: unknown): readonly Uint8Array<ArrayBuffer>[] | null {
  if (!Array.isArray(x5c) || x5c.length !== 3) return null;
  const chain: Uint8Array<ArrayBuffer>[] = [];
  for (const item of x5c as readonly unknown[]) {
    const der = typeof item === "string" && BASE64.test(item) ? fromBase64Url(item) : null;
    if (!der) return null;
    chain.push(der);
  }
  return chain;
}
