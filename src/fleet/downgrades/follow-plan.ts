import { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { isUniqueViolation, LostUpdateError, Plan, retryLostUpdate } from "../../kernel/db/client";
import { newUuid } from "../../kernel/ids/ids";
import { addMoves, afterMoves, fittingOf, settleMoved, type Moves } from "../holdings";
import { forgetEntitlements } from "../plans";
import { afterChange, insertUpgrade, isCauseKnown, updateUpgrade, upgradeTriggerOf } from "../upgrades";
import { followPlan, TRIGGERS, type Followed, type Trigger } from "./downgrades.core";
import { insertDowngrade, updateDowngrade, type DowngradeRow } from "./downgrades.store";
import { findSituation, type Situation } from "./read-situation";

const ChangedPayload = z.object({ userId: z.int(), fromPlanId: z.int().nullish(), trigger: z.enum(TRIGGERS).catch("user"), cause: z.string().nullish() });

export interface Change {
  readonly tenantId: number;
  /** The plan in force before; null when nobody knows: then nothing has risen. */
  readonly fromPlanId: number | null;
  readonly trigger: Trigger;
  /** Names this change: told twice, it opens one upgrade request. */
  readonly cause: string;
}

/** Effect `plan.changed` (docs/design/billing.md). */
export async function followPlanChange(ctx: Ctx, payload: unknown, effectId: string): Promise<void> {
  const { userId, fromPlanId, trigger, cause } = ChangedPayload.parse(payload);
  await applyPlan(ctx, { tenantId: userId, fromPlanId: fromPlanId ?? null, trigger, cause: cause ?? effectId });
}

/**
 * Brings requests in line with the plan that somebody is on now. What it does follows from the present state, so that it may run twice,
 * late, and in any order. Whatever comes back does so in the same commit.
 */
export async function applyPlan(ctx: Ctx, change: Change): Promise<void> {
  forgetEntitlements(change.tenantId);
  const moves = await retryLostUpdate(() => applyOnce(ctx, change));
  forgetEntitlements(change.tenantId);
  if (moves) await settleMoved(ctx, moves);
}

async function applyOnce(ctx: Ctx, change: Change): Promise<Moves | null> {
  const [situation, known] = await Promise.all([findSituation(ctx, change.tenantId), isCauseKnown(ctx, change.tenantId, change.cause)]);
  if (!situation) return null;
  const { now, standing, scheduled, open, holdings, account, tenantId } = situation;
  const caps = situation.capsOfPlan(standing.target.id);
  const followed = followPlan({ now, standing, scheduled, trigger: change.trigger, open, holdings, caps });
  const row = account.downgrade;
  const plan = new Plan(ctx);
  let moves: Moves = { park: [], comeBack: [] };
  if (followed.kind === "open") addOpening(ctx, plan, situation, change, followed);
  if (row && followed.kind === "retarget") addRetarget(ctx, plan, row, followed, now);
  if (row && followed.kind === "close") {
    // An administrator brings back whatever fits; otherwise what this very request parked.
    moves = { park: [], comeBack: fittingOf(holdings, caps, ({ parkedAt }) => change.trigger === "admin" || (parkedAt !== null && parkedAt >= row.createdAt)) };
    addMoves(ctx, plan.guarded(updateDowngrade(ctx, row, { resolvedAt: now, resolution: "re_upgraded" }, now)), tenantId, moves, caps, now).audit({
      action: "downgrade.re_upgrade",
      tenantId,
      subject: { type: "downgrade_request", id: row.id },
      detail: { plan_id: standing.plan.id, trigger: change.trigger, reenabled: moves.comeBack.map(({ id }) => id) },
    });
  }
  const asked = addUpgrade(ctx, plan, situation, change, followed, moves, known);
  if (followed.kind === "nothing" && !asked) return null;
  await commitRequests(plan);
  return moves;
}

/** Commits what may open requests: of two at once one wins, and the other reads again. @throws LostUpdateError */
export async function commitRequests(plan: Plan): Promise<void> {
  try {
    await plan.commit();
  } catch (error) {
    if (isUniqueViolation(error, "downgrade_requests") || isUniqueViolation(error, "upgrade_requests")) throw new LostUpdateError(error);
    throw error;
  }
}

function addOpening(ctx: Ctx, plan: Plan, { tenantId, now, standing }: Situation, change: Change, followed: Extract<Followed, { kind: "open" }>): void {
  const id = newUuid();
  const { to, reason, graceEndsAt } = followed;
  plan
    .write(insertDowngrade(ctx, { id, tenantId, fromPlanId: change.fromPlanId ?? standing.plan.id, toPlanId: to.id, reason, graceEndsAt, resolvedFeatures: [], createdAt: now, updatedAt: now }))
    .audit({ action: "downgrade.open", tenantId, subject: { type: "downgrade_request", id }, detail: { from_plan_id: change.fromPlanId, to_plan_id: to.id, reason, trigger: change.trigger, grace_ends_at: graceEndsAt } });
}

function addRetarget(ctx: Ctx, plan: Plan, row: DowngradeRow, { to, graceEndsAt }: Extract<Followed, { kind: "retarget" }>, now: number): void {
  plan
    .guarded(updateDowngrade(ctx, row, { toPlanId: to.id, graceEndsAt, graceEndedAt: null, lowersPlan: false, resolvedFeatures: [] }, now))
    .audit({ action: "downgrade.retarget", tenantId: row.tenantId, subject: { type: "downgrade_request", id: row.id }, detail: { before: { to_plan_id: row.toPlanId, grace_ends_at: row.graceEndsAt }, after: { to_plan_id: to.id, grace_ends_at: graceEndsAt } } });
}

/** Asks what comes back, or stops asking. @returns whether anything was added */
function addUpgrade(ctx: Ctx, plan: Plan, { tenantId, now, plans, standing, open, holdings, account }: Situation, change: Change, followed: Followed, moves: Moves, known: boolean): boolean {
  const tierOf = (planId: number | null): number => plans.find(({ id }) => id === planId)?.tier ?? standing.plan.tier;
  const row = account.upgrade;
  const closes = followed.kind === "close";
  const next = afterChange({
    fromTier: Math.min(tierOf(change.fromPlanId), closes && open ? open.toTier : Infinity),
    toTier: standing.target.tier,
    openTier: row ? tierOf(row.toPlanId) : null,
    downgradeOpen: followed.kind === "open" || (open !== null && !closes),
    known,
    holdings: afterMoves(holdings, moves, now),
  });
  const subject = (id: string) => ({ tenantId, subject: { type: "upgrade_request", id } });
  if (next.kind === "open") {
    const id = newUuid();
    const trigger = upgradeTriggerOf(change.trigger, standing.subscription?.source ?? null);
    plan
      .write(insertUpgrade(ctx, { id, tenantId, fromPlanId: change.fromPlanId ?? standing.plan.id, toPlanId: standing.target.id, trigger, cause: change.cause, resolvedFeatures: [], createdAt: now, updatedAt: now }))
      .audit({ action: "upgrade.open", ...subject(id), detail: { to_plan_id: standing.target.id, trigger } });
    return true;
  }
  if (!row || next.kind === "nothing") return false;
  if (next.kind === "retarget") plan.guarded(updateUpgrade(ctx, row, { toPlanId: standing.target.id, resolvedFeatures: [] }, now)).audit({ action: "upgrade.retarget", ...subject(row.id), detail: { to_plan_id: standing.target.id } });
  else plan.guarded(updateUpgrade(ctx, row, { resolvedAt: now, resolution: "dismissed" }, now)).audit({ action: "upgrade.dismiss", ...subject(row.id), detail: { trigger: change.trigger } });
  return true;
}
