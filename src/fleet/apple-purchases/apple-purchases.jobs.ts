import { HOUR_MS } from "../../kernel/clock";
import type { Ctx } from "../../kernel/context";
import { AppError } from "../../kernel/errors/app-error";
import { listDueSubscriptions } from "./apple-purchases.store";
import { recheckPurchase } from "./record-purchase";

const SWEEP_LIMIT = 200;

/** The tick of the sweep: one message for every subscription whose period is over without a word from Apple. */
export async function enqueueRechecks(ctx: Ctx): Promise<void> {
  const now = ctx.clock.now();
  const ids = await listDueSubscriptions(ctx, now, SWEEP_LIMIT);
  const hour = Math.floor(now / HOUR_MS);
  await Promise.all(ids.map((id) => ctx.services.jobs.send({ v: 1, id: `apple.recheck:${id}:${hour}`, type: "apple.recheck", payload: id })));
  if (ids.length > 0) ctx.log.info("overdue purchases enqueued", { event: "apple_purchases.swept", count: ids.length });
}

/** Job `apple.recheck`: the period of a subscription is over. */
export async function recheckJob(ctx: Ctx, payload: unknown): Promise<void> {
  if (typeof payload !== "string") throw new AppError("MALFORMED_REQUEST", "not a subscription");
  await recheckPurchase(ctx, payload);
}
