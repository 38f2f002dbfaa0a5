import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { iso } from "../../kernel/clock";
import { Plan } from "../../kernel/db/client";
import { AppError } from "../../kernel/errors/app-error";
import type { Payments } from "../../kernel/ports/payments";
import { requirePayments } from "../payments";
import { changeAtProvider, noSubscription, requireStripeRow, type Refused, type StripeRow } from "./change-at-provider";
import type { CancelChangeView, CancelView } from "./subscriptions.schemas";

/** Lets the subscription end with its paid period; may be repeated. @throws AppError NOT_FOUND, MANAGED_BY_APPLE, CHANGE_IN_PROGRESS, DEPENDENCY_UNAVAILABLE */
export async function cancelSubscription(ctx: OwnerCtx): Promise<z.input<typeof CancelView>> {
  requirePayments(ctx);
  const row = await requireStripeRow(ctx, ctx.actor.userId);
  const after = row.cancelAtPeriodEnd && row.scheduleId === null ? row : await changeAtProvider(ctx, row, "subscription.cancel", { plan_id: row.planId }, (payments) => setCancellation(payments, row, true));
  const endsAt = after.currentPeriodEnd === null ? null : iso(after.currentPeriodEnd);
  return { status: "canceling", message: endsAt === null ? "Your subscription ends with its period." : `Your subscription ends on ${endsAt.slice(0, 10)}.`, subscription_ends_at: endsAt };
}

/** Takes back what waits for the period's end: a change of plan, else a cancellation. @throws AppError NOT_FOUND when nothing waits; as {@link cancelSubscription} */
export async function cancelChange(ctx: OwnerCtx): Promise<z.input<typeof CancelChangeView>> {
  requirePayments(ctx);
  const row = await requireStripeRow(ctx, ctx.actor.userId);
  const { scheduleId } = row;
  if (scheduleId !== null) {
    await changeAtProvider(ctx, row, "subscription.cancel_change", { plan_id: row.planId, pending_plan_id: row.pendingPlanId }, async (payments) => {
      await payments.releaseSchedule(scheduleId);
      return null;
    });
    // A request to choose what to keep was for the plan that is not coming.
    await new Plan(ctx).effect({ type: "plan.changed", payload: { userId: ctx.actor.userId, fromPlanId: row.planId, trigger: "user" } }).commit();
    return { status: "change_canceled", message: "The change of your plan is taken back." };
  }
  if (!row.cancelAtPeriodEnd) throw new AppError("NOT_FOUND", "Nothing waits to be changed.");
  await changeAtProvider(ctx, row, "subscription.resume", { plan_id: row.planId }, (payments) => setCancellation(payments, row, false));
  return { status: "resumed", message: "Your subscription goes on." };
}

/** A schedule would forbid it: it is released first, also one that we have not heard of. */
async function setCancellation(payments: Payments, { externalId, scheduleId }: StripeRow, cancel: boolean): Promise<Refused> {
  if (scheduleId !== null) await payments.releaseSchedule(scheduleId);
  let done = await payments.setCancelAtPeriodEnd(externalId, cancel);
  if (done.kind === "managed_by_schedule") {
    await payments.releaseSchedule(done.scheduleId);
    done = await payments.setCancelAtPeriodEnd(externalId, cancel);
  }
  if (done.kind === "changed") return null;
  return done.kind === "managed_by_schedule" ? new AppError("CHANGE_IN_PROGRESS", "This subscription is being changed already.") : noSubscription();
}
