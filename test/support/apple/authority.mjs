/** A certificate authority shaped like Apple's: a root and an intermediate on P-384, a leaf on P-256, with Apple's markers. Web standards only. */
import { bitString, extension, name, oid, sequence, time, tlv, unsigned } from "./der.mjs";

/**
 * @typedef {import("./der.mjs").Bytes} Bytes
 * @typedef {"P-256" | "P-384"} Curve
 * @typedef {{ subject: string, curve: Curve, keys: CryptoKeyPair, der: Bytes }} Identity
 * @typedef {{ subject?: string, curve?: Curve, notBefore?: number, notAfter?: number, isCa?: boolean, usage?: number | null, marker?: string | null, extensions?: Bytes[], claimsIssuer?: string, claimsCurve?: Curve, keys?: CryptoKeyPair }} Wish
 * @typedef {{ x5c?: readonly string[], header?: Record<string, unknown>, key?: CryptoKey }} Signing
 * @typedef {{ x5c: readonly string[], key: JsonWebKey }} SavedAuthority
 */

const DAY_MS = 86_400_000;
const LEAF_MARKER = "1.2.840.113635.100.6.11.1";
const INTERMEDIATE_MARKER = "1.2.840.113635.100.6.2.1";
const HASH_OF = /** @type {const} */ ({ "P-256": "SHA-256", "P-384": "SHA-384" });
const ALGORITHM_OF = { "P-256": sequence(oid("1.2.840.10045.4.3.2")), "P-384": sequence(oid("1.2.840.10045.4.3.3")) };

/** @param {Uint8Array} bytes */
export const toBase64 = (bytes) => btoa(String.fromCharCode(...bytes));
/** @param {string | Uint8Array} value */
const toBase64Url = (value) => toBase64(typeof value === "string" ? new TextEncoder().encode(value) : value).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
/** @param {string} text @returns {Bytes} */
const fromBase64 = (text) => Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
/** @param {Curve} curve @returns {Promise<CryptoKeyPair>} */
const makeKeys = async (curve) => /** @type {CryptoKeyPair} */ (await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: curve }, true, ["sign", "verify"]));

/**
 * A certificate signed by `issuer`, or by itself.
 * @param {Wish} wish
 * @param {Identity | null} issuer
 * @returns {Promise<Identity>}
 */
export async function issue(wish, issuer) {
  const { subject = "Someone", curve = "P-256", notBefore = Date.now() - 30 * DAY_MS, notAfter = Date.now() + 365 * DAY_MS, isCa = false, usage = isCa ? 0x06 : 0x80, marker = null, extensions = [] } = wish;
  const keys = wish.keys ?? (await makeKeys(curve));
  const signer = issuer ?? { subject, curve, keys };
  const algorithm = ALGORITHM_OF[signer.curve];
  const body = sequence(
    tlv(0xa0, tlv(0x02, [2])),
    unsigned(crypto.getRandomValues(new Uint8Array(8))),
    wish.claimsCurve ? ALGORITHM_OF[wish.claimsCurve] : algorithm,
    name(wish.claimsIssuer ?? signer.subject),
    sequence(time(notBefore), time(notAfter)),
    name(subject),
    new Uint8Array(/** @type {ArrayBuffer} */ (await crypto.subtle.exportKey("spki", keys.publicKey))),
    tlv(
      0xa3,
      sequence(
        extension("2.5.29.19", true, isCa ? sequence(tlv(0x01, [0xff])) : sequence()),
        ...(usage === null ? [] : [extension("2.5.29.15", true, bitString([usage], usage === 0x80 ? 7 : 1))]),
        ...(marker === null ? [] : [extension(marker, false, tlv(0x05))]),
        ...extensions,
      ),
    ),
  );
  const raw = new Uint8Array(await crypto.subtle.sign({ name: "ECDSA", hash: HASH_OF[signer.curve] }, signer.keys.privateKey, body));
  const signature = sequence(unsigned(raw.slice(0, raw.length / 2)), unsigned(raw.slice(raw.length / 2)));
  return { subject, curve, keys, der: sequence(body, algorithm, bitString(signature)) };
}

/**
 * A JWS with its chain of certificates, as the App Store signs.
 * @param {unknown} payload
 * @param {{ x5c: readonly string[], key: CryptoKey, header?: Record<string, unknown> }} signing
 */
export async function signJws(payload, { x5c, key, header = {} }) {
  const signed = `${toBase64Url(JSON.stringify({ alg: "ES256", x5c, ...header }))}.${toBase64Url(JSON.stringify(payload))}`;
  const signature = await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, key, new TextEncoder().encode(signed));
  return `${signed}.${toBase64Url(new Uint8Array(signature))}`;
}

/** @param {{ root?: Wish, intermediate?: Wish, leaf?: Wish }} [wishes] what differs from Apple's */
export async function issueChain(wishes = {}) {
  const root = await issue({ subject: "Test Root CA - G3", curve: "P-384", isCa: true, ...wishes.root }, null);
  const intermediate = await issue({ subject: "Test Developer Relations", curve: "P-384", isCa: true, marker: INTERMEDIATE_MARKER, ...wishes.intermediate }, root);
  const leaf = await issue({ subject: "Test Receipt Signing", marker: LEAF_MARKER, ...wishes.leaf }, intermediate);
  return { root, intermediate, leaf };
}

/**
 * An authority that signs payloads, new or as saved by another process.
 * @param {{ root?: Wish, intermediate?: Wish, leaf?: Wish } | { saved: SavedAuthority }} [options]
 */
export async function createAuthority(options = {}) {
  const { x5c, key } = "saved" in options ? await restore(options.saved) : await create(options);
  const rootDer = fromBase64(x5c[2] ?? "");
  const rootSha256 = [...new Uint8Array(await crypto.subtle.digest("SHA-256", rootDer))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return {
    x5c,
    key,
    /** For APPLE_ROOT_CA_SHA256. */
    rootSha256,
    /** @param {unknown} payload @param {Signing} [other] */
    sign: (payload, other = {}) => signJws(payload, { x5c, key, ...other }),
    /** @returns {Promise<SavedAuthority>} */
    save: async () => ({ x5c, key: /** @type {JsonWebKey} */ (await crypto.subtle.exportKey("jwk", key)) }),
  };
}

/** @param {{ root?: Wish, intermediate?: Wish, leaf?: Wish }} wishes */
async function create(wishes) {
  const { root, intermediate, leaf } = await issueChain(wishes);
  return { x5c: [leaf, intermediate, root].map(({ der }) => toBase64(der)), key: leaf.keys.privateKey };
}

/** @param {SavedAuthority} saved */
async function restore({ x5c, key }) {
  return { x5c, key: await crypto.subtle.importKey("jwk", key, { name: "ECDSA", namedCurve: "P-256" }, true, ["sign"]) };
}

/** @typedef {Awaited<ReturnType<typeof createAuthority>>} Authority */

