import { z } from "zod";

/** Apple's tokens are a few kilobytes of base64. */
export const CheckDeviceBody = z.object({ device_token: z.string().min(1).max(8_192) }).meta({ id: "DeviceCheckRequest" });

export const CheckDeviceView = z.object({ allowed: z.boolean(), reason: z.string().nullable() }).meta({ id: "DeviceCheckResponse" });

export const TrialStatusView = z
  .object({
    trial_active: z.boolean(),
    trial_expires_at: z.iso.datetime().nullable(),
    has_active_subscription: z.boolean(),
    plan_name: z.string().nullable(),
    plan_display_name: z.string().nullable(),
    billing_interval: z.string().nullable(),
    subscription_source: z.string().nullable(),
    subscription_status: z.string().nullable(),
    pending_plan_name: z.string().nullable(),
    pending_change_date: z.string().nullable(),
  })
  .meta({ id: "TrialStatusResponse" });
