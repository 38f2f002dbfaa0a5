import type { Ctx } from "../../kernel/context";
import type { Plan } from "../../kernel/db/client";
import { newUuid } from "../../kernel/ids/ids";
import type { Plan as PlanRecord } from "../plans";
import { endSubscriptions, insertOverride, setPriceOfAccount, type SubscriptionRow } from "./downgrades.store";

/** Ours to give: a plan that no provider is paid for. */
export function overrideRow(id: string, tenantId: number, planId: number, requestId: string | null, now: number): SubscriptionRow {
  return {
    id,
    tenantId,
    planId,
    source: "admin_override",
    status: "active",
    externalId: null,
    priceId: null,
    interval: null,
    currentPeriodStart: now,
    currentPeriodEnd: null,
    cancelAtPeriodEnd: false,
    scheduleId: null,
    pendingPlanId: null,
    pendingChangeAt: null,
    graceUntil: null,
    providerReadAt: null,
    changingUntil: null,
    downgradeRequestId: requestId,
    statusBefore: null,
    endedAt: null,
    createdAt: now,
    updatedAt: now,
    version: 1,
  };
}

/**
 * Adds to a commit that the plan is `planId` from now on, here only: whatever carried another one ends, and an override takes its place.
 * With a request all of it can be taken back exactly. No provider is told.
 */
export function addLowering(ctx: Ctx, plan: Plan, tenantId: number, planId: number, fromPlanId: number, requestId: string | null, now: number): void {
  plan
    .write(endSubscriptions(ctx, tenantId, requestId, now))
    .write(insertOverride(ctx, overrideRow(requestId ?? newUuid(), tenantId, planId, requestId, now)))
    .effect({ type: "plan.changed", payload: { userId: tenantId, fromPlanId, trigger: "admin" } });
}

/** Adds that the person's profile shows the price of this plan, in the mode that is configured. */
export function addPrice(ctx: Ctx, plan: Plan, tenantId: number, target: PlanRecord): void {
  const price = ctx.config.stripe?.sandbox ? target.stripePriceIdSandbox : target.stripePriceId;
  plan.write(setPriceOfAccount(ctx, tenantId, price));
}
