import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { notFound } from "../../kernel/errors/app-error";
import { addMoves, afterMoves, fittingOf, overCap, parkedOf, PICK_FEATURES, settleMoved, type Moves } from "../holdings";
import { forgetEntitlements } from "../plans";
import { standingOf } from "./downgrades.core";
import type { CancelledDowngradeView, UserDowngradeRef } from "./downgrades.schemas";
import { deleteDowngrade, deleteOverride, findDowngrade, restoreSubscriptions, subscriptionsAre, unmarkSubscriptions, type SubscriptionRow } from "./downgrades.store";
import { readSituation } from "./read-situation";

type View = z.input<typeof CancelledDowngradeView>;

/**
 * Takes a downgrade back as if it had never been, resolved or not: the override that it made goes, the subscriptions that it ended are what
 * they were, bots and machines come back as far as that plan carries them. Shares that ended stay ended, the price in the profile stays, and
 * no provider is told.
 * @throws AppError NOT_FOUND
 */
export async function cancelDowngrade(ctx: OwnerCtx, ref: z.output<typeof UserDowngradeRef>): Promise<View> {
  const { view, moves } = await retryLostUpdate(() => cancelOnce(ctx, ref));
  forgetEntitlements(ref.user_id);
  await settleMoved(ctx, moves);
  return view;
}

/** The subscriptions after the commit below, for knowing which plan it leaves in force. */
const withoutRequest = (rows: readonly SubscriptionRow[], requestId: string): SubscriptionRow[] =>
  rows
    .filter(({ id, source }) => id !== requestId || source !== "admin_override")
    .map((row) => (row.downgradeRequestId === requestId && row.status === "canceled" && row.statusBefore !== null && row.endedAt === null ? { ...row, status: row.statusBefore } : row));

async function cancelOnce(ctx: OwnerCtx, { user_id: tenantId, request_id: requestId }: z.output<typeof UserDowngradeRef>): Promise<{ readonly view: View; readonly moves: Moves }> {
  const [situation, row] = await Promise.all([readSituation(ctx, tenantId), findDowngrade(ctx, tenantId, requestId)]);
  if (!row) throw notFound("Downgrade request");
  const { now, plans, account, standing, holdings } = situation;
  const after = standingOf(plans, account.person, withoutRequest(account.subscriptions, row.id), now);
  // Another request that is open still rules what may come.
  const other = account.downgrade && account.downgrade.id !== row.id ? account.downgrade.toPlanId : null;
  const caps = situation.capsOfPlan(other ?? after.plan.id);
  const moves: Moves = { park: [], comeBack: fittingOf(holdings, caps, () => true) };
  const rest = afterMoves(holdings, moves, now);
  const stillParked = PICK_FEATURES.flatMap((feature) => parkedOf(rest, feature).map(({ id }) => id));
  const plan = new Plan(ctx)
    .require(subscriptionsAre(ctx, tenantId, account.subscriptions))
    .guarded(deleteDowngrade(ctx, row))
    .write(deleteOverride(ctx, tenantId, row.id))
    .write(restoreSubscriptions(ctx, tenantId, row.id, now))
    .write(unmarkSubscriptions(ctx, tenantId, row.id));
  addMoves(ctx, plan, tenantId, moves, caps, now);
  // The plan that is left may carry less than there is, or not all that was parked: both want a request of their own.
  if (overCap(rest, caps).length > 0 || stillParked.length > 0) plan.effect({ type: "plan.changed", payload: { userId: tenantId, fromPlanId: standing.plan.id, trigger: "admin" } });
  const idsOf = (feature: (typeof PICK_FEATURES)[number]): string[] => moves.comeBack.filter((one) => one.feature === feature).map(({ id }) => id);
  const [reenabledInstances, reenabledBots] = [idsOf("multiple_openclaw_instances"), idsOf("max_bots")];
  await plan
    .audit({
      action: "downgrade.cancel",
      tenantId,
      subject: { type: "downgrade_request", id: row.id },
      detail: { before: { plan: standing.plan.key, resolution: row.resolution }, after: { plan: after.plan.key, reenabled_bots: reenabledBots, reenabled_instances: reenabledInstances } },
    })
    .commit();
  return { moves, view: { ok: true, request_id: row.id, plan: after.plan.key, reenabled_bots: reenabledBots, reenabled_instances: reenabledInstances, still_disabled: stillParked } };
}
