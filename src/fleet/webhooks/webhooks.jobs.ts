import { MINUTE_MS } from "../../kernel/clock";
import type { Ctx } from "../../kernel/context";
import { ATTEMPTS_MAX, isDue, KEEP_MS } from "./webhooks.core";
import { forgetEvents, listOpenEvents } from "./webhooks.store";

const SWEEP_LIMIT = 200;

/** Finds events that were stored and not worked off, and puts one message on the queue for each. */
export async function enqueueOpenEvents(ctx: Ctx): Promise<void> {
  if (!ctx.services.payments) return;
  const now = ctx.clock.now();
  const open = (await listOpenEvents(ctx, now - MINUTE_MS, ATTEMPTS_MAX, SWEEP_LIMIT)).filter((event) => isDue(event, now));
  const minute = Math.floor(now / MINUTE_MS);
  await Promise.all(open.map(({ id }) => ctx.services.jobs.send({ v: 1, id: `stripe.event:${id}:${minute}`, type: "stripe.event", payload: id })));
  if (open.length > 0) ctx.log.info("open events enqueued", { event: "webhooks.swept", count: open.length });
}

/** Forgets events that were dealt with long ago. */
export const forgetHandledEvents = (ctx: Ctx): Promise<void> => forgetEvents(ctx, ctx.clock.now() - KEEP_MS);
