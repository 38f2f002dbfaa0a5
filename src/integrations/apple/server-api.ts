import { importPKCS8, SignJWT } from "jose";
import { MINUTE_MS, SECOND_MS } from "../../kernel/clock";
import type { AppStoreServerApiConfig } from "../../kernel/config";
import type { AppStoreEnvironment, Purchase } from "../../kernel/ports/app-store";
import { exchange, refused, unavailable, type AppleReply } from "./exchange";
import { objectsOf, textOf, type Json } from "./json";
import { toPem } from "./private-key";
import type { Trust } from "./signed-data";
import { readSignedPurchase } from "./signed-data-purchases";

/** Apple takes a token for an hour at most. */
const TOKEN_LIFE_MS = 20 * MINUTE_MS;
/** A token is not used in its last minutes, so that it cannot expire on its way. */
const TOKEN_REST_MS = 2 * MINUTE_MS;
const AUDIENCE = "appstoreconnect-v1";
/** Transaction ids are decimal; anything else asks for nothing and must not shape the address. */
const TRANSACTION_ID = /^\d{1,40}$/;

/** `errorCode` of a 404 that says that there is no such transaction, and of a 400 for an id that is none. */
const UNKNOWN = new Set([4_000_006, 4_000_008, 4_040_005, 4_040_010]);
/** `errorCode` of a 404 for an account that is no more. */
const ACCOUNT_GONE = 4_040_001;
/** `errorCode`s of a 404 that Apple calls retryable. */
const RETRYABLE = new Set([4_040_002, 4_040_004, 4_040_006]);

export interface ServerApi {
  /** Null when Apple knows none of this id there. @throws AppError DEPENDENCY_UNAVAILABLE, BAD_GATEWAY */
  findSubscription(originalTransactionId: string, environment: AppStoreEnvironment, trust: Trust): Promise<Purchase | null>;
}

/** The App Store Server API. */
export function createServerApi(bundleId: string, config: AppStoreServerApiConfig): ServerApi {
  return {
    async findSubscription(originalTransactionId, environment, trust) {
      if (!TRANSACTION_ID.test(originalTransactionId)) return null;
      const baseUrl = environment === "production" ? config.baseUrl : config.sandboxBaseUrl;
      const reply = await exchange(`subscriptions (${environment})`, `${baseUrl}/inApps/v1/subscriptions/${originalTransactionId}`, {
        method: "GET",
        headers: { authorization: `Bearer ${await tokenOf(bundleId, config, trust.now)}` },
      });
      const body = readReply(reply, environment);
      return body && readSubscription(body, { originalTransactionId, environment, bundleId }, trust);
    },
  };
}

/** A success's body; null when there is no such subscription. */
function readReply({ status, headers, body }: AppleReply, environment: AppStoreEnvironment): Json | null {
  if (status === 200 && body) return body;
  const errorCode = typeof body?.["errorCode"] === "number" ? body["errorCode"] : null;
  const said = `subscriptions (${environment}) answered ${status}${errorCode === null ? "" : ` ${errorCode}`}`;
  if (status === 401 || status === 403) throw refused("APPLE_ISSUER_ID, the key, or APPLE_BUNDLE_ID", said);
  if (status === 429) throw unavailable(said, secondsUntil(headers.get("retry-after")));
  // Without a code of Apple's it is some proxy's, and says nothing about the purchase.
  if (errorCode === null || status < 400 || status >= 500 || RETRYABLE.has(errorCode)) throw unavailable(said);
  if (UNKNOWN.has(errorCode) || errorCode === ACCOUNT_GONE) return null;
  throw refused("APPLE_BUNDLE_ID or the key's app", said);
}

/** Their `Retry-After` is a time in milliseconds since the epoch. */
function secondsUntil(retryAfter: string | null): number | undefined {
  const ms = Number(retryAfter ?? "") - Date.now();
  return Number.isFinite(ms) && ms > 0 ? ms / SECOND_MS : undefined;
}

async function readSubscription(body: Json, asked: { readonly originalTransactionId: string; readonly environment: AppStoreEnvironment; readonly bundleId: string }, trust: Trust): Promise<Purchase | null> {
  const last = objectsOf(body, "data")
    .flatMap((group) => objectsOf(group, "lastTransactions"))
    .find((item) => item["originalTransactionId"] === asked.originalTransactionId);
  if (!last) return null;
  const transaction = textOf(last, "signedTransactionInfo");
  const status = last["status"];
  if (transaction === null || typeof status !== "number" || status < 1 || status > 5) throw unavailable("subscriptions answered without a transaction or status");
  const signed = await readSignedPurchase({ transaction, renewal: textOf(last, "signedRenewalInfo"), status }, trust);
  // Over TLS from Apple: what does not verify here is our root or our clock, not a forgery.
  if (signed.kind === "invalid") throw unavailable(`subscriptions answered signed data that does not verify: ${signed.reason}`);
  const { purchase } = signed;
  const fits = (["originalTransactionId", "environment", "bundleId"] as const).every((field) => purchase[field] === asked[field]);
  if (!fits) throw unavailable("subscriptions answered another transaction than the one asked for");
  return purchase;
}

const signed = new WeakMap<AppStoreServerApiConfig, { readonly token: string; readonly until: number }>();

/** Our proof to Apple, kept per isolate while it lasts. Kept when it is there: waiting for another request's promise could be for ever. */
async function tokenOf(bundleId: string, config: AppStoreServerApiConfig, now: number): Promise<string> {
  const known = signed.get(config);
  if (known && known.until > now) return known.token;
  const token = await sign(bundleId, config, now);
  signed.set(config, { token, until: now + TOKEN_LIFE_MS - TOKEN_REST_MS });
  return token;
}

async function sign(bundleId: string, config: AppStoreServerApiConfig, now: number): Promise<string> {
  const seconds = Math.floor(now / SECOND_MS);
  try {
    const key = await importPKCS8(toPem(config.privateKey), "ES256");
    return await new SignJWT({ bid: bundleId })
      .setProtectedHeader({ alg: "ES256", kid: config.keyId, typ: "JWT" })
      .setIssuer(config.issuerId)
      .setIssuedAt(seconds)
      .setExpirationTime(seconds + TOKEN_LIFE_MS / SECOND_MS)
      .setAudience(AUDIENCE)
      .sign(key);
  } catch {
    // The cause may quote the key.
    throw refused("APPLE_STOREKIT_PRIVATE_KEY", "it is no PKCS#8 key on P-256");
  }
}

