import type { z } from "zod";
import { isoOrNull } from "../../kernel/clock";
import type { OwnerCtx } from "../../kernel/context";
import { AppError, invalidField } from "../../kernel/errors/app-error";
import type { Payments } from "../../kernel/ports/payments";
import { requirePayments } from "../payments";
import { getCatalogue, type Plan as CataloguePlan } from "../plans";
import { changeAtProvider, noSubscription, requireStripeRow, type Refused, type StripeRow } from "./change-at-provider";
import { changeKind, isRunning, priceOf, soldPlan, type Interval } from "./subscriptions.core";
import type { ChangePlanBody, ChangePlanView } from "./subscriptions.schemas";

interface Target {
  readonly plan: CataloguePlan;
  readonly interval: Interval;
  readonly priceId: string;
}

/**
 * Another plan: more from now on with proration, less from the end of the paid period. The same change asked for again gets the same answer.
 * @throws AppError VALIDATION_ERROR (no such plan or price), NOT_FOUND (nothing to change), MANAGED_BY_APPLE, SAME_PLAN, SUBSCRIPTION_CANCELING,
 * CHANGE_PENDING, PAYMENT_OVERDUE, CHANGE_IN_PROGRESS, PAYMENT_FAILED, DEPENDENCY_UNAVAILABLE
 */
export async function changePlan(ctx: OwnerCtx, input: z.output<typeof ChangePlanBody>): Promise<z.input<typeof ChangePlanView>> {
  requirePayments(ctx);
  const { plans } = await getCatalogue(ctx);
  const row = await requireStripeRow(ctx, ctx.actor.userId);
  const target = findTarget(plans, input, row, ctx.config.stripe?.sandbox ?? false);
  const current = plans.find(({ id }) => id === row.planId);
  const kind = changeKind({ tier: current?.tier ?? 0, planId: row.planId, interval: row.interval }, { tier: target.plan.tier, planId: target.plan.id, interval: target.interval });
  if (row.cancelAtPeriodEnd) throw new AppError("SUBSCRIPTION_CANCELING", "Your subscription is going to end; take that back first.", { extras: { hint: "cancel-change" } });
  if (row.pendingPlanId !== null && row.pendingPlanId === target.plan.id) return scheduledView(target, row.pendingChangeAt);
  if (kind === "same") throw new AppError("SAME_PLAN", "You are on this plan already.", { extras: { plan: target.plan.key } });
  if (row.scheduleId !== null && kind === "at_period_end") throw new AppError("CHANGE_PENDING", "Another change waits for the end of the period; take it back first.", { extras: { hint: "cancel-change" } });
  if (!isPaid(row)) throw new AppError("PAYMENT_OVERDUE", "A payment is overdue; pay it first.", { extras: { hint: "portal" } });
  const detail = { from_plan_id: row.planId, plan_id: target.plan.id, price: target.priceId };
  if (kind === "now") {
    await changeAtProvider(ctx, row, "subscription.upgrade", detail, (payments, intent) => changeNow(payments, row, target, intent));
    return { status: "changed", message: `You are on ${target.plan.name} now.`, plan: target.plan.key, plan_name: target.plan.name, effective: "now", pending_plan_name: null, pending_change_date: null };
  }
  const after = await changeAtProvider(ctx, row, "subscription.downgrade", detail, (payments) => changeLater(payments, row, target));
  return scheduledView(target, after.pendingChangeAt);
}

/** Whether the provider is paid for it; an administrator may have ended it here alone. */
const isPaid = (row: StripeRow): boolean => isRunning({ status: row.downgradeRequestId === null ? row.status : (row.statusBefore ?? row.status) });

function findTarget(plans: readonly CataloguePlan[], { plan: name, price_id: priceId, interval }: z.output<typeof ChangePlanBody>, row: StripeRow, sandbox: boolean): Target {
  if (priceId != null) {
    const sold = soldPlan(plans, priceId, sandbox);
    if (!sold) throw invalidField(["body", "price_id"], "No plan is sold at this price.");
    return { ...sold, priceId };
  }
  const plan = plans.find(({ key, isActive }) => isActive && key === name);
  if (!plan) throw invalidField(["body", "plan"], "There is no such plan.");
  // Who does not say how they pay goes on as before, as far as the plan is sold so.
  const wished: Interval = interval ?? row.interval ?? "month";
  const intervals: readonly Interval[] = interval == null ? [wished, wished === "month" ? "year" : "month"] : [wished];
  for (const one of intervals) {
    const price = priceOf(plan, one, sandbox);
    if (price !== null) return { plan, interval: one, priceId: price };
  }
  throw invalidField(["body", "plan"], "This plan is not sold; to go without one cancel your subscription.");
}

const scheduledView = ({ plan }: Target, at: number | null): z.input<typeof ChangePlanView> => ({
  status: "scheduled",
  message: `Your plan changes to ${plan.name} at the end of the paid period.`,
  plan: plan.key,
  plan_name: plan.name,
  effective: "period_end",
  pending_plan_name: plan.name,
  pending_change_date: isoOrNull(at),
});

async function changeNow(payments: Payments, { externalId, scheduleId }: StripeRow, { priceId }: Target, intent: string): Promise<Refused> {
  if (scheduleId !== null) await payments.releaseSchedule(scheduleId);
  const request = { subscriptionId: externalId, priceId, idempotencyKey: `change:${intent}:${priceId}` };
  let done = await payments.changePriceNow(request);
  if (done.kind === "managed_by_schedule") {
    await payments.releaseSchedule(done.scheduleId);
    done = await payments.changePriceNow(request);
  }
  switch (done.kind) {
    case "changed":
      return null;
    case "payment_failed":
      return new AppError("PAYMENT_FAILED", "The payment did not go through; your plan is as it was.", { extras: { reason: done.reason, hint: "portal" } });
    case "unknown_price":
      return invalidField(["body", "price_id"], "This price is no longer sold.");
    case "managed_by_schedule":
      return new AppError("CHANGE_IN_PROGRESS", "This subscription is being changed already.");
    case "unknown":
    case "ended":
      return noSubscription();
  }
}

async function changeLater(payments: Payments, { externalId }: StripeRow, { priceId, interval }: Target): Promise<Refused> {
  const done = await payments.scheduleChange({ subscriptionId: externalId, priceId, interval });
  switch (done.kind) {
    case "scheduled":
      return null;
    case "canceling":
      return new AppError("SUBSCRIPTION_CANCELING", "Your subscription is going to end; take that back first.", { extras: { hint: "cancel-change" } });
    case "unknown_price":
      return invalidField(["body", "price_id"], "This price is no longer sold.");
    case "unknown":
    case "ended":
      return noSubscription();
  }
}
