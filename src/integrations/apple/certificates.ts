import { sha256, timingSafeEqual, toHex } from "../../kernel/crypto/bytes";
import { MINUTE_MS } from "../../kernel/clock";
import type { PurchaseFault } from "../../kernel/ports/app-store";
import { DerError, partsOf, readBits, readBoolean, readOne, readTime, readUnsigned, TAG, type DerValue } from "./der";

/** Apple's own are about 1 KiB. */
const MAX_CERTIFICATE_BYTES = 8 * 1024;
/** Clocks of Apple's signers and of certificates may differ by as much; Apple's own library allows the same. */
const SKEW_MS = MINUTE_MS;

/** Object identifiers as their DER content in hexadecimal. */
const OID = {
  /** 1.2.840.113635.100.6.11.1: signs receipts of the App Store. */
  leafMarker: "2a864886f76364060b01",
  /** 1.2.840.113635.100.6.2.1: Worldwide Developer Relations, the intermediate above such signers. */
  intermediateMarker: "2a864886f76364060201",
  basicConstraints: "551d13",
  keyUsage: "551d0f",
  ecPublicKey: "2a8648ce3d0201",
} as const;

const CURVES: Readonly<Record<string, { readonly name: "P-256" | "P-384"; readonly bytes: number }>> = {
  "2a8648ce3d030107": { name: "P-256", bytes: 32 },
  "2b81040022": { name: "P-384", bytes: 48 },
};
/** ecdsa-with-SHA256 and ecdsa-with-SHA384. */
const HASHES: Readonly<Record<string, "SHA-256" | "SHA-384">> = { "2a8648ce3d040302": "SHA-256", "2a8648ce3d040303": "SHA-384" };

/** The bits of KeyUsage (RFC 5280 §4.2.1.3), within its first byte. */
const DIGITAL_SIGNATURE = 0x80;
const KEY_CERT_SIGN = 0x04;

/** The fields of a certificate that decide whether we trust it. */
export interface Certificate {
  readonly der: Uint8Array<ArrayBuffer>;
  /** What its issuer signed, with which hash, and the signature in DER. */
  readonly signed: Uint8Array<ArrayBuffer>;
  readonly hash: "SHA-256" | "SHA-384";
  readonly signature: Uint8Array<ArrayBuffer>;
  /** Names in DER: equal names are equal bytes. */
  readonly issuer: Uint8Array<ArrayBuffer>;
  readonly subject: Uint8Array<ArrayBuffer>;
  readonly notBefore: number;
  readonly notAfter: number;
  /** SubjectPublicKeyInfo. */
  readonly publicKey: Uint8Array<ArrayBuffer>;
  readonly curve: { readonly name: "P-256" | "P-384"; readonly bytes: number };
  readonly isCa: boolean;
  /** First byte of KeyUsage; null when it does not say. */
  readonly keyUsage: number | null;
  /** Its extensions, as {@link OID} writes them. */
  readonly extensions: ReadonlySet<string>;
}

/**
 * Reads an X.509 v3 certificate with an elliptic-curve key, signed with ECDSA.
 * @throws DerError for everything else, and for critical extensions that we do not know
 */
export function readCertificate(der: Uint8Array<ArrayBuffer>): Certificate {
  if (der.length > MAX_CERTIFICATE_BYTES) throw new DerError("a certificate beyond reason");
  const outer = partsOf(readOne(der, TAG.sequence));
  const body = outer.take(TAG.sequence);
  const algorithm = outer.take(TAG.sequence);
  const signature = readBits(outer.take(TAG.bitString));
  outer.end();

  const parts = partsOf(body);
  const version = readOne(parts.take(TAG.version).content, TAG.integer);
  if (toHex(version.content) !== "02") throw new DerError("not version 3");
  parts.take(TAG.integer);
  if (toHex(parts.take(TAG.sequence).whole) !== toHex(algorithm.whole)) throw new DerError("two signature algorithms");
  const issuer = parts.take(TAG.sequence).whole;
  const validity = partsOf(parts.take(TAG.sequence));
  const [notBefore, notAfter] = [takeTime(validity), takeTime(validity)];
  validity.end();
  const subject = parts.take(TAG.sequence).whole;
  const publicKey = parts.take(TAG.sequence);
  const extensions = readExtensions(readOne(parts.take(TAG.extensions).content, TAG.sequence));
  parts.end();

  const basic = extensions.get(OID.basicConstraints);
  const usage = extensions.get(OID.keyUsage);
  return {
    der,
    signed: body.whole,
    hash: hashOf(algorithm),
    signature,
    issuer,
    subject,
    notBefore,
    notAfter,
    publicKey: publicKey.whole,
    curve: curveOf(publicKey),
    isCa: basic !== undefined && readIsCa(basic),
    keyUsage: usage === undefined ? null : readKeyUsage(usage),
    extensions: new Set(extensions.keys()),
  };
}

const takeTime = (parts: ReturnType<typeof partsOf>): number => readTime(parts.takeIf(TAG.utcTime) ?? parts.take(TAG.generalizedTime));

function hashOf(algorithm: DerValue): "SHA-256" | "SHA-384" {
  const parts = partsOf(algorithm);
  const hash = HASHES[toHex(parts.take(TAG.oid).content)];
  parts.end();
  if (!hash) throw new DerError("not signed with ECDSA and SHA-256 or SHA-384");
  return hash;
}

function curveOf(publicKey: DerValue): Certificate["curve"] {
  const parts = partsOf(publicKey);
  const algorithm = partsOf(parts.take(TAG.sequence));
  if (toHex(algorithm.take(TAG.oid).content) !== OID.ecPublicKey) throw new DerError("no elliptic-curve key");
  const curve = CURVES[toHex(algorithm.take(TAG.oid).content)];
  algorithm.end();
  readBits(parts.take(TAG.bitString));
  parts.end();
  if (!curve) throw new DerError("a key on another curve");
  return curve;
}

/** Extensions by identifier. Each may stand once, and a critical one must be among those that we read. */
function readExtensions(list: DerValue): ReadonlyMap<string, Uint8Array<ArrayBuffer>> {
  const found = new Map<string, Uint8Array<ArrayBuffer>>();
  const all = partsOf(list);
  for (let next = all.takeIf(TAG.sequence); next; next = all.takeIf(TAG.sequence)) {
    const parts = partsOf(next);
    const name = toHex(parts.take(TAG.oid).content);
    const critical = parts.takeIf(TAG.boolean);
    const value = parts.take(TAG.octetString).content;
    parts.end();
    if (found.has(name)) throw new DerError("an extension twice");
    if (critical && readBoolean(critical) && !Object.values<string>(OID).includes(name)) throw new DerError("a critical extension that we do not know");
    found.set(name, value);
  }
  all.end();
  return found;
}

function readIsCa(value: Uint8Array<ArrayBuffer>): boolean {
  const parts = partsOf(readOne(value, TAG.sequence));
  const flag = parts.takeIf(TAG.boolean);
  parts.takeIf(TAG.integer);
  parts.end();
  return flag !== null && readBoolean(flag);
}

function readKeyUsage(value: Uint8Array<ArrayBuffer>): number {
  const [unused, first] = readOne(value, TAG.bitString).content;
  if (unused === undefined || unused > 7 || first === undefined) throw new DerError("a key usage without bits");
  return first;
}

/** A leaf that may sign, or what is wrong with the chain. */
export type ChainVerdict = { readonly kind: "ok"; readonly leaf: Certificate } | { readonly kind: "invalid"; readonly reason: PurchaseFault };

/**
 * Checks a chain of leaf, intermediate and root the way Apple asks: each issued and signed by the next, Apple's markers on the first two,
 * the last one pinned, all of them valid at every one of `times` (ms). Revocation is not asked for: it needs a call per certificate, and
 * Apple's markers and short-lived leaves leave it little to do.
 * @param rootSha256 lower-case hexadecimal SHA-256 of the pinned root's DER
 */
export async function verifyChain(chain: readonly Uint8Array<ArrayBuffer>[], rootSha256: string, times: readonly number[]): Promise<ChainVerdict> {
  const [leafDer, intermediateDer, rootDer, ...more] = chain;
  if (!leafDer || !intermediateDer || !rootDer || more.length > 0) return { kind: "invalid", reason: "chain" };
  // Before anything else is read: whoever has no pinned root makes us work no further.
  if (toHex(await sha256(rootDer)) !== rootSha256) return { kind: "invalid", reason: "untrusted_root" };
  try {
    const [leaf, intermediate, root] = [readCertificate(leafDer), readCertificate(intermediateDer), readCertificate(rootDer)];
    const fits =
      !leaf.isCa &&
      leaf.extensions.has(OID.leafMarker) &&
      allows(leaf, DIGITAL_SIGNATURE) &&
      leaf.curve.name === "P-256" &&
      intermediate.isCa &&
      intermediate.extensions.has(OID.intermediateMarker) &&
      allows(intermediate, KEY_CERT_SIGN) &&
      root.isCa &&
      allows(root, KEY_CERT_SIGN);
    if (!fits || !(await isIssuedBy(intermediate, root)) || !(await isIssuedBy(leaf, intermediate))) return { kind: "invalid", reason: "chain" };
    const isValid = ({ notBefore, notAfter }: Certificate): boolean => times.every((time) => notBefore - SKEW_MS <= time && time <= notAfter + SKEW_MS);
    return [leaf, intermediate, root].every(isValid) ? { kind: "ok", leaf } : { kind: "invalid", reason: "certificate_expired" };
  } catch (error) {
    if (error instanceof DerError) return { kind: "invalid", reason: "chain" };
    throw error;
  }
}

const allows = ({ keyUsage }: Certificate, use: number): boolean => keyUsage === null || (keyUsage & use) !== 0;

async function isIssuedBy(certificate: Certificate, issuer: Certificate): Promise<boolean> {
  if (!timingSafeEqual(certificate.issuer, issuer.subject)) return false;
  const { curve } = issuer;
  const key = await importKey(issuer);
  if (!key) return false;
  // X.509 writes an ECDSA signature as two integers, WebCrypto reads it as two numbers of full width.
  const parts = partsOf(readOne(certificate.signature, TAG.sequence));
  const [r, s] = [readUnsigned(parts.take(TAG.integer), curve.bytes), readUnsigned(parts.take(TAG.integer), curve.bytes)];
  parts.end();
  const signature = new Uint8Array(2 * curve.bytes);
  signature.set(r);
  signature.set(s, curve.bytes);
  return crypto.subtle.verify({ name: "ECDSA", hash: certificate.hash }, key, signature, certificate.signed);
}

/** The key of a certificate for verifying; null when its point is none. */
export async function importKey({ publicKey, curve }: Pick<Certificate, "publicKey" | "curve">): Promise<CryptoKey | null> {
  try {
    return await crypto.subtle.importKey("spki", publicKey, { name: "ECDSA", namedCurve: curve.name }, false, ["verify"]);
  } catch {
    return null;
  }
}
