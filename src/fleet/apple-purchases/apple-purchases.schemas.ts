import { z } from "zod";
import { isoOrNull } from "../../kernel/clock";
import type { AppleSubscription } from "./apple-purchases.store";

/** Receipts with years of renewals reach some hundred KiB. */
export const MAX_RECEIPT_CHARS = 2 * 1024 * 1024;
/** A body with such a receipt, bytes. */
export const MAX_RECEIPT_BODY_BYTES = MAX_RECEIPT_CHARS + 16 * 1024;

export const AppleReceiptBody = z
  .object({
    receipt_data: z.string().min(1).max(MAX_RECEIPT_CHARS).meta({ description: "The app's receipt in base64, or the signed transaction of StoreKit 2." }),
    product_id: z.string().min(1).max(255),
  })
  .meta({ id: "AppleReceiptRequest" });

export const AppleReceiptView = z
  .object({
    status: z.string().meta({ description: "trialing, active, grace, canceled or expired." }),
    plan: z.string().nullable().meta({ description: "Key of the plan that was bought." }),
    expires_at: z.string().nullable(),
    auto_renew: z.boolean(),
    grace_until: z.string().nullable(),
  })
  .meta({ id: "AppleReceiptResponse" });

export const toReceiptView = (row: AppleSubscription, planKey: string | null): z.input<typeof AppleReceiptView> => ({
  status: row.status,
  plan: planKey,
  expires_at: isoOrNull(row.currentPeriodEnd),
  auto_renew: !row.cancelAtPeriodEnd && row.status !== "canceled" && row.status !== "expired",
  grace_until: row.status === "grace" ? isoOrNull(row.graceUntil) : null,
});
