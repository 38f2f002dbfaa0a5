import { systemClock, type Clock } from "../../kernel/clock";
import type { AppStoreConfig } from "../../kernel/config";
import type { AppStore, AppStoreEnvironment, Purchase, PurchaseVerdict } from "../../kernel/ports/app-store";
import { readReceipt } from "./receipts";
import { createServerApi } from "./server-api";
import { isSignedData, type Trust } from "./signed-data";
import { readNotification } from "./signed-data-notifications";
import { readSignedPurchase } from "./signed-data-purchases";

/** Apple's App Store: receipts of older clients, signed transactions of StoreKit 2, notifications, and the Server API where it is configured. */
export function createAppStore(config: AppStoreConfig, clock: Clock = systemClock): AppStore {
  const { bundleId } = config;
  const api = config.serverApi && createServerApi(bundleId, config.serverApi);
  const trust = (): Trust => ({ rootSha256: config.rootSha256, now: clock.now() });

  /** A device may show a transaction of last year, or one replaced since; only Apple knows what became of it. */
  const refresh = async (held: Purchase): Promise<Purchase | null> => (api ? api.findSubscription(held.originalTransactionId, held.environment, trust()) : held);

  const readTransaction = async (transaction: string, productId: string): Promise<PurchaseVerdict> => {
    const signed = await readSignedPurchase({ transaction, renewal: null, status: null }, trust());
    if (signed.kind === "invalid") return signed;
    if (signed.purchase.bundleId !== bundleId) return { kind: "wrong_app" };
    const purchase = signed.isSubscription ? await refresh(signed.purchase) : signed.purchase;
    if (purchase === null) return { kind: "invalid", reason: "transaction_unknown" };
    if (purchase.productId !== productId) return { kind: "no_such_product" };
    return purchase === signed.purchase ? { kind: "ok", purchase, signedAt: signed.signedAt } : { kind: "ok", purchase };
  };

  return {
    readPurchase: (receiptData, productId) => {
      const text = receiptData.trim();
      return isSignedData(text) ? readTransaction(text, productId) : readReceipt(config, text, productId);
    },
    readNotification: (signedPayload) => readNotification(signedPayload.trim(), bundleId, trust()),
    getSubscription:
      api &&
      (async (originalTransactionId: string, environment?: AppStoreEnvironment) => {
        if (environment) return api.findSubscription(originalTransactionId, environment, trust());
        return (await api.findSubscription(originalTransactionId, "production", trust())) ?? api.findSubscription(originalTransactionId, "sandbox", trust());
      }),
  };
}
