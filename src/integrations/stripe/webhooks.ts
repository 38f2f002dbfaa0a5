import { Stripe } from "stripe";
import { SECOND_MS } from "../../kernel/clock";
import type { StripeConfig } from "../../kernel/config";
import type { Payments, WebhookNotice, WebhookVerdict } from "../../kernel/ports/payments";

/** How old a signature may be. */
const TOLERANCE_SECONDS = 300;

type Json = Readonly<Record<string, unknown>>;

const refused = (reason: Extract<WebhookVerdict, { kind: "refused" }>["reason"]): WebhookVerdict => ({ kind: "refused", reason });

/** Events that Stripe sends; while it changes its secret it signs with the old one and the new, and either will do. */
export function createWebhooks({ webhookSecret }: Pick<StripeConfig, "webhookSecret">): Pick<Payments, "verifyWebhook"> {
  return {
    async verifyWebhook(rawBody, signatureHeader, now) {
      try {
        const event: unknown = await Stripe.webhooks.constructEventAsync(rawBody, signatureHeader ?? "", webhookSecret, TOLERANCE_SECONDS, Stripe.createSubtleCryptoProvider(), now);
        const notice = readNotice(event);
        return notice ? { kind: "event", event: notice } : refused("malformed");
      } catch (error) {
        if (!(error instanceof Stripe.errors.StripeSignatureVerificationError)) return refused("malformed");
        return refused(/tolerance/i.test(error.message) ? "expired" : "signature");
      }
    },
  };
}

function readNotice(event: unknown): WebhookNotice | null {
  if (!isObject(event) || !isObject(event["data"]) || !isObject(event["data"]["object"])) return null;
  const { id, type, created, livemode } = event;
  const about = event["data"]["object"];
  const objectType = about["object"];
  if (typeof id !== "string" || typeof type !== "string" || typeof created !== "number" || typeof livemode !== "boolean" || typeof objectType !== "string") return null;
  const objectId = readId(about["id"]);
  return {
    id,
    type,
    createdAt: created * SECOND_MS,
    livemode,
    objectType,
    objectId,
    customerId: objectType === "customer" ? objectId : readId(about["customer"]),
    subscriptionId: objectType === "subscription" ? objectId : (readId(about["subscription"]) ?? readId(about["released_subscription"]) ?? readId(parentOf(about)["subscription"])),
  };
}

/** Where an invoice keeps its subscription. */
function parentOf(about: Json): Json {
  const details = isObject(about["parent"]) ? about["parent"]["subscription_details"] : null;
  return isObject(details) ? details : {};
}

function readId(reference: unknown): string | null {
  const id = isObject(reference) ? reference["id"] : reference;
  return typeof id === "string" && id !== "" ? id : null;
}

const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value);
