/** What plans mean: values of features, and which of somebody's subscriptions counts. No I/O, no clock. */

export type FeatureType = "boolean" | "limit" | "tier";

/** Features that people count things by, as apps name them. */
export const COUNTED_FEATURES = ["multiple_openclaw_instances", "max_bots", "max_bot_shares", "storage_mb", "cloud_vm_included"] as const;
export type CountedFeature = (typeof COUNTED_FEATURES)[number];

/** Features that a plan has or has not. */
const SWITCH_FEATURES = ["bot_dashboard_access", "cloud_vm_addon_eligible", "priority_support"] as const;
export type SwitchFeature = (typeof SWITCH_FEATURES)[number];

/** Whether code asks for this feature, so that the catalogue must keep it. */
export const isBuiltInFeature = (key: string): boolean => [...COUNTED_FEATURES, ...SWITCH_FEATURES].some((known) => known === key);

/** A feature's value: on or off, a cap (null: none), or a tier's name. */
export type FeatureValue = boolean | number | null | string;

/** Reads a stored value. A limit that is no number allows nothing: a slip of an administrator must not open everything. */
export function readFeature(type: FeatureType, value: string | null): FeatureValue {
  const text = (value ?? "").trim().toLowerCase();
  switch (type) {
    case "boolean":
      return text === "true" || text === "1" || text === "yes";
    case "limit": {
      if (text === "-1" || text === "unlimited") return null;
      const limit = Number(text);
      return text !== "" && Number.isSafeInteger(limit) && limit >= 0 ? limit : 0;
    }
    case "tier":
      return value ?? "";
  }
}

/** Whether a value fits its type, for administrators who write one. */
export function isFeatureValue(type: FeatureType, value: string): boolean {
  const text = value.trim().toLowerCase();
  switch (type) {
    case "boolean":
      return text === "true" || text === "false";
    case "limit":
      return text === "unlimited" || /^(-1|\d{1,9})$/.test(text);
    case "tier":
      return /^[a-z0-9_-]{1,40}$/.test(text);
  }
}

/** A value as it is stored: {@link isFeatureValue} holds for it. */
export const normalizeFeatureValue = (value: string): string => value.trim().toLowerCase();

/** A feature's value on the wire: no cap is `-1`, as administrators write it. */
export const wireFeatureValue = (value: FeatureValue): boolean | number | string => value ?? -1;

/** A plan's or add-on's price ids at the payment provider. */
export interface PriceColumns {
  readonly stripePriceId: string | null;
  readonly stripePriceIdYearly: string | null;
  readonly stripePriceIdSandbox: string | null;
  readonly stripePriceIdYearlySandbox: string | null;
}

/** The price ids that count while the provider's key is one of its sandbox, or is not. */
export const priceIdsOf = (prices: PriceColumns, sandbox: boolean): { readonly month: string | null; readonly year: string | null } =>
  sandbox ? { month: prices.stripePriceIdSandbox, year: prices.stripePriceIdYearlySandbox } : { month: prices.stripePriceId, year: prices.stripePriceIdYearly };

export type SubscriptionStatus = "trialing" | "active" | "past_due" | "grace" | "canceled" | "expired";

export interface SubscriptionFacts {
  readonly status: SubscriptionStatus;
  readonly currentPeriodEnd: number | null;
  readonly graceUntil: number | null;
  readonly createdAt: number;
}

/**
 * Whether a subscription carries its plan now. A failed payment leaves it in force while its grace runs. The end of a period alone
 * ends nothing: whether it was paid for again only the provider knows, and whoever reads it there flips the status.
 */
export function isInForce({ status, graceUntil }: SubscriptionFacts, now: number): boolean {
  switch (status) {
    case "trialing":
    case "active":
      return true;
    case "past_due":
    case "grace":
      return graceUntil === null || graceUntil > now;
    case "canceled":
    case "expired":
      return false;
  }
}

/** The newest one in force; null when none is. */
export function effectiveSubscription<T extends SubscriptionFacts>(subscriptions: readonly T[], now: number): T | null {
  const inForce = subscriptions.filter((one) => isInForce(one, now));
  return inForce.reduce<T | null>((best, one) => (best === null || one.createdAt > best.createdAt ? one : best), null);
}
