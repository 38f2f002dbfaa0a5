import { z } from "zod";

const PriceId = z.string().trim().min(1).max(255);
const ReturnTo = z.enum(["app", "web"]);

export const CheckoutBody = z.object({ price_id: PriceId, return_to: ReturnTo.nullish() }).meta({ id: "CheckoutRequest" });

export const CheckoutView = z.object({ checkout_url: z.string() }).meta({ id: "CheckoutResponse" });

export const PortalBody = z.object({ return_to: ReturnTo.nullish() }).meta({ id: "PortalRequest" });

export const PortalView = z.object({ portal_url: z.string() }).meta({ id: "PortalResponse" });

export const CancelView = z.object({ status: z.string(), message: z.string(), subscription_ends_at: z.string().nullable() }).meta({ id: "CancelResponse" });

/** One of the two names the plan; `interval` picks its price when `plan` does. */
export const ChangePlanBody = z
  .object({ plan: z.string().trim().min(1).max(64).nullish(), price_id: PriceId.nullish(), interval: z.enum(["month", "year"]).nullish() })
  .refine(({ plan, price_id: priceId }) => plan != null || priceId != null, { error: "Field required", path: ["plan"] })
  .meta({ id: "ChangePlanRequest" });

export const ChangePlanView = z
  .object({
    status: z.enum(["changed", "scheduled"]),
    message: z.string(),
    plan: z.string(),
    plan_name: z.string(),
    effective: z.enum(["now", "period_end"]),
    pending_plan_name: z.string().nullable(),
    pending_change_date: z.iso.datetime().nullable(),
  })
  .meta({ id: "PlanChange" });

export const CancelChangeView = z.object({ status: z.enum(["change_canceled", "resumed"]), message: z.string() }).meta({ id: "PlanChangeCanceled" });

export const SubscriptionView = z
  .object({
    subscription_id: z.string().nullable(),
    status: z.enum(["free", "trialing", "active", "past_due", "grace", "canceled"]),
    subscription_status: z.enum(["free", "trialing", "active", "past_due", "grace", "canceled"]),
    subscription_price_id: z.string().nullable(),
    subscription_ends_at: z.iso.datetime().nullable(),
    stripe_customer_id: z.string().nullable(),
    plan_name: z.string(),
    is_free: z.boolean(),
    is_canceling: z.boolean().default(false),
    can_cancel: z.boolean().default(false),
    pending_plan_name: z.string().nullable(),
    pending_change_date: z.iso.datetime().nullable(),
    can_change_plan: z.boolean().default(false),
    plan_key: z.string(),
    /** Why the caller is on it. */
    source: z.enum(["stripe", "apple", "admin_override", "trial", "operator", "free"]),
    interval: z.enum(["month", "year"]).nullable(),
    grace_until: z.iso.datetime().nullable(),
  })
  .meta({ id: "SubscriptionStatusResponse" });
