import type { z } from "zod";
import { fromUtf8 } from "../../kernel/crypto/bytes";
import { seal } from "../../kernel/crypto/envelope";
import type { Ctx } from "../../kernel/context";
import { Plan } from "../../kernel/db/client";
import { AppError } from "../../kernel/errors/app-error";
import { describeError } from "../../kernel/logging/logger";
import { requirePayments } from "../payments";
import { eventSealContext, type StoredEvent } from "./handle-event";
import { subjectOf } from "./webhooks.core";
import type { WebhookView } from "./webhooks.schemas";
import { findEvent, insertEvent } from "./webhooks.store";

/**
 * Takes an event of the payment provider: verified, stored sealed, then left to the queue. Its repeat changes nothing.
 * @param rawBody exactly as it came
 * @throws AppError DEPENDENCY_UNAVAILABLE (payments are not set up), MALFORMED_REQUEST {reason} (not the provider's, too old, or no event)
 */
export async function receiveWebhook(ctx: Ctx, rawBody: Uint8Array<ArrayBuffer>, signature: string | null): Promise<z.input<typeof WebhookView>> {
  const payments = requirePayments(ctx);
  const now = ctx.clock.now();
  const verdict = await payments.verifyWebhook(rawBody, signature, now);
  if (verdict.kind === "refused") throw new AppError("MALFORMED_REQUEST", "This is no event of the payment provider.", { extras: { reason: verdict.reason } });
  const { event } = verdict;
  // Told again and again otherwise: what does not concern us is taken, and dropped.
  if (subjectOf(event.type) === null || event.livemode === (ctx.config.stripe?.sandbox ?? false)) return { received: true };
  if (await findEvent(ctx, event.id)) return { received: true };
  const stored: StoredEvent = { notice: event, body: fromUtf8(rawBody) };
  const sealedPayload = await seal(ctx.config.sealKeys, JSON.stringify(stored), eventSealContext(event.id));
  await new Plan(ctx)
    .write(insertEvent(ctx, { id: event.id, type: event.type, sealedPayload, receivedAt: now }))
    .audit({ action: "stripe_event.receive", tenantId: null, subject: { type: "stripe_event", id: event.id }, detail: { type: event.type } })
    .commit();
  // It is stored: what the queue does not take the sweep finds.
  await ctx.services.jobs.send({ v: 1, id: `stripe.event:${event.id}`, type: "stripe.event", payload: event.id }).catch((error: unknown) => ctx.log.warn("an event was not enqueued", { event: "webhook.unsent", ...describeError(error) }));
  return { received: true };
}
