import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { AppError, invalidField } from "../../kernel/errors/app-error";
import { newUuid } from "../../kernel/ids/ids";
import { overCap } from "../holdings";
import { forgetEntitlements, type Plan as PlanRecord } from "../plans";
import { cancelSubscription, changePlan } from "../subscriptions";
import { updateUpgrade } from "../upgrades";
import { GRACE_MS, graceOf } from "./downgrades.core";
import { toActiveDowngrade, type AdminManualDowngradeBody, type ManualDowngradeBody, type MaybeActiveDowngradeView } from "./downgrades.schemas";
import { insertDowngrade, subscriptionsAre, type DowngradeRow } from "./downgrades.store";
import { commitRequests } from "./follow-plan";
import { addLowering, addPrice } from "./lower-plan";
import { readSituation, requirePlan, type Situation } from "./read-situation";

type View = z.input<typeof MaybeActiveDowngradeView>;

const viewOf = (row: DowngradeRow, situation: Situation): View => toActiveDowngrade(row, situation.plans, situation.holdings, situation.capsOfPlan(row.toPlanId));

/** The plan that somebody asks to go down to. @throws AppError VALIDATION_ERROR (`to_plan`): no such plan, or not below the one in force */
function requireLower({ plans, standing }: Situation, name: string): PlanRecord {
  const target = requirePlan(plans, name);
  if (target.tier >= standing.plan.tier) throw invalidField(["body", "to_plan"], `Choose a plan below ${standing.plan.key}`, "not_lower");
  return target;
}

/**
 * The caller goes down to another plan: at Stripe with the end of what is paid for; a plan that no provider is paid for, here. When more is
 * in use than the target carries, a request is open until the grace ends. Asking again answers the open one.
 * @returns null when everything fits
 * @throws AppError VALIDATION_ERROR, MANAGED_BY_APPLE, DEPENDENCY_UNAVAILABLE and what else `changePlan` refuses
 */
export async function requestDowngrade(ctx: OwnerCtx, { to_plan }: z.output<typeof ManualDowngradeBody>): Promise<View> {
  const { userId } = ctx.actor;
  const situation = await readSituation(ctx, userId);
  if (situation.account.downgrade) return viewOf(situation.account.downgrade, situation);
  const target = requireLower(situation, to_plan);
  const subscription = situation.standing.subscription;
  if (subscription?.source === "apple") throw new AppError("MANAGED_BY_APPLE", "This subscription was bought in the App Store; change it there.", { extras: { source: "apple" } });
  const atProvider = subscription?.source === "stripe";
  if (atProvider) await lowerAtProvider(ctx, target);
  return open(ctx, userId, target.key, { reason: "user_manual", lowers: atProvider ? "provider" : "we", force: false });
}

/** From the end of the paid period; harmless when it was done before. To be on the free plan is to have no subscription. */
async function lowerAtProvider(ctx: OwnerCtx, target: PlanRecord): Promise<void> {
  if (target.key === "free") await cancelSubscription(ctx);
  else await changePlan(ctx, { plan: target.key });
}

/**
 * An administrator takes somebody down to another plan, here only: no provider is told. With `force_immediate` at once; otherwise when the
 * request that it opens is resolved. Asking again answers the open one.
 * @returns null when everything fits: then nothing changes unless it is forced
 * @throws AppError NOT_FOUND, VALIDATION_ERROR
 */
export function imposeDowngrade(ctx: OwnerCtx, { user_id, to_plan, force_immediate }: { readonly user_id: number } & z.output<typeof AdminManualDowngradeBody>): Promise<View> {
  return open(ctx, user_id, to_plan, { reason: "admin_manual", lowers: "we", force: force_immediate });
}

interface Opening {
  readonly reason: "user_manual" | "admin_manual";
  readonly lowers: "we" | "provider";
  readonly force: boolean;
}

async function open(ctx: OwnerCtx, tenantId: number, toPlan: string, opening: Opening): Promise<View> {
  const view = await retryLostUpdate(() => openOnce(ctx, tenantId, toPlan, opening));
  forgetEntitlements(tenantId);
  return view;
}

async function openOnce(ctx: OwnerCtx, tenantId: number, toPlan: string, { reason, lowers, force }: Opening): Promise<View> {
  const situation = await readSituation(ctx, tenantId);
  const { now, standing, account, holdings, capsOfPlan } = situation;
  if (account.downgrade) return viewOf(account.downgrade, situation);
  const target = requireLower(situation, toPlan);
  const tooMuch = overCap(holdings, capsOfPlan(target.id)).length > 0;
  // What a person asks for and nothing stands against happens; an administrator's word alone does only what it says.
  const atOnce = force || (lowers === "we" && !tooMuch && reason === "user_manual");
  const row: DowngradeRow | null = tooMuch
    ? {
        id: newUuid(),
        tenantId,
        fromPlanId: standing.plan.id,
        toPlanId: target.id,
        reason,
        forced: force,
        lowersPlan: lowers === "we" && !force,
        initiatedBy: ctx.actor.userId,
        graceEndsAt: force ? now : lowers === "provider" ? graceOf(standing.subscription, now) : now + GRACE_MS,
        graceEndedAt: force ? now : null,
        resolvedFeatures: [],
        resolvedAt: null,
        resolution: null,
        resolvedByAdminId: null,
        createdAt: now,
        updatedAt: now,
        version: 1,
      }
    : null;
  const plan = new Plan(ctx);
  if (atOnce) plan.require(subscriptionsAre(ctx, tenantId, account.subscriptions));
  if (row) plan.write(insertDowngrade(ctx, row));
  if (row && account.upgrade) plan.guarded(updateUpgrade(ctx, account.upgrade, { resolvedAt: now, resolution: "dismissed" }, now));
  if (atOnce) addLowering(ctx, plan, tenantId, target.id, standing.plan.id, row?.id ?? null, now);
  if (force) addPrice(ctx, plan, tenantId, target);
  plan.audit({
    action: "downgrade.request",
    tenantId,
    subject: row ? { type: "downgrade_request", id: row.id } : { type: "user", id: tenantId },
    detail: { reason, force, before: { plan: standing.plan.key }, after: { plan: atOnce ? target.key : standing.plan.key, to_plan: target.key, request_id: row?.id ?? null } },
  });
  await commitRequests(plan);
  return row && viewOf(row, situation);
}
