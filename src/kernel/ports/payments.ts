/**
 * What a provider of card payments must provide. The client is src/integrations/stripe; verbs see only this. Times are milliseconds
 * since 1970, amounts the smallest unit of their currency.
 *
 * Every method that reaches the provider throws AppError DEPENDENCY_UNAVAILABLE (503) when it is down, too slow, over its rate limit
 * (then with `retryAfterSeconds`) or answers what makes no sense, and BAD_GATEWAY (502) when it refuses our key or a request that
 * should be right. After either the call may or may not have had its effect. What is a matter of business (unknown, declined, managed
 * by a schedule) is a return value.
 *
 * Idempotency keys are the caller's, and name one intent: the same key with the same input gives the first answer again for a day,
 * also when that answer was a declined card and also when things have changed since. So a key made of user and price alone is wrong
 * where somebody may want the same thing twice. The same key with other input throws IDEMPOTENCY_CONFLICT. Methods without a key set
 * a state or read it: calling them again is harmless.
 */
export interface Payments {
  /**
   * The customer of a user: `known` while the provider has it, else a new one.
   * @param request `known` is the id that we have on record; the key must change with it, or a deleted customer comes back out of the provider's memory
   */
  ensureCustomer(request: CustomerRequest): Promise<string>;
  /** Deletes the customer, and with it what it subscribes to, at once. Harmless when there is none. */
  deleteCustomer(customerId: string): Promise<void>;

  /** A page where the customer pays for a new subscription. The subscription is made when they have paid, and carries `metadata` and `user_id`. */
  createCheckout(request: CheckoutRequest): Promise<Checkout>;
  /** A page where the customer manages cards, invoices and subscriptions. */
  createPortal(request: { readonly customerId: string; readonly returnUrl: string }): Promise<Portal>;

  getPrice(priceId: string): Promise<PaymentPrice | null>;
  getSubscription(subscriptionId: string): Promise<PaidSubscription | null>;
  /** Newest first, ended ones as well, at most a hundred; none of an unknown customer. */
  listSubscriptions(customerId: string): Promise<readonly PaidSubscription[]>;

  /**
   * Another price from now on; the difference is charged at once, and when that fails nothing changes. It reads the subscription first and
   * does nothing if the price is there already.
   */
  changePriceNow(request: { readonly subscriptionId: string; readonly priceId: string; readonly idempotencyKey: string }): Promise<PriceChange>;
  /**
   * Another price from the end of the paid period, without proration; takes the place of a change scheduled before. A subscription has at
   * most one schedule: the one it has is used again, and one that this call made is released if the call fails.
   */
  scheduleChange(request: { readonly subscriptionId: string; readonly priceId: string; readonly interval: PriceInterval }): Promise<ScheduledChange>;
  getSchedule(scheduleId: string): Promise<PaymentSchedule | null>;
  /** Drops what the schedule would still do and leaves the subscription as it is. Harmless when it is over; null when there is none. */
  releaseSchedule(scheduleId: string): Promise<PaymentSchedule | null>;
  /** Lets the subscription end with its paid period, or takes that back, whoever decided it. */
  setCancelAtPeriodEnd(subscriptionId: string, cancel: boolean): Promise<CancelChange>;
  /** Ends the subscription now, without refund. Harmless when it has ended; null when there is none. */
  cancelNow(subscriptionId: string): Promise<PaidSubscription | null>;

  /** Newest first, at most a hundred; `startingAfter` is the last id of the page before. None of an unknown customer. */
  listInvoices(customerId: string, limit: number, startingAfter?: string): Promise<{ readonly items: readonly PaymentInvoice[]; readonly hasMore: boolean }>;
  getInvoice(invoiceId: string): Promise<PaymentInvoice | null>;

  /**
   * Whether the provider sent this, at most five minutes before `now`, and what it is about. Never throws for what is in the request.
   * Events come late, twice and in any order: read the object again and act on its state.
   * @param rawBody the body exactly as it came
   */
  verifyWebhook(rawBody: string | Uint8Array, signatureHeader: string | null, now: number): Promise<WebhookVerdict>;
}

export interface CustomerRequest {
  readonly userId: number;
  readonly email: string;
  readonly known: string | null;
  readonly idempotencyKey: string;
}

export interface CheckoutRequest {
  readonly customerId: string;
  readonly priceId: string;
  readonly userId: number;
  readonly successUrl: string;
  readonly cancelUrl: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly idempotencyKey: string;
}

export type Checkout =
  | { readonly kind: "created"; readonly id: string; readonly url: string; readonly expiresAt: number }
  | { readonly kind: "unknown_customer" }
  /** No such price, or no longer sold. */
  | { readonly kind: "unknown_price" };

export type Portal = { readonly kind: "created"; readonly url: string } | { readonly kind: "unknown_customer" };

export type PriceInterval = "day" | "week" | "month" | "year";

export interface PaymentPrice {
  readonly id: string;
  readonly active: boolean;
  readonly currency: string;
  /** Null for prices without a fixed amount. */
  readonly unitAmount: number | null;
  /** Null for what is paid once. */
  readonly interval: PriceInterval | null;
  readonly intervalCount: number;
}

/**
 * `incomplete`: the first payment is awaited, for a day at most; then `incomplete_expired`. `past_due`: a later payment failed and is tried
 * again; after the last try `unpaid` or `canceled`, as the account is set. `paused`: a trial ended without a card. `canceled` and
 * `incomplete_expired` are for ever.
 */
export type PaidSubscriptionStatus = "incomplete" | "incomplete_expired" | "trialing" | "active" | "past_due" | "canceled" | "unpaid" | "paused";

export interface PaidSubscription {
  readonly id: string;
  readonly customerId: string;
  readonly status: PaidSubscriptionStatus;
  readonly priceId: string;
  readonly itemId: string;
  readonly quantity: number;
  readonly currentPeriodStart: number;
  readonly currentPeriodEnd: number;
  /** It is going to end, with its period or at another set time: see `cancelAt`. */
  readonly cancelAtPeriodEnd: boolean;
  /** When it is going to end; null while it is not. */
  readonly cancelAt: number | null;
  /** When somebody last decided that it ends, which is earlier than the end itself. */
  readonly canceledAt: number | null;
  readonly endedAt: number | null;
  /** The schedule that manages it. */
  readonly scheduleId: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly trialEnd: number | null;
  readonly createdAt: number;
  readonly latestInvoiceId: string | null;
}

export type PriceChange =
  | { readonly kind: "changed"; readonly subscription: PaidSubscription }
  | { readonly kind: "unknown" }
  | { readonly kind: "ended" }
  | { readonly kind: "unknown_price" }
  /** Release the schedule first: it would put its own price back. */
  | { readonly kind: "managed_by_schedule"; readonly scheduleId: string }
  /** Nothing has changed. `reason` is the provider's slug, such as `insufficient_funds` or `authentication_required`. */
  | { readonly kind: "payment_failed"; readonly reason: string | null };

export type ScheduledChange =
  | { readonly kind: "scheduled"; readonly schedule: PaymentSchedule }
  | { readonly kind: "unknown" }
  | { readonly kind: "ended" }
  /** It is going to end; a schedule would quietly take that back. */
  | { readonly kind: "canceling" }
  | { readonly kind: "unknown_price" };

export type CancelChange =
  | { readonly kind: "changed"; readonly subscription: PaidSubscription }
  | { readonly kind: "unknown" }
  | { readonly kind: "ended" }
  | { readonly kind: "managed_by_schedule"; readonly scheduleId: string };

export interface PaymentSchedule {
  readonly id: string;
  /** The last three are for ever. */
  readonly status: "not_started" | "active" | "completed" | "released" | "canceled";
  /** What it manages, or managed before it was released. */
  readonly subscriptionId: string | null;
  /** What comes next; null once it is over or in its last phase. */
  readonly pending: { readonly priceId: string; readonly startsAt: number } | null;
}

/** One invoice as people see it in their list of payments. Its times are seconds, as on the wire. */
export interface PaymentInvoice {
  readonly id: string;
  readonly customerId: string | null;
  /** Null until it is final. */
  readonly number: string | null;
  readonly status: "draft" | "open" | "paid" | "uncollectible" | "void";
  readonly amountPaid: number;
  readonly currency: string;
  /** s */
  readonly created: number;
  /** s */
  readonly periodStart: number;
  /** s */
  readonly periodEnd: number;
  readonly description: string | null;
  readonly hostedInvoiceUrl: string | null;
  readonly invoicePdf: string | null;
  /** Null for what was billed outside of a subscription. */
  readonly subscriptionId: string | null;
}

/** An event without its content: what it is about must be read again. */
export interface WebhookNotice {
  readonly id: string;
  /** Such as `invoice.paid`. */
  readonly type: string;
  readonly createdAt: number;
  /** False for events of a sandbox. */
  readonly livemode: boolean;
  /** Such as `invoice`. */
  readonly objectType: string;
  /** Null for objects that are not stored, such as an upcoming invoice. */
  readonly objectId: string | null;
  readonly customerId: string | null;
  readonly subscriptionId: string | null;
}

/** `signature`: none, or not the provider's. `expired`: signed too long ago. `malformed`: signed, but no event. */
export type WebhookVerdict = { readonly kind: "event"; readonly event: WebhookNotice } | { readonly kind: "refused"; readonly reason: "signature" | "expired" | "malformed" };
