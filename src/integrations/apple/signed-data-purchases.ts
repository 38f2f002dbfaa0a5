import type { AppStoreEnvironment, Purchase, PurchaseFault } from "../../kernel/ports/app-store";
import { textOf, timeOf, type Json } from "./json";
import { verifySignedData, type SignedData, type Trust } from "./signed-data";

/** `status` of a subscription in the App Store Server API and in notifications. */
export const STATUS = { active: 1, expired: 2, billingRetry: 3, billingGrace: 4, revoked: 5 } as const;

export type SignedPurchase = { readonly kind: "ok"; readonly purchase: Purchase; readonly isSubscription: boolean; readonly signedAt: number } | { readonly kind: "invalid"; readonly reason: PurchaseFault };

/** Where something was bought; null for Xcode's local tests, which no Apple root signs, and for what we do not know. */
export const environmentOf = (from: Json): AppStoreEnvironment | null => (from["environment"] === "Production" ? "production" : from["environment"] === "Sandbox" ? "sandbox" : null);

/** A signed transaction with its signed renewal state and Apple's status, as far as they are there. */
export interface SignedParts {
  readonly transaction: string;
  readonly renewal: string | null;
  readonly status: number | null;
}

/** Checks both signatures, and that both speak of the same subscription. */
export async function readSignedPurchase({ transaction, renewal, status }: SignedParts, trust: Trust): Promise<SignedPurchase> {
  const signedTransaction = await verifySignedData(transaction, trust);
  if (signedTransaction.kind === "invalid") return signedTransaction;
  if (renewal === null) return toPurchase(signedTransaction, null, status);
  const signedRenewal = await verifySignedData(renewal, trust);
  if (signedRenewal.kind === "invalid") return signedRenewal;
  const same = (["originalTransactionId", "environment"] as const).every((field) => signedTransaction.payload[field] === signedRenewal.payload[field]);
  return same ? toPurchase(signedTransaction, signedRenewal.payload, status) : { kind: "invalid", reason: "payload" };
}

type Verified = Extract<SignedData, { kind: "ok" }>;

/** Fields as Apple's JWSTransactionDecodedPayload and JWSRenewalInfoDecodedPayload name them. */
function toPurchase({ payload, signedAt }: Verified, renewal: Json | null, status: number | null): SignedPurchase {
  const [originalTransactionId, productId, bundleId] = [textOf(payload, "originalTransactionId"), textOf(payload, "productId"), textOf(payload, "bundleId")];
  if (originalTransactionId === null || productId === null || bundleId === null) return { kind: "invalid", reason: "payload" };
  const environment = environmentOf(payload);
  if (environment === null) return { kind: "invalid", reason: "environment" };
  // Nor does a replaced transaction carry a date of its own, as it does on receipts.
  const gone = payload["isUpgraded"] === true || status === STATUS.revoked;
  const inBillingRetry = renewal?.["isInBillingRetryPeriod"] === true || status === STATUS.billingRetry || status === STATUS.billingGrace;
  const purchase: Purchase = {
    originalTransactionId,
    productId,
    bundleId,
    environment,
    expiresAt: timeOf(payload, "expiresDate"),
    isTrial: payload["offerDiscountType"] === "FREE_TRIAL",
    autoRenew: renewal === null ? null : renewal["autoRenewStatus"] === 1,
    inBillingRetry: inBillingRetry && status !== STATUS.expired && status !== STATUS.active,
    graceUntil: renewal === null || status === STATUS.expired || status === STATUS.active ? null : timeOf(renewal, "gracePeriodExpiresDate"),
    revokedAt: timeOf(payload, "revocationDate") ?? (gone ? signedAt : null),
    appAccountToken: textOf(payload, "appAccountToken")?.toLowerCase() ?? null,
  };
  return { kind: "ok", purchase, isSubscription: payload["type"] === "Auto-Renewable Subscription", signedAt };
}
