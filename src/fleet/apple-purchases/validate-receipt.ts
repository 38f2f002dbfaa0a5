import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { invalidField } from "../../kernel/errors/app-error";
import { getCatalogue } from "../plans";
import { toReceiptView, type AppleReceiptBody, type AppleReceiptView } from "./apple-purchases.schemas";
import { readPurchase, requireAppStore } from "./read-purchase";
import { findOffer, recordPurchase } from "./record-purchase";

/**
 * Takes a plan's purchase in the App Store in. One that has ended is no error: the answer tells.
 * @throws AppError VALIDATION_ERROR (a product of no plan), PURCHASE_INVALID, PURCHASE_TAKEN, DEPENDENCY_UNAVAILABLE, BAD_GATEWAY
 */
export async function validateReceipt(ctx: OwnerCtx, input: z.output<typeof AppleReceiptBody>): Promise<z.input<typeof AppleReceiptView>> {
  requireAppStore(ctx);
  const offer = await findOffer(ctx, input.product_id);
  if (!offer) throw invalidField(["body", "product_id"], "No plan is sold as this product.");
  const row = await recordPurchase(ctx, ctx.actor.userId, offer, await readPurchase(ctx, input.receipt_data, input.product_id));
  return toReceiptView(row, (await getCatalogue(ctx)).plans.find((plan) => plan.id === row.planId)?.key ?? null);
}
