import type { AppStoreEnvironment, Purchase, PurchaseFault, PurchaseVerdict } from "../../kernel/ports/app-store";
import type { AppStoreConfig } from "../../kernel/config";
import { exchange, refused, unavailable } from "./exchange";
import { isObject, objectsOf, textOf, timeOf, type Json } from "./json";

/** Receipts with years of renewals reach some hundred KiB. */
const MAX_RECEIPT_CHARS = 2 * 1024 * 1024;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
/** Production, then where it says, then once more where that says. */
const MAX_QUESTIONS = 3;

/** `status` of verifyReceipt. */
const STATUS = { ok: 0, secretWrong: 21_004, forSandbox: 21_007, forProduction: 21_008 } as const;
const FAULTS: Readonly<Record<number, PurchaseFault>> = { 21_003: "not_authentic", 21_006: "old_receipt", 21_010: "account_not_found" };

export type ReceiptConfig = Pick<AppStoreConfig, "bundleId" | "sharedSecret" | "receiptBaseUrl" | "receiptSandboxBaseUrl">;

/**
 * What an app receipt says about one product, by Apple's verifyReceipt.
 * @throws AppError DEPENDENCY_UNAVAILABLE (every status that may pass), BAD_GATEWAY (our shared secret)
 */
export async function readReceipt(config: ReceiptConfig, receiptData: string, productId: string): Promise<PurchaseVerdict> {
  const receipt = receiptData.replace(/\s+/g, "");
  if (config.sharedSecret === null) return { kind: "invalid", reason: "receipts_not_taken" };
  // Apple answers nonsense with 21002, which also means a moment's trouble: sorted out here, it needs no answer.
  if (receipt.length > MAX_RECEIPT_CHARS || receipt.length % 4 === 1 || !BASE64.test(receipt)) return { kind: "invalid", reason: "malformed" };

  let at: AppStoreEnvironment = "production";
  for (let asked = 0; asked < MAX_QUESTIONS; asked++) {
    const { body, status } = await verify(config, config.sharedSecret, at, receipt);
    if (status === STATUS.ok) return readAnswer(body, at, config.bundleId, productId);
    if (status === STATUS.secretWrong) throw refused("APPLE_SHARED_SECRET", `verifyReceipt (${at}) answered ${status}`);
    const reason = FAULTS[status];
    if (reason) return { kind: "invalid", reason };
    if (status !== STATUS.forSandbox && status !== STATUS.forProduction) throw unavailable(`verifyReceipt (${at}) answered ${status}`);
    at = status === STATUS.forSandbox ? "sandbox" : "production";
  }
  throw unavailable("verifyReceipt sends this receipt to and fro");
}

async function verify(config: ReceiptConfig, secret: string, at: AppStoreEnvironment, receipt: string): Promise<{ readonly body: Json; readonly status: number }> {
  const baseUrl = at === "production" ? config.receiptBaseUrl : config.receiptSandboxBaseUrl;
  const { status: http, body } = await exchange(`verifyReceipt (${at})`, `${baseUrl}/verifyReceipt`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ "receipt-data": receipt, password: secret, "exclude-old-transactions": true }),
  });
  const status = body?.["status"];
  if (http !== 200 || !body || typeof status !== "number") throw unavailable(`verifyReceipt (${at}) answered ${http} without a status`);
  return { body, status };
}

function readAnswer(body: Json, askedAt: AppStoreEnvironment, bundleId: string, productId: string): PurchaseVerdict {
  const receipt = body["receipt"];
  if (!isObject(receipt) || textOf(receipt, "bundle_id") === null) throw unavailable("verifyReceipt answered without a receipt");
  if (receipt["bundle_id"] !== bundleId) return { kind: "wrong_app" };
  const transaction = choose(objectsOf(body, "latest_receipt_info").filter((item) => item["product_id"] === productId));
  if (!transaction) return { kind: "no_such_product" };
  const originalTransactionId = textOf(transaction, "original_transaction_id");
  if (originalTransactionId === null) throw unavailable("verifyReceipt answered a transaction without its id");
  const renewal = renewalOf(body, originalTransactionId, productId);
  const purchase: Purchase = {
    originalTransactionId,
    productId,
    bundleId,
    // Either saying sandbox means that nobody paid.
    environment: askedAt === "sandbox" || body["environment"] === "Sandbox" ? "sandbox" : "production",
    expiresAt: timeOf(transaction, "expires_date_ms"),
    isTrial: transaction["is_trial_period"] === "true",
    autoRenew: renewal === null ? null : renewal["auto_renew_status"] === "1",
    inBillingRetry: renewal?.["is_in_billing_retry_period"] === "1",
    graceUntil: renewal === null ? null : timeOf(renewal, "grace_period_expires_date_ms"),
    revokedAt: timeOf(transaction, "cancellation_date_ms"),
    appAccountToken: textOf(transaction, "app_account_token")?.toLowerCase() ?? null,
  };
  return { kind: "ok", purchase };
}

/** The transaction that lasts longest of those in force; when all were taken back, of those. */
function choose(transactions: readonly Json[]): Json | undefined {
  const inForce = transactions.filter((item) => timeOf(item, "cancellation_date_ms") === null);
  const endOf = (item: Json): number => timeOf(item, "expires_date_ms") ?? Number.POSITIVE_INFINITY;
  return [...(inForce.length > 0 ? inForce : transactions)].sort((a, b) => (endOf(a) === endOf(b) ? 0 : endOf(b) - endOf(a)))[0];
}

function renewalOf(body: Json, originalTransactionId: string, productId: string): Json | null {
  const own = objectsOf(body, "pending_renewal_info").filter((item) => item["original_transaction_id"] === originalTransactionId);
  return own.find((item) => item["product_id"] === productId) ?? own[0] ?? null;
}
