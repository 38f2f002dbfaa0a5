import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { LostUpdateError, Plan, retryLostUpdate } from "../../kernel/db/client";
import { governed } from "../audit-trail";
import { contractsChanged } from "../contracts";
import { refusal } from "../errors";
import { replaceGrants } from "../grants";
import { nameTaken, requireContentUrl, scanRequired, unknownSource } from "./create-bundle";
import { digestKeyOf, publishedAtAfter } from "./skill-bundles.core";
import type { BundleRef, UpdateBundleBody, UpdatedBundleView } from "./skill-bundles.schemas";
import { findBundle, isPublishable, isSource, mayBePublished, releaseContent, replacePromotions, updateBundleRow } from "./skill-bundles.store";

/**
 * Changes a skill. Grants and promotions are replaced, whatever else the request holds. What is published afterwards needs a passed scan of
 * the content that it then has, and that content stored.
 * @throws SKILL_BUNDLE_NOT_FOUND, SCAN_REQUIRED, CONFLICT
 */
export function updateBundle(ctx: Ctx, ref: z.output<typeof BundleRef>, body: z.output<typeof UpdateBundleBody>): Promise<z.input<typeof UpdatedBundleView>> {
  requireContentUrl(ctx, body.contentUrl);
  return retryLostUpdate(async () => {
    const [found, hasSource] = await Promise.all([findBundle(ctx, ref.id), body.sourceId ? isSource(ctx, body.sourceId) : true]);
    if (!found) throw refusal("SKILL_BUNDLE_NOT_FOUND", "Skill not found.");
    if (!hasSource) throw unknownSource();
    const { bundle } = found;
    const digest = body.digest ?? bundle.digest;
    const digestKey = digestKeyOf(digest);
    const status = body.status ?? bundle.status;
    const told = body.publishedAt == null ? body.publishedAt : Date.parse(body.publishedAt);
    const now = ctx.clock.now();
    const after = {
      name: body.name ?? bundle.name,
      release: body.version ?? bundle.release,
      digest,
      digestKey,
      scope: body.scope ?? bundle.scope,
      status,
      description: body.description === undefined ? bundle.description : (body.description ?? ""),
      tags: body.tags ?? bundle.tags,
      sourceId: body.sourceId === undefined ? bundle.sourceId : body.sourceId,
      contentUrl: body.contentUrl === undefined ? bundle.contentUrl : body.contentUrl,
      publishedAt: publishedAtAfter(status, told, bundle.publishedAt, now),
      updatedAt: now,
    };
    // What is published already stays so without being asked again, as long as it is the same content.
    const needsScan = status === "published" && (bundle.status !== "published" || digestKey !== bundle.digestKey);
    if (needsScan && !(await isPublishable(ctx, bundle.id, digestKey))) throw scanRequired();

    const plan = new Plan(ctx).guarded(updateBundleRow(ctx, bundle, after));
    if (needsScan) plan.require(mayBePublished(bundle.id, digestKey));
    if (digestKey !== bundle.digestKey) plan.write(releaseContent(ctx, bundle.digestKey));
    replaceGrants(ctx, plan, "skill-bundle", bundle.id, body.grants);
    replacePromotions(ctx, plan, bundle.id, body.promotions);
    contractsChanged(plan, "all");
    plan.audit(
      governed({
        action: "skill_bundle.update",
        kind: "SkillBundle",
        key: bundle.id,
        before: { name: bundle.name, version: bundle.release, digest: bundle.digest, scope: bundle.scope, status: bundle.status },
        after: { name: after.name, version: after.release, digest, scope: after.scope, status, grants: body.grants.length, promotions: body.promotions.length },
      }),
    );
    try {
      await plan.commit();
    } catch (error) {
      throw error instanceof LostUpdateError ? error : nameTaken(error);
    }
    return { id: bundle.id, status: "updated" as const };
  });
}
