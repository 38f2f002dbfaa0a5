import type { z } from "zod";
import { iso } from "../../kernel/clock";
import type { OwnerCtx } from "../../kernel/context";
import { AppError } from "../../kernel/errors/app-error";
import { effectivePlan, findAccountById } from "../accounts";
import { queryDevice } from "./device-check";
import type { CheckDeviceBody, CheckDeviceView, TrialStatusView } from "./trials.schemas";
import { findPlanName } from "./trials.store";

/** Whether a device may begin a trial; sign-up marks it, this does not. */
export async function checkDevice(ctx: OwnerCtx, input: z.output<typeof CheckDeviceBody>): Promise<z.input<typeof CheckDeviceView>> {
  return queryDevice(ctx, input.device_token);
}

/** The caller's trial. A subscription counts as active whatever became of the trial. @throws AppError UNAUTHENTICATED when the account is gone */
export async function getTrialStatus(ctx: OwnerCtx): Promise<z.input<typeof TrialStatusView>> {
  const account = await findAccountById(ctx, ctx.actor.userId);
  if (!account) throw new AppError("UNAUTHENTICATED", "This account does not exist any more.");
  const now = ctx.clock.now();
  const { plan, status } = effectivePlan(account, now);
  const subscribed = account.planKey !== null;
  return {
    trial_active: subscribed || account.trialEndsAt > now,
    trial_expires_at: iso(account.trialEndsAt),
    has_active_subscription: subscribed,
    plan_name: plan,
    plan_display_name: (await findPlanName(ctx, plan)) ?? plan,
    billing_interval: null,
    subscription_source: null,
    subscription_status: status,
    pending_plan_name: null,
    pending_change_date: null,
  };
}
