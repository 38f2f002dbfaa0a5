import type { Ctx } from "../../kernel/context";
import { AppError } from "../../kernel/errors/app-error";
import type { AppStore, AppStoreEnvironment, Purchase } from "../../kernel/ports/app-store";

/** A purchase, and as of when Apple says so (ms). */
export interface KnownPurchase {
  readonly purchase: Purchase;
  readonly asOf: number;
}

/** The App Store. @throws AppError DEPENDENCY_UNAVAILABLE when none is configured */
export function requireAppStore(ctx: Ctx): AppStore {
  if (!ctx.services.appStore) throw new AppError("DEPENDENCY_UNAVAILABLE", "Purchases in the App Store are not available here.", { extras: { provider: "apple" } });
  return ctx.services.appStore;
}

/** Whether purchases of this environment count here. */
export const isAccepted = (ctx: Ctx, environment: AppStoreEnvironment): boolean => environment === "production" || ctx.config.acceptSandboxPurchases;

/** What a proof of purchase was refused for, as callers and logs may see it. */
export const purchaseInvalid = (reason: string): AppError => new AppError("PURCHASE_INVALID", "The App Store does not confirm this purchase.", { extras: { reason } });

/**
 * What a device's proof says about a product.
 * @throws AppError DEPENDENCY_UNAVAILABLE, BAD_GATEWAY, PURCHASE_INVALID {reason}
 */
export async function readPurchase(ctx: Ctx, receiptData: string, productId: string): Promise<KnownPurchase> {
  const store = requireAppStore(ctx);
  // Of two readings that overlap the one that began later counts: it cannot be older than what the other one began with.
  const asOf = ctx.clock.now();
  const verdict = await store.readPurchase(receiptData, productId);
  if (verdict.kind !== "ok") throw purchaseInvalid(verdict.kind === "invalid" ? verdict.reason : verdict.kind);
  if (!isAccepted(ctx, verdict.purchase.environment)) throw purchaseInvalid("environment");
  return { purchase: verdict.purchase, asOf: verdict.signedAt ?? asOf };
}

/** What Apple says about a purchase now; null when it cannot be asked or knows none. @throws AppError DEPENDENCY_UNAVAILABLE, BAD_GATEWAY */
export async function askAgain(ctx: Ctx, originalTransactionId: string, environment?: AppStoreEnvironment): Promise<KnownPurchase | null> {
  const ask = ctx.services.appStore?.getSubscription;
  if (!ask) return null;
  const asOf = ctx.clock.now();
  const purchase = await ask(originalTransactionId, environment);
  return purchase && isAccepted(ctx, purchase.environment) ? { purchase, asOf } : null;
}
