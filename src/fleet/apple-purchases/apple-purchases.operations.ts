import { operation } from "../../kernel/operation";
import { AppleReceiptBody, AppleReceiptView, MAX_RECEIPT_BODY_BYTES } from "./apple-purchases.schemas";
import { validateReceipt } from "./validate-receipt";

export const operations = [
  operation({
    id: "fleet.apple-purchases.validate",
    method: "post",
    path: "/api/v1/subscription/apple/validate",
    tag: "subscription",
    summary: "Take a plan bought in the App Store in; may be repeated",
    auth: ["user"],
    limit: "write",
    audit: "apple_purchase.record",
    body: AppleReceiptBody,
    maxBodyBytes: MAX_RECEIPT_BODY_BYTES,
    output: AppleReceiptView,
  }).handle(({ body }, ctx) => validateReceipt(ctx, body)),
];
