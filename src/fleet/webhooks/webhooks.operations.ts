import { readBodyBytes } from "../../kernel/http/read-body";
import { operation } from "../../kernel/operation";
import { receiveWebhook } from "./receive-webhook";
import { WebhookView } from "./webhooks.schemas";

/** An invoice comes with all of its lines. */
const WEBHOOK_MAX_BYTES = 1024 * 1024;

export const operations = [
  operation({
    id: "fleet.webhooks.receive",
    method: "post",
    path: "/api/v1/subscription/webhook",
    tag: "subscription",
    summary: "Events of the payment provider, signed by it",
    auth: ["none"],
    limit: "public",
    audit: "stripe_event.receive",
    output: WebhookView,
  }).handle(async ({ request }, ctx) => receiveWebhook(ctx, await readBodyBytes(request, WEBHOOK_MAX_BYTES), request.headers.get("stripe-signature"))),
];
