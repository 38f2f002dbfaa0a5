import type { Ctx } from "../../kernel/context";
import { invalidField, notFound } from "../../kernel/errors/app-error";
import { capsOf, readHoldings, type Caps, type Holding } from "../holdings";
import { featuresOf, getCatalogue, type Plan as PlanRecord } from "../plans";
import { scheduledTier, standingOf, type OpenRequest, type Standing } from "./downgrades.core";
import { readAccount, type Account, type DowngradeRow, type SubscriptionRow } from "./downgrades.store";

/** Everything that a decision about somebody's plan rests on. */
export interface Situation {
  readonly tenantId: number;
  readonly now: number;
  readonly account: Account;
  readonly plans: readonly PlanRecord[];
  readonly standing: Standing<SubscriptionRow>;
  readonly scheduled: number | null;
  readonly open: OpenRequest | null;
  readonly holdings: readonly Holding[];
  readonly capsOfPlan: (planId: number) => Caps;
}

/** Null when there is no such account (any more). */
export async function findSituation(ctx: Ctx, tenantId: number): Promise<Situation | null> {
  const [{ plans, features, values }, account, holdings] = await Promise.all([getCatalogue(ctx), readAccount(ctx, tenantId), readHoldings(ctx, tenantId)]);
  if (!account) return null;
  const now = ctx.clock.now();
  const standing = standingOf(plans, account.person, account.subscriptions, now);
  const none: Caps = { multiple_openclaw_instances: null, max_bots: null, max_bot_shares: null };
  return {
    tenantId,
    now,
    account,
    plans,
    standing,
    scheduled: scheduledTier(plans, standing),
    open: account.downgrade && toOpen(account.downgrade, plans),
    holdings,
    // A plan that was deleted from under a request takes nothing away.
    capsOfPlan: (planId) => {
      const plan = plans.find(({ id }) => id === planId);
      return plan ? capsOf(featuresOf(plan, features, values)) : none;
    },
  };
}

/** @throws AppError NOT_FOUND */
export async function readSituation(ctx: Ctx, tenantId: number): Promise<Situation> {
  const situation = await findSituation(ctx, tenantId);
  if (!situation) throw notFound("User");
  return situation;
}

export function toOpen(row: DowngradeRow, plans: readonly PlanRecord[]): OpenRequest {
  const tier = (planId: number): number => plans.find(({ id }) => id === planId)?.tier ?? 0;
  return { fromTier: tier(row.fromPlanId), toTier: tier(row.toPlanId), reason: row.reason, lowersPlan: row.lowersPlan, graceEndsAt: row.graceEndsAt, createdAt: row.createdAt };
}

/** A plan by its name, as people write it. @throws AppError VALIDATION_ERROR (`to_plan`) */
export function requirePlan(plans: readonly PlanRecord[], name: string): PlanRecord {
  const plan = plans.find(({ key, isActive }) => key === name.trim().toLowerCase() && isActive);
  if (!plan) throw invalidField(["body", "to_plan"], "There is no such plan", "plan_unknown");
  return plan;
}
