import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { invalidField } from "../../kernel/errors/app-error";
import { readPurchase, requireAppStore } from "../apple-purchases";
import { requireFeature } from "../plans";
import { recordAddonPurchase } from "./record-addon";
import { toAddonView, type AddonView, type PurchaseAppleAddonBody } from "./vm-addons.schemas";
import { findAddonOffer, findInstanceOfAddon } from "./vm-addons.store";

/**
 * Takes an add-on bought in the App Store in, or what became of it: cancellations come this way too, whatever the plan is by then.
 * @throws AppError VALIDATION_ERROR (another product), FEATURE_NOT_AVAILABLE, PURCHASE_INVALID, PURCHASE_TAKEN, APPLE_ADDON_EXISTS, DEPENDENCY_UNAVAILABLE, BAD_GATEWAY
 */
export async function purchaseAppleAddon(ctx: OwnerCtx, input: z.output<typeof PurchaseAppleAddonBody>): Promise<z.input<typeof AddonView>> {
  requireAppStore(ctx);
  const tenantId = ctx.actor.userId;
  const offer = await findAddonOffer(ctx);
  if (!offer || ![offer.appleProductId, offer.appleProductIdYearly].includes(input.product_id)) throw invalidField(["body", "product_id"], "No add-on is sold as this product.");
  const known = await readPurchase(ctx, input.receipt_data, input.product_id);
  const addon = await recordAddonPurchase(ctx, tenantId, known, () => requireFeature(ctx, tenantId, "cloud_vm_addon_eligible"));
  return toAddonView(addon, (await findInstanceOfAddon(ctx, tenantId, addon.id))?.instanceId ?? null);
}
