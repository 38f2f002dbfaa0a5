import { z } from "zod";
import { UsageWarningView } from "../usage";

export const CapabilitiesView = z
  .object({
    plan_name: z.string(),
    plan_display_name: z.string(),
    plan_tier: z.int(),
    subscription_status: z.string(),
    subscription_source: z.string().nullable(),
    /** A limit of -1 is none. */
    features: z.record(z.string(), z.union([z.boolean(), z.number(), z.string()])),
    instance_count: z.int(),
    bot_count: z.int(),
    share_count: z.int(),
    storage_mb_used: z.number(),
    warnings: z.array(UsageWarningView),
  })
  .meta({ id: "Capabilities" });

export const UserRef = z.object({ user_id: z.coerce.number().int() });

export const RefreshedCapabilitiesView = z.object({ ok: z.boolean(), user_id: z.int(), capabilities: CapabilitiesView }).meta({ id: "RefreshedCapabilities" });
