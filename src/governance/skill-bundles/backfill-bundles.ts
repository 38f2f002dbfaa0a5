import type { z } from "zod";
import { SECOND_MS } from "../../kernel/clock";
import type { Ctx } from "../../kernel/context";
import { Plan } from "../../kernel/db/client";
import { AppError } from "../../kernel/errors/app-error";
import { governed } from "../audit-trail";
import { refusal } from "../errors";
import { governanceServices } from "../services";
import { contentKeyOf, MAX_CONTENT_BYTES, sha256Of } from "./skill-bundles.core";
import type { BackfillView } from "./skill-bundles.schemas";
import { listPublished, markLost, type ListedBundle } from "./skill-bundles.store";
import { describeContent, hasStore, storeContent } from "./skill-content";

/** Skills of one run; the others follow in the background. */
const RUN_MAX = 100;
const AT_ONCE = 5;
/** After this a run stops at the skill where it is. */
const RUN_MS = 20 * SECOND_MS;

type View = z.input<typeof BackfillView>;
type Result = View["results"][number];

/**
 * Brings contents of published skills that are not stored, but can be fetched, into the file store. Repeating it is harmless.
 * @param afterId where an earlier run stopped
 * @throws OCI_STORE_NOT_CONFIGURED
 */
export async function backfillBundles(ctx: Ctx, afterId = ""): Promise<View> {
  if (!hasStore(ctx)) throw refusal("OCI_STORE_NOT_CONFIGURED", "Contents of skills are not kept here.");
  const rows = await listPublished(ctx, afterId, RUN_MAX + 1);
  const ends = ctx.clock.now() + RUN_MS;
  const results: Result[] = [];
  while (results.length < Math.min(rows.length, RUN_MAX) && (results.length === 0 || ctx.clock.now() < ends)) {
    results.push(...(await Promise.all(rows.slice(results.length, Math.min(results.length + AT_ONCE, RUN_MAX)).map((row) => bringContent(ctx, row)))));
  }
  const count = (outcome: Result["outcome"]): number => results.filter((one) => one.outcome === outcome).length;
  const totals = { total: results.length, pushed: count("pushed"), skipped: count("skipped"), failed: count("failed") };
  const continues = results.length < rows.length;
  const plan = new Plan(ctx).audit(governed({ action: "skill_bundle.backfill", kind: "SkillBundle", key: "catalog", after: totals }));
  const last = results.at(-1);
  if (continues && last) plan.effect({ type: "skill_bundles.backfill", payload: { afterId: last.id } });
  await plan.commit();
  return { ...totals, results, continues };
}

async function bringContent(ctx: Ctx, { bundle, contentState }: ListedBundle): Promise<Result> {
  const answer = (outcome: Result["outcome"], reason?: string): Result => ({ id: bundle.id, name: bundle.name, digest: bundle.digest, outcome, ...(reason === undefined ? {} : { reason }) });
  const sha256 = sha256Of(bundle.digest);
  if (sha256 === null) return answer("skipped", "the digest is no SHA-256");
  try {
    if (contentState === "stored") {
      const file = await ctx.services.files.get(contentKeyOf(sha256));
      await file?.body.cancel();
      if (file) return answer("skipped", "already stored");
      await markLost(ctx, sha256);
    }
    if (bundle.contentUrl === null) return answer("skipped", "no content");
    const content = await describeContent(await governanceServices(ctx).catalogs.download(bundle.contentUrl, MAX_CONTENT_BYTES));
    if (content.sha256 !== sha256) return answer("failed", "digest mismatch");
    const plan = new Plan(ctx).audit(governed({ action: "skill_bundle.store_content", kind: "SkillBundle", key: bundle.id, after: { digest: `sha256:${sha256}`, sizeBytes: content.bytes.byteLength } }));
    await storeContent(ctx, plan, content);
    await plan.commit();
    return answer("pushed");
  } catch (error) {
    if (error instanceof AppError) return answer("failed", error.message);
    throw error;
  }
}
