import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { governed } from "../audit-trail";
import { contractsChanged } from "../contracts";
import { refusal } from "../errors";
import { deleteGrantsOf } from "../grants";
import type { BundleRef, DeletedBundleView } from "./skill-bundles.schemas";
import { deleteBundle as deleteBundleRows, findBundle } from "./skill-bundles.store";

/** Takes a skill out of the catalogue, with its grants. @throws SKILL_BUNDLE_NOT_FOUND */
export function deleteBundle(ctx: Ctx, ref: z.output<typeof BundleRef>): Promise<z.input<typeof DeletedBundleView>> {
  return retryLostUpdate(async () => {
    const found = await findBundle(ctx, ref.id);
    if (!found) throw refusal("SKILL_BUNDLE_NOT_FOUND", "Skill not found.");
    const { bundle } = found;
    const plan = new Plan(ctx);
    deleteBundleRows(ctx, plan, bundle);
    deleteGrantsOf(ctx, plan, "skill-bundle", bundle.id);
    contractsChanged(plan, "all");
    plan.audit(governed({ action: "skill_bundle.delete", kind: "SkillBundle", key: bundle.id, before: { name: bundle.name, version: bundle.release, digest: bundle.digest, status: bundle.status } }));
    await plan.commit();
    return { id: bundle.id, status: "deleted" as const };
  });
}
