/** What Apple says about purchases in our app: subscriptions on a receipt, in signed data, in notifications. */

/** Sandbox purchases cost nothing: testers and App Review make them, also in the app that is on sale. */
export type AppStoreEnvironment = "production" | "sandbox";

/** One subscription as Apple tells it, all times in milliseconds. It says nothing about who of our users it belongs to. */
export interface Purchase {
  /** The same through all renewals; what a purchase is known by. */
  readonly originalTransactionId: string;
  readonly productId: string;
  readonly bundleId: string;
  readonly environment: AppStoreEnvironment;
  /** End of the paid period, also when that has passed; null for products that do not expire. */
  readonly expiresAt: number | null;
  readonly isTrial: boolean;
  /** Null when the source does not tell, as with a signed transaction alone. */
  readonly autoRenew: boolean | null;
  /** A payment failed and Apple still tries. */
  readonly inBillingRetry: boolean;
  /** Until when Apple asks to keep serving while a payment is in retry. */
  readonly graceUntil: number | null;
  /** Refunded, taken from the family, or replaced by an upgrade: since when it counts no more. */
  readonly revokedAt: number | null;
  /** The UUID that our app gave to the purchase, lower case. */
  readonly appAccountToken: string | null;
}

/** Why something that claims to be Apple's was not taken. Slugs, fit for logs. */
export type PurchaseFault =
  | "malformed"
  | "algorithm"
  | "chain"
  | "untrusted_root"
  | "certificate_expired"
  | "signature"
  | "signing_time"
  | "payload"
  | "environment"
  | "not_authentic"
  | "account_not_found"
  | "old_receipt"
  | "receipts_not_taken"
  | "transaction_unknown";

export type PurchaseVerdict =
  /** `signedAt`: when Apple signed it, where nobody asked Apple again: what became of it since is unknown. Absent: Apple said it just now. */
  | { readonly kind: "ok"; readonly purchase: Purchase; readonly signedAt?: number }
  | { readonly kind: "invalid"; readonly reason: PurchaseFault }
  /** Genuine, but without this product. */
  | { readonly kind: "no_such_product" }
  /** Genuine, but of another app. */
  | { readonly kind: "wrong_app" };

/** An App Store Server Notification, version 2. Apple repeats them and does not keep their order. */
export interface AppStoreNotification {
  /** `notificationUUID`: the same on every repeat. */
  readonly notificationId: string;
  /** For example DID_RENEW, EXPIRED, REFUND, TEST. New ones come without notice. */
  readonly type: string;
  readonly subtype: string | null;
  readonly environment: AppStoreEnvironment;
  readonly bundleId: string;
  /** When Apple signed it, ms: a later one about the same purchase knows better. */
  readonly signedAt: number;
  /** Null for those about no single subscription, such as TEST. */
  readonly purchase: Purchase | null;
  /** `purchase` is an earlier transaction than the one that counts now: a refund of the past says nothing about what runs. */
  readonly isPast?: true;
}

export type NotificationVerdict =
  | { readonly kind: "ok"; readonly notification: AppStoreNotification }
  | { readonly kind: "invalid"; readonly reason: PurchaseFault }
  | { readonly kind: "wrong_app" };

export interface AppStore {
  /**
   * What a device's proof of purchase says about one product now.
   * @param receiptData an app receipt in base64, or the signed transaction of a StoreKit 2 client
   * @throws AppError DEPENDENCY_UNAVAILABLE (Apple's trouble, ask again later), BAD_GATEWAY (Apple refuses our secret or key)
   */
  readPurchase(receiptData: string, productId: string): Promise<PurchaseVerdict>;
  /** Checks and reads the `signedPayload` that Apple posts to us. Asks nobody. */
  readNotification(signedPayload: string): Promise<NotificationVerdict>;
  /**
   * The state of a subscription from the App Store Server API; null when Apple knows none of this id. The whole method is null
   * while the API is not configured.
   * @param environment where it was bought; without it production is asked first, then the sandbox
   * @throws AppError DEPENDENCY_UNAVAILABLE, BAD_GATEWAY as above
   */
  readonly getSubscription: ((originalTransactionId: string, environment?: AppStoreEnvironment) => Promise<Purchase | null>) | null;
}
