import type { Ctx } from "../../kernel/context";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { AppError } from "../../kernel/errors/app-error";
import { addMoves, settleMoved, type Moves } from "../holdings";
import { forgetEntitlements } from "../plans";
import { endGrace } from "./downgrades.core";
import { findDowngradeRow, updateDowngrade, type DowngradeRow } from "./downgrades.store";
import { applyPlan } from "./follow-plan";
import { addLowering } from "./lower-plan";
import { findSituation } from "./read-situation";

/**
 * Job `downgrade.grace_end`: the grace of a request is over. Of what nobody chose, the most recently active stays. Does nothing before its
 * time, after the request was resolved, or while a provider still carries the plan.
 */
export async function endGraceJob(ctx: Ctx, payload: unknown): Promise<void> {
  if (typeof payload !== "string") throw new AppError("MALFORMED_REQUEST", "not a downgrade request");
  const row = await findDowngradeRow(ctx, payload);
  if (!row || row.resolvedAt !== null) return;
  // What changed without our hearing of it counts first: a payment that was made up for takes nothing away.
  await applyPlan(ctx, { tenantId: row.tenantId, fromPlanId: null, trigger: "sweep", cause: `grace:${row.id}` });
  const moves = await retryLostUpdate(() => endOnce(ctx, row));
  forgetEntitlements(row.tenantId);
  if (moves) await settleMoved(ctx, moves);
}

async function endOnce(ctx: Ctx, { id, tenantId }: DowngradeRow): Promise<Moves | null> {
  const situation = await findSituation(ctx, tenantId);
  const now = ctx.clock.now();
  const audit = { action: "downgrade.auto_resolve", tenantId, subject: { type: "downgrade_request", id } };
  if (!situation) {
    // Nobody is there any more.
    const row = await findDowngradeRow(ctx, id);
    if (row && row.resolvedAt === null) await new Plan(ctx).guarded(updateDowngrade(ctx, row, { resolvedAt: now, resolution: "auto_resolved" }, now)).audit(audit).commit();
    return null;
  }
  const { account, open, standing, holdings } = situation;
  const row = account.downgrade;
  if (!row || !open || row.id !== id) return null;
  const caps = situation.capsOfPlan(row.toPlanId);
  const end = endGrace(open, standing, holdings, caps, situation.now);
  switch (end.kind) {
    case "early":
      return null;
    case "wait":
      await new Plan(ctx).guarded(updateDowngrade(ctx, row, { graceEndsAt: end.until }, now)).commit();
      return null;
    case "resolve": {
      const moves: Moves = { park: end.park, comeBack: [] };
      const plan = new Plan(ctx).guarded(updateDowngrade(ctx, row, { resolvedAt: now, resolution: "auto_resolved", graceEndedAt: row.graceEndedAt ?? row.graceEndsAt }, now));
      addMoves(ctx, plan, tenantId, moves, caps, now);
      if (row.lowersPlan) addLowering(ctx, plan, tenantId, row.toPlanId, standing.plan.id, row.id, now);
      await plan.audit({ ...audit, detail: { disabled: end.park.map(({ feature, id: item }) => ({ feature, id: item })) } }).commit();
      return moves;
    }
  }
}
