import type { z } from "zod";
import { isoOrNull } from "../../kernel/clock";
import type { OwnerCtx } from "../../kernel/context";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { AppError, invalidField, notFound } from "../../kernel/errors/app-error";
import { activeOf, addMoves, afterMoves, chooseKept, isPickFeature, overCap, settleMoved, type Moves, type PickFeature } from "../holdings";
import { forgetEntitlements } from "../plans";
import { requireChoice } from "../upgrades";
import { askedFeatures } from "./downgrades.core";
import { choosable, type DowngradeRef, type ResolvedDowngradeView, type ResolveDowngradeBody } from "./downgrades.schemas";
import { findDowngrade, updateDowngrade, type DowngradeRow } from "./downgrades.store";
import { addLowering } from "./lower-plan";
import { readSituation, type Situation } from "./read-situation";

type Input = z.output<typeof DowngradeRef> & z.output<typeof ResolveDowngradeBody>;
type View = z.input<typeof ResolvedDowngradeView>;

/** The caller says what stays. @throws AppError NOT_FOUND, REQUEST_RESOLVED, VALIDATION_ERROR */
export const resolveDowngrade = (ctx: OwnerCtx, input: Input): Promise<View> => resolve(ctx, ctx.actor.userId, input, "user_resolved");

/** An administrator says it for somebody. @throws AppError NOT_FOUND, REQUEST_RESOLVED, VALIDATION_ERROR */
export const resolveDowngradeFor = (ctx: OwnerCtx, { user_id, ...input }: Input & { readonly user_id: number }): Promise<View> => resolve(ctx, user_id, input, "admin_resolved");

/**
 * What was not chosen of the feature is disabled, in one commit with the request: nothing is ever half done, and a choice may be sent again
 * or changed while the request is open. The request is resolved once nothing is over its cap.
 */
async function resolve(ctx: OwnerCtx, tenantId: number, input: Input, resolution: "user_resolved" | "admin_resolved"): Promise<View> {
  const { view, moves } = await retryLostUpdate(() => resolveOnce(ctx, tenantId, input, resolution));
  forgetEntitlements(tenantId);
  await settleMoved(ctx, moves);
  return view;
}

async function resolveOnce(ctx: OwnerCtx, tenantId: number, input: Input, resolution: "user_resolved" | "admin_resolved"): Promise<{ readonly view: View; readonly moves: Moves }> {
  const situation = await readSituation(ctx, tenantId);
  const row = await requireOpen(ctx, situation, input.request_id);
  const { now, holdings, standing } = situation;
  const caps = situation.capsOfPlan(row.toPlanId);
  if (!isPickFeature(input.feature)) throw invalidField(["body", "feature"], "There is nothing to choose of this feature", "feature_unknown");
  const { feature } = input;
  // Of a feature that is fine as it is, nothing needs to go.
  const isAsked = askedFeatures(holdings, caps, row.resolvedFeatures).includes(feature);
  const choice = requireChoice(chooseKept(holdings, feature, isAsked ? caps[feature] : null, input.keep_ids, row.createdAt), "keep_ids");
  const moves: Moves = isAsked ? { park: choice.park, comeBack: choice.comeBack } : { park: [], comeBack: [] };
  const after = afterMoves(holdings, moves, now);
  const remaining = overCap(after, caps);
  const resolvedFeatures = [...new Set([...row.resolvedFeatures, feature])];
  const done = remaining.length === 0;
  const end = done ? { resolvedAt: now, resolution, resolvedByAdminId: resolution === "admin_resolved" ? ctx.actor.userId : null } : {};
  const plan = new Plan(ctx).guarded(updateDowngrade(ctx, row, { resolvedFeatures, ...end }, now));
  addMoves(ctx, plan, tenantId, moves, caps, now);
  if (done && row.lowersPlan) addLowering(ctx, plan, tenantId, row.toPlanId, standing.plan.id, row.id, now);
  const idsOf = (list: Situation["holdings"]) => activeOf(list, feature).map(({ id }) => id);
  await plan
    .audit({ action: "downgrade.resolve", tenantId, subject: { type: "downgrade_request", id: row.id }, detail: { feature, before: idsOf(holdings), after: idsOf(after), resolution: done ? resolution : null } })
    .commit();
  return { moves, view: { request_id: row.id, resolved_at: isoOrNull(done ? now : null), resolution: done ? resolution : null, feature, kept: idsOf(after), disabled: disabledIds(after, feature, row, moves), remaining_features_over_cap: remaining } };
}

/** What this request disabled so far. Shares leave no trace among what can be chosen. */
function disabledIds(after: Situation["holdings"], feature: PickFeature, row: DowngradeRow, { park }: Moves): string[] {
  const parked = choosable(after, feature, row.createdAt).filter(({ parkedAt }) => parkedAt !== null);
  return [...new Set([...parked, ...park].map(({ id }) => id))];
}

/** @throws AppError NOT_FOUND, REQUEST_RESOLVED */
async function requireOpen(ctx: OwnerCtx, { account, tenantId }: Situation, requestId: string): Promise<DowngradeRow> {
  if (account.downgrade?.id === requestId) return account.downgrade;
  const row = await findDowngrade(ctx, tenantId, requestId);
  if (!row) throw notFound("Downgrade request");
  throw new AppError("REQUEST_RESOLVED", "This request is closed already.", { extras: { resolution: row.resolution } });
}
