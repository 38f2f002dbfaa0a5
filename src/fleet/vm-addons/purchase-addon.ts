import type { z } from "zod";
import { HOUR_MS, iso } from "../../kernel/clock";
import { webOrigin, type OwnerCtx } from "../../kernel/context";
import { Plan } from "../../kernel/db/client";
import { AppError } from "../../kernel/errors/app-error";
import type { Checkout } from "../../kernel/ports/payments";
import { ensureCustomer, forgetCustomer, requirePayments, type Customer } from "../payments";
import { requireFeature } from "../plans";
import { returnUrl, type ReturnTo } from "../subscriptions";
import type { AddonCheckoutView, PurchaseAddonBody } from "./vm-addons.schemas";
import { countAddons, findAddonOffer } from "./vm-addons.store";

const notSold = (): AppError => new AppError("DEPENDENCY_UNAVAILABLE", "Cloud machine add-ons are not sold here yet.", { extras: { provider: "stripe" } });

/**
 * A page where the caller pays for one more cloud machine. Asked for again at once it is the same page. The add-on itself comes with the
 * provider's word that it was paid for.
 * @throws AppError FEATURE_NOT_AVAILABLE, DEPENDENCY_UNAVAILABLE (no provider or no price configured, or the provider's trouble), BAD_GATEWAY
 */
export async function purchaseAddon(ctx: OwnerCtx, input: z.output<typeof PurchaseAddonBody> | null): Promise<z.input<typeof AddonCheckoutView>> {
  requirePayments(ctx);
  const tenantId = ctx.actor.userId;
  await requireFeature(ctx, tenantId, "cloud_vm_addon_eligible");
  const offer = await findAddonOffer(ctx);
  const priceId = ctx.config.stripe?.sandbox ? offer?.stripePriceIdSandbox : offer?.stripePriceId;
  if (!offer?.isActive || !priceId) throw notSold();
  const to = input?.return_to ?? "web";
  let customer = await ensureCustomer(ctx, tenantId);
  let checkout = await openCheckout(ctx, customer, priceId, to);
  if (checkout.kind === "unknown_customer") {
    await forgetCustomer(ctx, customer.customerId);
    customer = await ensureCustomer(ctx, tenantId);
    checkout = await openCheckout(ctx, customer, priceId, to);
  }
  if (checkout.kind !== "created") throw notSold();
  await new Plan(ctx).audit({ action: "vm_addon.checkout", subject: { type: "checkout", id: checkout.id }, detail: { price_id: priceId } }).commit();
  return { checkout_url: checkout.url, session_id: checkout.id, expires_at: iso(checkout.expiresAt) };
}

/** Two taps are one intent; once its add-on is there the next is another, as it is after an hour. */
async function openCheckout(ctx: OwnerCtx, { customerId }: Customer, priceId: string, to: ReturnTo): Promise<Checkout> {
  const tenantId = ctx.actor.userId;
  const intent = [customerId, priceId, to, webOrigin(ctx), await countAddons(ctx, tenantId), Math.floor(ctx.clock.now() / HOUR_MS)].join(":");
  return requirePayments(ctx).createCheckout({
    customerId,
    priceId,
    userId: tenantId,
    successUrl: returnUrl(ctx, to, ["addon", "success"]),
    cancelUrl: returnUrl(ctx, to, ["addon", "canceled"]),
    metadata: { addon: "cloud_vm" },
    idempotencyKey: `vm_addon:${intent}`,
  });
}
