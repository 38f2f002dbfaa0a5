import type { z } from "zod";
import { iso, isoOrNull } from "../../kernel/clock";
import type { OwnerCtx } from "../../kernel/context";
import { AppError } from "../../kernel/errors/app-error";
import { findAccountById } from "../accounts";
import { getCatalogue, getEntitlements, standingOf } from "../plans";
import { queryDevice } from "./device-check";
import type { CheckDeviceBody, CheckDeviceView, TrialStatusView } from "./trials.schemas";

/** Whether a device may begin a trial; sign-up marks it, this does not. */
export async function checkDevice(ctx: OwnerCtx, input: z.output<typeof CheckDeviceBody>): Promise<z.input<typeof CheckDeviceView>> {
  return queryDevice(ctx, input.device_token);
}

/** The caller's trial. A subscription counts as active whatever became of the trial. @throws AppError UNAUTHENTICATED when the account is gone */
export async function getTrialStatus(ctx: OwnerCtx): Promise<z.input<typeof TrialStatusView>> {
  const [account, entitlements, { plans }] = await Promise.all([findAccountById(ctx, ctx.actor.userId), getEntitlements(ctx, ctx.actor.userId), getCatalogue(ctx)]);
  if (!account) throw new AppError("UNAUTHENTICATED", "This account does not exist any more.");
  const { plan, source, subscription } = entitlements;
  const subscribed = source !== "trial" && source !== "free";
  const pending = plans.find(({ id }) => id === subscription?.pendingPlanId);
  return {
    trial_active: subscribed || account.trialEndsAt > ctx.clock.now(),
    trial_expires_at: iso(account.trialEndsAt),
    has_active_subscription: subscribed,
    plan_name: plan.key,
    plan_display_name: plan.name,
    billing_interval: subscription?.interval ?? null,
    subscription_source: subscription?.source ?? null,
    subscription_status: standingOf(entitlements).status,
    pending_plan_name: pending?.key ?? null,
    pending_change_date: pending ? isoOrNull(subscription?.pendingChangeAt) : null,
  };
}
