import { sql } from "drizzle-orm";
import { index, integer, primaryKey, real, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";

const changing = () => ({
  createdAt: integer("created_at").notNull(),
  updatedAt: integer("updated_at").notNull(),
  version: integer("version").notNull().default(1),
});

/** Prices at the payment providers; the sandbox columns count while the payment provider's key is one of its sandbox. */
const providerPrices = () => ({
  stripePriceId: text("stripe_price_id"),
  stripePriceIdYearly: text("stripe_price_id_yearly"),
  stripePriceIdSandbox: text("stripe_price_id_sandbox"),
  stripePriceIdYearlySandbox: text("stripe_price_id_yearly_sandbox"),
  appleProductId: text("apple_product_id"),
  appleProductIdYearly: text("apple_product_id_yearly"),
});

/** What people can be on. Prices are shown, never charged: the provider's price ids decide. */
export const plans = sqliteTable(
  "plans",
  {
    id: integer("id").primaryKey({ autoIncrement: true }),
    key: text("key").notNull(),
    name: text("name").notNull(),
    description: text("description"),
    /** Higher is more; a change to a lower tier is a downgrade. */
    tier: integer("tier").notNull(),
    /** Whole units of the shop's currency. */
    webPrice: real("web_price"),
    monthlyWebPrice: real("monthly_web_price"),
    yearlyWebPrice: real("yearly_web_price"),
    iosPrice: real("ios_price"),
    isActive: integer("is_active", { mode: "boolean" }).notNull().default(true),
    /** Shown in price lists. */
    isPublic: integer("is_public", { mode: "boolean" }).notNull().default(true),
    ...providerPrices(),
    ...changing(),
  },
  (t) => [uniqueIndex("plans_key").on(t.key), index("plans_stripe_price").on(t.stripePriceId)],
);

/** What plans differ in. */
export const features = sqliteTable(
  "features",
  {
    id: integer("id").primaryKey({ autoIncrement: true }),
    key: text("key").notNull(),
    name: text("name").notNull(),
    featureType: text("feature_type", { enum: ["boolean", "limit", "tier"] }).notNull(),
    /** Of plans that say nothing. */
    defaultValue: text("default_value"),
    ...changing(),
  },
  (t) => [uniqueIndex("features_key").on(t.key)],
);

/** A plan's value of a feature: `true`/`false`, a number (`-1` or `unlimited`: no cap), or a tier's name. */
export const planFeatures = sqliteTable(
  "plan_features",
  {
    id: integer("id").primaryKey({ autoIncrement: true }),
    planId: integer("plan_id").notNull(),
    featureId: integer("feature_id").notNull(),
    value: text("value").notNull(),
    displayLabel: text("display_label"),
    ...changing(),
  },
  (t) => [uniqueIndex("plan_features_pair").on(t.planId, t.featureId), index("plan_features_feature").on(t.featureId)],
);

/** Why somebody is on a plan. The newest one that is in force decides; without any: the trial while it lasts, then free. */
export const userSubscriptions = sqliteTable(
  "user_subscriptions",
  {
    id: text("id").primaryKey(),
    tenantId: integer("tenant_id").notNull(),
    planId: integer("plan_id").notNull(),
    source: text("source", { enum: ["stripe", "apple", "admin_override", "trial"] }).notNull(),
    status: text("status", { enum: ["trialing", "active", "past_due", "grace", "canceled", "expired"] }).notNull(),
    /** Stripe's subscription, Apple's original transaction. */
    externalId: text("external_id"),
    priceId: text("price_id"),
    interval: text("interval", { enum: ["month", "year"] }),
    currentPeriodStart: integer("current_period_start"),
    currentPeriodEnd: integer("current_period_end"),
    cancelAtPeriodEnd: integer("cancel_at_period_end", { mode: "boolean" }).notNull().default(false),
    /** A change that waits for the period's end. */
    scheduleId: text("schedule_id"),
    pendingPlanId: integer("pending_plan_id"),
    pendingChangeAt: integer("pending_change_at"),
    /** Use is free of charge until then, after a failed payment. */
    graceUntil: integer("grace_until"),
    /** When we last read it at the provider: an older reading never overwrites a newer. */
    providerReadAt: integer("provider_read_at"),
    /** Somebody is changing it at the provider until then: two taps make one change. */
    changingUntil: integer("changing_until"),
    /** The downgrade that made or changed this row, and what it was before: for taking that back exactly. */
    downgradeRequestId: text("downgrade_request_id"),
    statusBefore: text("status_before", { enum: ["trialing", "active", "past_due", "grace", "canceled", "expired"] }),
    endedAt: integer("ended_at"),
    ...changing(),
  },
  (t) => [
    index("user_subscriptions_tenant").on(t.tenantId, t.status, t.createdAt),
    uniqueIndex("user_subscriptions_external").on(t.source, t.externalId).where(sql`external_id IS NOT NULL`),
    index("user_subscriptions_grace").on(t.graceUntil).where(sql`grace_until IS NOT NULL`),
    index("user_subscriptions_changing").on(t.changingUntil).where(sql`changing_until IS NOT NULL`),
    index("user_subscriptions_period").on(t.source, t.status, t.currentPeriodEnd),
  ],
);

/** Who somebody is at the payment provider. */
export const billingCustomers = sqliteTable(
  "billing_customers",
  {
    tenantId: integer("tenant_id").notNull(),
    sandbox: integer("sandbox", { mode: "boolean" }).notNull(),
    customerId: text("customer_id").notNull(),
    /** It is gone at the provider. The id stays: the next one is asked for under a key made of it. */
    forgottenAt: integer("forgotten_at"),
    /** What the open checkout is for, and its idempotency key: two taps open one checkout. */
    checkoutIntent: text("checkout_intent"),
    checkoutKey: text("checkout_key"),
    checkoutUntil: integer("checkout_until"),
    createdAt: integer("created_at").notNull(),
  },
  (t) => [primaryKey({ columns: [t.tenantId, t.sandbox] }), uniqueIndex("billing_customers_customer").on(t.customerId)],
);

/** What providers told us, stored before anything is done about it. `id` is theirs, so that a repeat is one row. */
export const webhookEvents = sqliteTable(
  "webhook_events",
  {
    id: text("id").primaryKey(),
    provider: text("provider", { enum: ["stripe", "apple"] }).notNull(),
    type: text("type").notNull(),
    sealedPayload: text("sealed_payload").notNull(),
    receivedAt: integer("received_at").notNull(),
    processedAt: integer("processed_at"),
    attempts: integer("attempts").notNull().default(0),
    lastError: text("last_error"),
  },
  (t) => [index("webhook_events_open").on(t.receivedAt).where(sql`processed_at IS NULL`)],
);

/** Invoices, as last read at the provider. `id` is the invoice's. Amounts in the currency's smallest unit. */
export const payments = sqliteTable(
  "payments",
  {
    id: text("id").primaryKey(),
    tenantId: integer("tenant_id").notNull(),
    provider: text("provider", { enum: ["stripe", "apple"] }).notNull(),
    number: text("number"),
    status: text("status").notNull(),
    amountPaid: integer("amount_paid").notNull(),
    currency: text("currency").notNull(),
    /** When the invoice was made, ms. */
    paidAt: integer("paid_at").notNull(),
    periodStart: integer("period_start"),
    periodEnd: integer("period_end"),
    description: text("description"),
    hostedInvoiceUrl: text("hosted_invoice_url"),
    invoicePdf: text("invoice_pdf"),
    subscriptionExternalId: text("subscription_external_id"),
    providerReadAt: integer("provider_read_at").notNull(),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
  },
  (t) => [index("payments_tenant").on(t.tenantId, t.paidAt)],
);

/** Add-ons that can be bought; code looks them up by `key`. */
export const subscriptionAddons = sqliteTable(
  "subscription_addons",
  {
    id: integer("id").primaryKey({ autoIncrement: true }),
    key: text("key").notNull(),
    displayName: text("display_name").notNull(),
    monthlyPrice: real("monthly_price"),
    isActive: integer("is_active", { mode: "boolean" }).notNull().default(true),
    ...providerPrices(),
    ...changing(),
  },
  (t) => [uniqueIndex("subscription_addons_key").on(t.key)],
);

/** One paid cloud machine each. */
export const userCloudVmAddons = sqliteTable(
  "user_cloud_vm_addons",
  {
    id: text("id").primaryKey(),
    tenantId: integer("tenant_id").notNull(),
    source: text("source", { enum: ["stripe", "apple"] }).notNull(),
    externalId: text("external_id").notNull(),
    status: text("status", { enum: ["active", "grace", "cancelled", "expired"] }).notNull(),
    productId: text("product_id"),
    periodEnd: integer("period_end"),
    graceUntil: integer("grace_until"),
    endedAt: integer("ended_at"),
    /** When its owner was told that it ends. */
    warnedAt: integer("warned_at"),
    providerReadAt: integer("provider_read_at"),
    ...changing(),
  },
  (t) => [
    uniqueIndex("user_cloud_vm_addons_external").on(t.source, t.externalId),
    index("user_cloud_vm_addons_tenant").on(t.tenantId, t.status),
    uniqueIndex("user_cloud_vm_addons_one_apple").on(t.tenantId).where(sql`source = 'apple' AND status IN ('active', 'grace')`),
    index("user_cloud_vm_addons_due").on(t.status, t.periodEnd),
  ],
);

/** Metered use. `period` is `YYYY-MM`, or `all` for what accumulates. */
export const usageSummaries = sqliteTable(
  "usage_summaries",
  {
    tenantId: integer("tenant_id").notNull(),
    period: text("period").notNull(),
    metric: text("metric").notNull(),
    used: integer("used").notNull(),
    updatedAt: integer("updated_at").notNull(),
  },
  (t) => [primaryKey({ columns: [t.tenantId, t.period, t.metric] }), index("usage_summaries_period").on(t.period, t.metric), index("usage_summaries_uploads").on(t.period, t.metric, t.used, t.tenantId)],
);

/** What made the sums. */
export const usageEvents = sqliteTable(
  "usage_events",
  {
    id: text("id").primaryKey(),
    tenantId: integer("tenant_id").notNull(),
    period: text("period").notNull(),
    metric: text("metric").notNull(),
    amount: integer("amount").notNull(),
    createdAt: integer("created_at").notNull(),
  },
  (t) => [index("usage_events_tenant").on(t.tenantId, t.period, t.createdAt)],
);

/** A plan went down and more is in use than it carries: what stays is chosen here, in time or by us. At most one open per person. */
export const downgradeRequests = sqliteTable(
  "downgrade_requests",
  {
    id: text("id").primaryKey(),
    tenantId: integer("tenant_id").notNull(),
    fromPlanId: integer("from_plan_id").notNull(),
    toPlanId: integer("to_plan_id").notNull(),
    reason: text("reason", { enum: ["payment_failure", "user_manual", "admin_manual"] }).notNull(),
    /** The plan was flipped at once. */
    forced: integer("forced", { mode: "boolean" }).notNull().default(false),
    /** We lower the plan when this is resolved; false: it is low already, or the provider lowers it. */
    lowersPlan: integer("lowers_plan", { mode: "boolean" }).notNull().default(false),
    /** User id of whoever asked for it; null when a payment failed. */
    initiatedBy: integer("initiated_by"),
    graceEndsAt: integer("grace_ends_at").notNull(),
    graceEndedAt: integer("grace_ended_at"),
    resolvedFeatures: text("resolved_features", { mode: "json" }).$type<readonly string[]>().notNull(),
    resolvedAt: integer("resolved_at"),
    resolution: text("resolution", { enum: ["user_resolved", "admin_resolved", "auto_resolved", "re_upgraded"] }),
    resolvedByAdminId: integer("resolved_by_admin_id"),
    ...changing(),
  },
  (t) => [
    uniqueIndex("downgrade_requests_open").on(t.tenantId).where(sql`resolved_at IS NULL`),
    index("downgrade_requests_tenant").on(t.tenantId, t.createdAt),
    index("downgrade_requests_listed").on(t.createdAt),
    index("downgrade_requests_listed_open").on(t.createdAt).where(sql`resolved_at IS NULL`),
    index("downgrade_requests_listed_resolved").on(t.createdAt).where(sql`resolved_at IS NOT NULL`),
    index("downgrade_requests_reason").on(t.reason, t.createdAt),
    index("downgrade_requests_grace").on(t.graceEndsAt).where(sql`resolved_at IS NULL`),
  ],
);

/** A plan went up and parked things may come back: which ones is chosen here. At most one open per person. */
export const upgradeRequests = sqliteTable(
  "upgrade_requests",
  {
    id: text("id").primaryKey(),
    tenantId: integer("tenant_id").notNull(),
    fromPlanId: integer("from_plan_id").notNull(),
    toPlanId: integer("to_plan_id").notNull(),
    trigger: text("trigger", { enum: ["stripe_upgrade", "admin_upgrade", "apple_upgrade"] }).notNull(),
    /** The change that opened it: told twice, it opens one. */
    cause: text("cause").notNull(),
    resolvedFeatures: text("resolved_features", { mode: "json" }).$type<readonly string[]>().notNull(),
    resolvedAt: integer("resolved_at"),
    resolution: text("resolution", { enum: ["resolved", "dismissed"] }),
    ...changing(),
  },
  (t) => [uniqueIndex("upgrade_requests_open").on(t.tenantId).where(sql`resolved_at IS NULL`), uniqueIndex("upgrade_requests_cause").on(t.tenantId, t.cause), index("upgrade_requests_tenant").on(t.tenantId, t.createdAt)],
);
