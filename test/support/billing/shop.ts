import { env } from "cloudflare:workers";
import { expect } from "vitest";
import { forgetEntitlements } from "../../../src/fleet/plans";
import { handleStripeEvent } from "../../../src/fleet/webhooks";
import type { Env } from "../../../src/env";
import { api, expectStatus, send, signUpUser, type TestUser } from "../client";
import { contextAt, settled } from "../homeserver/view";
import { stripe } from "./doubles";

/** A shop with three plans for sale, people who buy, and the provider's events on their way to us. */

export const { DB } = env as unknown as Env;
const { STRIPE_WEBHOOK_SECRET } = env as unknown as Env;

export type StripeEvent = Awaited<ReturnType<typeof stripe.takeEvents>>[number];

const PRICES = { solo: 900, pro: 2_900, team: 9_900 } as const;

/** Empties the provider, and puts our plans on sale there. */
export async function openShop(): Promise<void> {
  await stripe.reset();
  for (const [key, amount] of Object.entries(PRICES)) {
    await stripe.addPrice({ id: `price_${key}`, amount });
    await stripe.addPrice({ id: `price_${key}_year`, amount: amount * 10, interval: "year" });
    await DB.prepare("UPDATE plans SET stripe_price_id_sandbox = ?1, stripe_price_id_yearly_sandbox = ?1 || '_year' WHERE key = ?2").bind(`price_${key}`, key).run();
  }
  forgetEntitlements(null);
}

/** Posts one event as the provider does. */
export async function post(event: StripeEvent): Promise<Response> {
  const { body, header } = await stripe.sign(event, STRIPE_WEBHOOK_SECRET ?? "", Math.floor(Date.now() / 1_000));
  return send("POST", "/api/v1/subscription/webhook", { body, headers: { "stripe-signature": header } });
}

/** Posts events and works them off, each in its turn; those that do not concern us as well. */
export async function deliver(events: readonly StripeEvent[]): Promise<void> {
  for (const event of events) {
    const response = await post(event);
    expect(response.status, await response.text()).toBe(200);
    await handleStripeEvent(contextAt(0), event.id);
  }
  await settled();
}

/** What happened at the provider since the last call, told to us. */
export const deliverNews = async (): Promise<void> => deliver(await stripe.takeEvents());

/** The id of the checkout that a page's address leads to. */
const sessionIdOf = (url: string): string => /cs_[A-Za-z0-9_]+/.exec(url)?.[0] ?? "";

export async function openCheckout(user: TestUser, priceId: string): Promise<string> {
  const { checkout_url: url } = await expectStatus<{ checkout_url: string }>(200, "POST", "/api/v1/subscription/checkout", { token: user.accessToken, body: { price_id: priceId } });
  return sessionIdOf(url);
}

export interface Buyer extends TestUser {
  readonly customerId: string;
  readonly subscriptionId: string;
}

/** Somebody who has paid for a plan, and of whom we have heard. */
export async function signUpBuyer(plan: keyof typeof PRICES = "solo"): Promise<Buyer> {
  const user = await signUpUser();
  const paid = await stripe.complete(await openCheckout(user, `price_${plan}`));
  if (paid.kind !== "completed") throw new Error(paid.kind);
  await deliverNews();
  const row = await DB.prepare("SELECT customer_id FROM billing_customers WHERE tenant_id = ?").bind(user.userId).first<{ customer_id: string }>();
  return { ...user, customerId: row?.customer_id ?? "", subscriptionId: paid.subscriptionId };
}

export interface StatusView {
  readonly [name: string]: unknown;
}

export const statusOf = (user: TestUser): Promise<StatusView> => expectStatus<StatusView>(200, "GET", "/api/v1/subscription", { token: user.accessToken });

export const act = (user: TestUser, method: string, path: string, body?: unknown) => api("POST" === method && body === undefined ? "POST" : method, `/api/v1/subscription/${path}`, { token: user.accessToken, ...(body === undefined ? {} : { body }) });

export interface Row {
  readonly id: string;
  readonly status: string;
  readonly plan_id: number;
  readonly schedule_id: string | null;
  readonly pending_plan_id: number | null;
  readonly grace_until: number | null;
  readonly changing_until: number | null;
  readonly [name: string]: unknown;
}

/** A person's subscriptions as we have them. */
export const rowsOf = async (user: TestUser): Promise<Row[]> => (await DB.prepare("SELECT * FROM user_subscriptions WHERE tenant_id = ? ORDER BY created_at, external_id").bind(user.userId).all<Row>()).results;

/** {@link rowsOf} without what differs from one way there to another. */
export const endState = async (user: TestUser): Promise<unknown> => ({
  subscriptions: (await rowsOf(user)).map(({ id: _id, updated_at: _at, version: _version, provider_read_at: _readAt, ...rest }) => rest),
  payments: (await DB.prepare("SELECT * FROM payments WHERE tenant_id = ? ORDER BY id").bind(user.userId).all()).results.map(({ created_at: _c, updated_at: _u, provider_read_at: _r, ...rest }) => rest),
  account: await DB.prepare("SELECT subscription_price_id FROM users WHERE id = ?").bind(user.userId).first(),
});

/** What led to possible changes of a person's plan, oldest first. */
export const triggersOf = async (user: TestUser): Promise<string[]> =>
  (await DB.prepare("SELECT json_extract(detail, '$.trigger') AS t FROM audit_log WHERE tenant_id = ? AND json_extract(detail, '$.trigger') IS NOT NULL ORDER BY id").bind(user.userId).all<{ t: string }>()).results.map(({ t }) => t);

export const auditOf = async (user: TestUser): Promise<string[]> =>
  (await DB.prepare("SELECT action FROM audit_log WHERE tenant_id = ? AND (action LIKE 'subscription.%' OR action LIKE 'billing_%' OR action LIKE 'payment.%') ORDER BY id").bind(user.userId).all<{ action: string }>()).results.map(({ action }) => action);
