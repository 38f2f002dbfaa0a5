import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { AppError } from "../../kernel/errors/app-error";
import { newUuid } from "../../kernel/ids/ids";
import { getEntitlements, limitOf } from "../plans";
import { ALL_TIME, MB_BYTES, MEDIA_METRIC, periodOf, toMb, warningsOf } from "./usage.core";
import type { TrackedMediaView, TrackMediaBody } from "./usage.schemas";
import { addToSum, findTotal, insertUsageEvent, withinStorage } from "./usage.store";

/**
 * Counts an upload that an app made. Media is the homeserver's: what it deletes there stays counted here.
 * @throws AppError PLAN_LIMIT {feature, limit, current} in MB; nothing is recorded then, and two uploads at once share what is left
 */
export function trackMedia(ctx: OwnerCtx, input: z.output<typeof TrackMediaBody>): Promise<z.input<typeof TrackedMediaView>> {
  const { userId } = ctx.actor;
  return retryLostUpdate(async () => {
    const [entitlements, before] = await Promise.all([getEntitlements(ctx, userId), findTotal(ctx, userId)]);
    const limit = limitOf({ features: entitlements.creation }, "storage_mb");
    const total = before + input.size_bytes;
    if (limit !== null && total > limit * MB_BYTES) {
      throw new AppError("PLAN_LIMIT", `Your plan allows ${limit} MB of media; this upload does not fit.`, { extras: { feature: "storage_mb", limit, current: toMb(before) } });
    }
    const now = ctx.clock.now();
    const period = periodOf(now);
    const work = new Plan(ctx).write(addToSum(ctx, userId, ALL_TIME, input.size_bytes, now));
    if (limit !== null) work.require(withinStorage(ctx, userId, limit * MB_BYTES));
    await work
      .write(addToSum(ctx, userId, period, input.size_bytes, now))
      .write(insertUsageEvent(ctx, { id: newUuid(), tenantId: userId, period, metric: MEDIA_METRIC, amount: input.size_bytes, createdAt: now }))
      .audit({ action: "usage.track_media", detail: { size_bytes: input.size_bytes, period } })
      .commit();
    const used = toMb(total);
    return { success: true, period, storage_mb_used: used, storage_mb_limit: limit, warnings: warningsOf({ storage_mb: { used, limit, unit: "MB" } }) };
  });
}
