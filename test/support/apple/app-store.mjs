/** The App Store in memory: verifyReceipt and the App Store Server API, as strict as Apple's. It needs nothing but web standards. */
import { createAuthority, toBase64 } from "./authority.mjs";

/**
 * @typedef {"production" | "sandbox"} Environment
 * @typedef {{ originalTransactionId: string, productId: string, bundleId: string, environment: Environment, status: number, expiresAt: number | null, isTrial: boolean, autoRenew: boolean, inBillingRetry: boolean, graceUntil: number | null, revokedAt: number | null, appAccountToken: string | null, isUpgraded: boolean, type: string }} Subscription
 * @typedef {{ method: string, path: string, headers: Headers, body: string }} Seen
 * @typedef {{ bundleId: string, sharedSecret: string, issuerId: string, keyId: string }} Account
 */

const DAY_MS = 86_400_000;
const NAMES = { production: "Production", sandbox: "Sandbox" };

/** @param {Partial<Account> & { authority?: import("./authority.mjs").Authority }} [options] */
export async function createAppStoreDouble(options = {}) {
  const { bundleId = "org.example.app", sharedSecret = "shared-secret-of-the-app", issuerId = "57246542-96fe-1a63-e053-0824d011072a", keyId = "ABC123DEFG" } = options;
  const account = { bundleId, sharedSecret, issuerId, keyId };
  const authority = options.authority ?? (await createAuthority());
  const keys = /** @type {CryptoKeyPair} */ (await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]));
  const pkcs8 = toBase64(new Uint8Array(/** @type {ArrayBuffer} */ (await crypto.subtle.exportKey("pkcs8", keys.privateKey))));
  /** @type {Map<string, Subscription>} */
  const subscriptions = new Map();
  /** Receipts by their base64: the transactions on each. @type {Map<string, string[]>} */
  const receipts = new Map();
  /** Answers to give instead, each once and in order. @type {((seen: Seen) => Response | Promise<Response>)[]} */
  const script = [];
  /** @type {Seen[]} */
  const seen = [];
  let lastId = 2_000_000_000_000_000;

  /** @param {string} id */
  const find = (id) => {
    const found = subscriptions.get(id);
    if (!found) throw new Error(`no subscription ${id}`);
    return found;
  };
  /** @param {string} id @param {number} [signedAt] @param {Record<string, unknown>} [other] */
  const signTransaction = (id, signedAt = Date.now(), other = {}) => authority.sign({ ...transactionOf(find(id)), signedDate: signedAt, ...other });
  /** @param {string} id @param {number} [signedAt] @param {Record<string, unknown>} [other] */
  const signRenewal = (id, signedAt = Date.now(), other = {}) => authority.sign({ ...renewalOf(find(id)), signedDate: signedAt, ...other });

  /** @param {Request} request */
  const handle = async (request) => {
    const { pathname } = new URL(request.url);
    const body = await request.text();
    const entry = { method: request.method, path: pathname, headers: request.headers, body };
    seen.push(entry);
    const scripted = script.shift();
    if (scripted) return scripted(entry);
    const [, environment, rest] = /^\/(production|sandbox)\/(.+)$/.exec(pathname) ?? [];
    if (environment !== "production" && environment !== "sandbox") return new Response("no such place", { status: 404 });
    if (rest === "verifyReceipt") return Response.json(verifyReceipt(request.method, body, environment));
    const [, id] = /^inApps\/v1\/subscriptions\/([^/]+)$/.exec(rest ?? "") ?? [];
    if (id === undefined || request.method !== "GET") return new Response("no such place", { status: 404 });
    const trouble = await checkToken(request.headers.get("authorization") ?? "", keys.publicKey, account);
    if (trouble) return trouble;
    return subscriptionAnswer(id, environment);
  };

  /** @param {string} method @param {string} text @param {Environment} environment */
  const verifyReceipt = (method, text, environment) => {
    if (method !== "POST") return { status: 21_000 };
    const body = JSON.parse(text);
    if (typeof body["receipt-data"] !== "string" || body["exclude-old-transactions"] !== true) return { status: 21_002 };
    const ids = receipts.get(body["receipt-data"]);
    if (!ids) return { status: 21_003 };
    if (body.password !== sharedSecret) return { status: 21_004 };
    const bought = ids.map(find);
    if (bought.some((one) => one.environment !== environment)) return { status: environment === "production" ? 21_007 : 21_008 };
    return {
      status: 0,
      environment: NAMES[environment],
      receipt: { receipt_type: `${NAMES[environment]}${environment === "sandbox" ? "Sandbox" : ""}`, bundle_id: bought[0]?.bundleId ?? bundleId, in_app: [] },
      latest_receipt: body["receipt-data"],
      latest_receipt_info: bought.map(receiptItemOf),
      pending_renewal_info: bought.map(receiptRenewalOf),
    };
  };

  /** @param {string} id @param {Environment} environment */
  const subscriptionAnswer = async (id, environment) => {
    if (!/^\d+$/.test(id)) return refusal(400, 4_000_006, "Invalid transaction id.");
    const found = subscriptions.get(id);
    if (!found || found.environment !== environment) return refusal(404, 4_040_010, "Transaction id not found.");
    const last = { originalTransactionId: id, status: found.status, signedTransactionInfo: await signTransaction(id), signedRenewalInfo: await signRenewal(id) };
    return Response.json({ environment: NAMES[environment], bundleId: found.bundleId, data: [{ subscriptionGroupIdentifier: "20000001", lastTransactions: [last] }] });
  };

  return {
    ...account,
    authority,
    privateKey: `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----`,
    seen,
    subscriptions,
    handle,
    /** @param {...(Response | ((seen: Seen) => Response | Promise<Response>))} answers given to the next requests instead of the right ones */
    answerNext: (...answers) => void script.push(...answers.map((answer) => (typeof answer === "function" ? answer : () => answer))),
    /** Somebody subscribes. @param {Partial<Subscription>} [wish] @returns {Subscription} */
    buy(wish = {}) {
      const id = wish.originalTransactionId ?? String((lastId += 1));
      const bought = { originalTransactionId: id, productId: "pro.monthly", bundleId, environment: /** @type {Environment} */ ("production"), status: 1, expiresAt: Date.now() + 30 * DAY_MS, isTrial: false, autoRenew: true, inBillingRetry: false, graceUntil: null, revokedAt: null, appAccountToken: null, isUpgraded: false, type: "Auto-Renewable Subscription", ...wish };
      subscriptions.set(id, bought);
      return bought;
    },
    /** Something becomes of a subscription. @param {string} id @param {Partial<Subscription>} now */
    change: (id, now) => void subscriptions.set(id, { ...find(id), ...now }),
    /** The receipt of a device with these subscriptions. @param {...string} ids */
    receipt(...ids) {
      const text = toBase64(new TextEncoder().encode(`receipt of ${ids.join(", ")}`));
      receipts.set(text, ids);
      return text;
    },
    signTransaction,
    signRenewal,
    /**
     * What Apple would post about a subscription, or about none.
     * @param {string | null} id @param {{ type: string, subtype?: string, notificationId?: string, signedAt?: number, data?: Record<string, unknown>, payload?: Record<string, unknown> }} what
     */
    async notification(id, { type, subtype, notificationId = crypto.randomUUID(), signedAt = Date.now(), data = {}, payload = {} }) {
      const subject = id === null ? { environment: "Sandbox" } : { environment: NAMES[find(id).environment], status: find(id).status, signedTransactionInfo: await signTransaction(id, signedAt), signedRenewalInfo: await signRenewal(id, signedAt) };
      return authority.sign({ notificationType: type, subtype, notificationUUID: notificationId, version: "2.0", signedDate: signedAt, data: { appAppleId: 41_234, bundleId, bundleVersion: "1", ...subject, ...data }, ...payload });
    },
  };
}

/** @typedef {Awaited<ReturnType<typeof createAppStoreDouble>>} AppStoreDouble */

/** @param {number} status @param {number} errorCode @param {string} errorMessage */
const refusal = (status, errorCode, errorMessage) => Response.json({ errorCode, errorMessage }, { status });

/** @param {string} authorization @param {CryptoKey} key @param {Account} account @returns {Promise<Response | null>} */
async function checkToken(authorization, key, account) {
  const denied = new Response("Unauthenticated\n\nRequest ID: TEST.0.0", { status: 401 });
  const [, header = "", claims = "", signature = ""] = /^Bearer ([\w-]+)\.([\w-]+)\.([\w-]+)$/.exec(authorization) ?? [];
  /** @param {string} part */
  const bytes = (part) => Uint8Array.from(atob(part.replaceAll("-", "+").replaceAll("_", "/")), (char) => char.charCodeAt(0));
  if (header === "" || !(await crypto.subtle.verify({ name: "ECDSA", hash: "SHA-256" }, key, bytes(signature), new TextEncoder().encode(`${header}.${claims}`)))) return denied;
  /** @param {string} part */
  const json = (part) => JSON.parse(new TextDecoder().decode(bytes(part)));
  const { alg, kid, typ } = json(header);
  const { iss, iat, exp, aud, bid } = json(claims);
  const now = Date.now() / 1_000;
  if (alg !== "ES256" || kid !== account.keyId || typ !== "JWT" || iss !== account.issuerId || aud !== "appstoreconnect-v1") return denied;
  if (!(iat <= now + 60 && exp > now && exp - iat <= 3_600)) return denied;
  return bid === account.bundleId ? null : refusal(400, 4_000_002, "Invalid request app identifier.");
}

/** @param {Subscription} one */
const transactionOf = (one) => ({
  transactionId: one.originalTransactionId,
  originalTransactionId: one.originalTransactionId,
  bundleId: one.bundleId,
  productId: one.productId,
  environment: NAMES[one.environment],
  type: one.type,
  inAppOwnershipType: "PURCHASED",
  quantity: 1,
  ...(one.expiresAt === null ? {} : { expiresDate: one.expiresAt }),
  ...(one.isTrial ? { offerType: 1, offerDiscountType: "FREE_TRIAL" } : {}),
  ...(one.revokedAt === null ? {} : { revocationDate: one.revokedAt, revocationReason: 0 }),
  ...(one.isUpgraded ? { isUpgraded: true } : {}),
  ...(one.appAccountToken === null ? {} : { appAccountToken: one.appAccountToken }),
});

/** @param {Subscription} one */
const renewalOf = (one) => ({
  originalTransactionId: one.originalTransactionId,
  productId: one.productId,
  autoRenewProductId: one.productId,
  autoRenewStatus: one.autoRenew ? 1 : 0,
  environment: NAMES[one.environment],
  ...(one.inBillingRetry ? { isInBillingRetryPeriod: true } : {}),
  ...(one.graceUntil === null ? {} : { gracePeriodExpiresDate: one.graceUntil }),
});

/** @param {Subscription} one */
const receiptItemOf = (one) => ({
  quantity: "1",
  product_id: one.productId,
  transaction_id: one.originalTransactionId,
  original_transaction_id: one.originalTransactionId,
  is_trial_period: String(one.isTrial),
  ...(one.expiresAt === null ? {} : { expires_date_ms: String(one.expiresAt) }),
  ...(one.revokedAt === null ? {} : { cancellation_date_ms: String(one.revokedAt), cancellation_reason: "0" }),
  ...(one.isUpgraded ? { is_upgraded: "true" } : {}),
  ...(one.appAccountToken === null ? {} : { app_account_token: one.appAccountToken }),
});

/** @param {Subscription} one */
const receiptRenewalOf = (one) => ({
  original_transaction_id: one.originalTransactionId,
  product_id: one.productId,
  auto_renew_product_id: one.productId,
  auto_renew_status: one.autoRenew ? "1" : "0",
  ...(one.inBillingRetry ? { is_in_billing_retry_period: "1", expiration_intent: "2" } : {}),
  ...(one.graceUntil === null ? {} : { grace_period_expires_date_ms: String(one.graceUntil) }),
});
