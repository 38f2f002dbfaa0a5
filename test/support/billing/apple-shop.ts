import { expect } from "vitest";
import { notificationJob } from "../../../src/fleet/apple-notifications";
import { forgetEntitlements } from "../../../src/fleet/plans";
import type { Ctx } from "../../../src/kernel/context";
import { api, expectStatus, uniqueName, type ApiAnswer, type TestUser } from "../client";
import { contextAt, settled } from "../homeserver/view";
import { apple } from "./doubles";
import { DB } from "./shop";

/** What the App Store sells, and what it tells us. */

export const PRODUCTS = { solo: "solo.monthly", pro: "pro.monthly", proYear: "pro.yearly", vm: "vm.monthly" } as const;

export async function openAppleShop(): Promise<void> {
  await DB.prepare("UPDATE plans SET apple_product_id = key || '.monthly', apple_product_id_yearly = key || '.yearly' WHERE key IN ('solo', 'pro', 'team')").run();
  await DB.prepare("UPDATE subscription_addons SET apple_product_id = ?, stripe_price_id_sandbox = 'price_vm' WHERE key = 'cloud_vm'").bind(PRODUCTS.vm).run();
  forgetEntitlements(null);
}

type Bought = Awaited<ReturnType<typeof apple.buy>>;

/** Somebody subscribes on their phone. Ids begin with the double, which does not outlive the database. */
export const buy = (wish: Partial<Bought> = {}): Promise<Bought> => apple.buy({ originalTransactionId: `9${Date.now()}${String(Math.floor(Math.random() * 1e6)).padStart(6, "0")}`, productId: PRODUCTS.pro, ...wish });

interface ReceiptAnswer {
  readonly status: string;
  readonly plan: string | null;
  readonly expires_at: string | null;
  readonly auto_renew: boolean;
  readonly grace_until: string | null;
}

export const tryValidate = (user: TestUser, receipt: string, product: string): Promise<ApiAnswer<Record<string, unknown>>> =>
  api("POST", "/api/v1/subscription/apple/validate", { token: user.accessToken, body: { receipt_data: receipt, product_id: product } });

export const validate = async (user: TestUser, bought: Bought): Promise<ReceiptAnswer> =>
  expectStatus<ReceiptAnswer>(200, "POST", "/api/v1/subscription/apple/validate", { token: user.accessToken, body: { receipt_data: await apple.receipt(bought.originalTransactionId), product_id: bought.productId } });

/** A notification as Apple posts it, with its id. */
export async function notify(id: string | null, type: string, options: { readonly signedAt?: number; readonly subtype?: string } = {}): Promise<{ readonly id: string; readonly post: () => Promise<ApiAnswer<Record<string, unknown>>> }> {
  const notificationId = crypto.randomUUID();
  const signedPayload = await apple.notification(id, { type, notificationId, ...options });
  return { id: notificationId, post: () => api("POST", "/api/v1/subscription/apple/notifications", { body: { signedPayload } }) };
}

/** Posts it, and works it off as the queue would. @param ctx for another App Store than the configured one */
export async function tell(id: string | null, type: string, options: { readonly signedAt?: number; readonly subtype?: string } = {}, ctx: Ctx = contextAt(0)): Promise<string> {
  const notification = await notify(id, type, options);
  const answer = await notification.post();
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  await notificationJob(ctx, notification.id);
  await settled();
  return notification.id;
}

/** An App Store whose Server API is not configured: only what is signed counts. */
export function withoutServerApi(ms = 0): Ctx {
  const ctx = contextAt(ms);
  const { appStore } = ctx.services;
  if (!appStore) throw new Error("this project has an App Store");
  return { ...ctx, requestId: uniqueName("req"), services: { ...ctx.services, appStore: { readPurchase: appStore.readPurchase, readNotification: appStore.readNotification, getSubscription: null } } };
}
