import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { isUniqueViolation, Plan, retryLostUpdate } from "../../kernel/db/client";
import { AppError, invalidField, notFound } from "../../kernel/errors/app-error";
import { forgetEntitlements, getCatalogue, isBuiltInFeature, isFeatureValue, normalizeFeatureValue, type Feature } from "../plans";
import { toFeatureView, type CreatedFeatureView, type CreateFeatureBody, type DeletedFeatureView, type FeatureRef } from "./plan-admin.schemas";
import { deleteFeatureRow, deleteValuesOf, insertFeature } from "./plan-admin.store";

/** Adds a feature that plans may differ in; apps see it at once. @throws AppError CONFLICT (the key is taken), VALIDATION_ERROR (a default that is none of its type) */
export async function createFeature(ctx: OwnerCtx, input: z.output<typeof CreateFeatureBody>): Promise<z.input<typeof CreatedFeatureView>> {
  const given = input.default_value || null;
  if (given !== null && !isFeatureValue(input.feature_type, given)) throw invalidField(["body", "default_value"], `No value of a ${input.feature_type} feature`);
  const feature = { key: input.key, name: input.name, featureType: input.feature_type, defaultValue: given === null ? null : normalizeFeatureValue(given) };
  const work = new Plan(ctx).write(insertFeature(ctx, feature, ctx.clock.now())).audit({ action: "feature.create", tenantId: null, subject: { type: "feature", id: input.key }, detail: { before: null, after: feature } });
  let written: readonly unknown[];
  try {
    written = await work.commit();
  } catch (error) {
    if (isUniqueViolation(error, "features.key")) throw new AppError("CONFLICT", "There is a feature of this key already.");
    throw error;
  }
  forgetEntitlements(null);
  // The insert returns its row.
  const [row] = written[0] as Feature[];
  if (!row) throw new Error("the insert of a feature returned no row");
  return { ok: true, feature: toFeatureView(row) };
}

/** Removes a feature and every plan's value of it. @throws AppError NOT_FOUND, CONFLICT (a feature that code asks for) */
export async function deleteFeature(ctx: OwnerCtx, { feature_id }: z.output<typeof FeatureRef>): Promise<z.input<typeof DeletedFeatureView>> {
  await retryLostUpdate(async () => {
    const { plans, features, values } = await getCatalogue(ctx, { fresh: true });
    const feature = features.find(({ id }) => id === feature_id);
    if (!feature) throw notFound("Feature");
    if (isBuiltInFeature(feature.key)) throw new AppError("CONFLICT", "This feature is part of the product and cannot be removed.");
    const own = Object.fromEntries(values.filter((value) => value.featureId === feature.id).map((value) => [plans.find(({ id }) => id === value.planId)?.key ?? String(value.planId), value.value]));
    const { key, name, featureType, defaultValue } = feature;
    await new Plan(ctx)
      .guarded(deleteFeatureRow(ctx, feature))
      .write(deleteValuesOf(ctx, feature.id))
      .audit({ action: "feature.delete", tenantId: null, subject: { type: "feature", id: key }, detail: { before: { key, name, featureType, defaultValue, plans: own }, after: null } })
      .commit();
  });
  forgetEntitlements(null);
  return { ok: true };
}
