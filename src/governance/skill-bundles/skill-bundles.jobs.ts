import { DAY_MS } from "../../kernel/clock";
import type { Ctx } from "../../kernel/context";
import { backfillBundles } from "./backfill-bundles";
import { contentKeyOf } from "./skill-bundles.core";
import { forgetContent, takeUnusedContents } from "./skill-bundles.store";

const KEEP_UNUSED_MS = DAY_MS;
const REMOVED_MAX = 100;

/** Effect: the run that goes on after a backfill that was cut short. The work itself is a job's, which may take its time. */
export async function continueBackfill(ctx: Ctx, payload: unknown, effectId: string): Promise<void> {
  await ctx.services.jobs.send({ v: 1, id: effectId, type: "skill_bundles.backfill", payload });
}

/** Job: one more run of a backfill. */
export async function backfillJob(ctx: Ctx, payload: unknown): Promise<void> {
  const afterId = payload !== null && typeof payload === "object" && "afterId" in payload ? payload.afterId : null;
  if (typeof afterId === "string") await backfillBundles(ctx, afterId);
}

/** Cron: contents that no skill has had for a day go, and those that were never stored whole. */
export async function removeUnusedContents(ctx: Ctx): Promise<void> {
  const taken = await takeUnusedContents(ctx, ctx.clock.now() - KEEP_UNUSED_MS, REMOVED_MAX);
  for (const sha256 of taken) {
    await ctx.services.files.delete(contentKeyOf(sha256));
    await forgetContent(ctx, sha256);
  }
  if (taken.length > 0) ctx.log.info("unused contents of skills removed", { event: "skill_bundles.removed", count: taken.length });
}
