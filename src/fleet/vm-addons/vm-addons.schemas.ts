import { z } from "zod";
import { iso, isoOrNull } from "../../kernel/clock";
import { MAX_RECEIPT_CHARS } from "../apple-purchases";
import type { Addon } from "./vm-addons.store";

export const PurchaseAddonBody = z.object({ return_to: z.enum(["app", "web"]).nullish() }).meta({ id: "PurchaseVmAddonRequest" });

export const PurchaseAppleAddonBody = z
  .object({ receipt_data: z.string().min(1).max(MAX_RECEIPT_CHARS), product_id: z.string().min(1).max(255) })
  .meta({ id: "PurchaseVmAddonAppleRequest" });

export const AssignAddonBody = z
  .object({ addon_id: z.string().min(1).max(64).nullable().meta({ description: "Null: no add-on pays for the machine any more." }) })
  .meta({ id: "AssignVmAddonRequest" });

export const AddonRef = z.object({ addon_id: z.string().min(1).max(64) });
export const CloudVmRef = z.object({ instance_id: z.string().min(1).max(255) });

export const AddonView = z
  .object({
    id: z.string(),
    source: z.enum(["stripe", "apple"]),
    status: z.enum(["active", "grace", "cancelled", "expired"]),
    product_id: z.string().nullable(),
    period_end: z.string().nullable().meta({ description: "End of what was paid for." }),
    grace_until: z.string().nullable(),
    ended_at: z.string().nullable(),
    instance_id: z.string().nullable().meta({ description: "The machine that it pays for." }),
    created_at: z.string(),
  })
  .meta({ id: "VmAddon" });
export const AddonListView = z.object({ addons: z.array(AddonView) }).meta({ id: "VmAddonList" });

export const AddonCheckoutView = z.object({ checkout_url: z.string(), session_id: z.string(), expires_at: z.string() }).meta({ id: "VmAddonCheckout" });

export const CancelledAddonView = AddonView.extend({ message: z.string() }).meta({ id: "CancelledVmAddon" });

export const AssignedAddonView = z.object({ instance_id: z.string(), addon_id: z.string().nullable(), expires_at: z.string().nullable().meta({ description: "When a cancelled add-on, and with it the machine, ends." }) }).meta({ id: "AssignedVmAddon" });

export const toAddonView = (addon: Addon, instanceId: string | null): z.input<typeof AddonView> => ({
  id: addon.id,
  source: addon.source,
  status: addon.status,
  product_id: addon.productId,
  period_end: isoOrNull(addon.periodEnd),
  grace_until: isoOrNull(addon.graceUntil),
  ended_at: isoOrNull(addon.endedAt),
  instance_id: instanceId,
  created_at: iso(addon.createdAt),
});
