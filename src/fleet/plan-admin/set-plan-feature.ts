import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { isUniqueViolation, LostUpdateError, Plan, retryLostUpdate } from "../../kernel/db/client";
import { invalidField, notFound } from "../../kernel/errors/app-error";
import { forgetEntitlements, getCatalogue, isFeatureValue, normalizeFeatureValue, type PlanFeature } from "../plans";
import { toPlanFeatureView, type UpsertedPlanFeatureView, type UpsertPlanFeatureBody } from "./plan-admin.schemas";
import { insertValue, isUnchangedFeature, updateValue } from "./plan-admin.store";

/**
 * Says what a plan allows of a feature. Who has more than that keeps it, and can add nothing.
 * @throws AppError NOT_FOUND (plan or feature), VALIDATION_ERROR (a value that is none of the feature's type)
 */
export async function setPlanFeature(ctx: OwnerCtx, input: z.output<typeof UpsertPlanFeatureBody>): Promise<z.input<typeof UpsertedPlanFeatureView>> {
  const view = await retryLostUpdate(async () => {
    const now = ctx.clock.now();
    const { plans, features, values } = await getCatalogue(ctx, { fresh: true });
    const plan = plans.find(({ id }) => id === input.plan_id);
    if (!plan) throw notFound("Plan");
    const feature = features.find(({ id }) => id === input.feature_id);
    if (!feature) throw notFound("Feature");
    if (!isFeatureValue(feature.featureType, input.value)) throw invalidField(["body", "value"], `No value of a ${feature.featureType} feature`);
    const known = values.find((one) => one.planId === plan.id && one.featureId === feature.id);
    const displayLabel = input.display_label === undefined ? (known?.displayLabel ?? null) : input.display_label || null;
    const change = { value: normalizeFeatureValue(input.value), displayLabel };
    if (known?.value === change.value && known.displayLabel === displayLabel) return toPlanFeatureView(known, plan, feature);
    const work = new Plan(ctx);
    if (known) work.guarded(updateValue(ctx, known, change, now));
    else work.write(insertValue(ctx, { planId: plan.id, featureId: feature.id, ...change }, now)).require(isUnchangedFeature(ctx, feature));
    work.audit({
      action: "plan_feature.set",
      tenantId: null,
      subject: { type: "plan", id: plan.id },
      detail: { plan: plan.key, feature: feature.key, before: known ? { value: known.value, displayLabel: known.displayLabel } : null, after: change },
    });
    const [written] = await commitOnce(work);
    // The insert returns its row.
    const row = known ? { ...known, ...change, updatedAt: now } : (written as PlanFeature[])[0];
    if (!row) throw new Error("the insert of a plan's feature returned no row");
    return toPlanFeatureView(row, plan, feature);
  });
  forgetEntitlements(null);
  return { ok: true, plan_feature: view };
}

/** Somebody else set the same value first: read it and go on from there. */
async function commitOnce(work: Plan): Promise<readonly unknown[]> {
  try {
    return await work.commit();
  } catch (error) {
    if (isUniqueViolation(error, "plan_features.")) throw new LostUpdateError(error);
    throw error;
  }
}
