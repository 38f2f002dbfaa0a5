import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { invalidField } from "../../kernel/errors/app-error";
import { newUuid } from "../../kernel/ids/ids";
import { forgetEntitlements } from "../plans";
import type { AdminManualUpgradeBody, RaisedPlanView } from "./downgrades.schemas";
import { findDowngrade, insertOverride, readAccount, subscriptionsAre } from "./downgrades.store";
import { applyPlan } from "./follow-plan";
import { addPrice, overrideRow } from "./lower-plan";
import { readSituation, requirePlan } from "./read-situation";

type Input = { readonly user_id: number } & z.output<typeof AdminManualUpgradeBody>;

/**
 * An administrator gives somebody a higher plan at once, here only: no provider is told. An open downgrade ends with it, bots and machines
 * come back as far as the plan goes, and the rest is offered.
 * @throws AppError NOT_FOUND, VALIDATION_ERROR (`to_plan`)
 */
export async function raisePlan(ctx: OwnerCtx, { user_id: tenantId, to_plan }: Input): Promise<z.input<typeof RaisedPlanView>> {
  const { from, to, overrideId, downgradeId } = await retryLostUpdate(async () => {
    const { now, plans, standing, account } = await readSituation(ctx, tenantId);
    const target = requirePlan(plans, to_plan);
    if (target.tier <= standing.plan.tier) throw invalidField(["body", "to_plan"], `Choose a plan above ${standing.plan.key}`, "not_higher");
    const id = newUuid();
    const plan = new Plan(ctx).require(subscriptionsAre(ctx, tenantId, account.subscriptions)).write(insertOverride(ctx, overrideRow(id, tenantId, target.id, null, now)));
    addPrice(ctx, plan, tenantId, target);
    await plan
      .audit({ action: "plan.raise", tenantId, subject: { type: "user", id: tenantId }, detail: { before: { plan: standing.plan.key, price_id: account.person.subscriptionPriceId }, after: { plan: target.key, subscription_id: id } } })
      .effect({ type: "plan.changed", payload: { userId: tenantId, fromPlanId: standing.plan.id, trigger: "admin", cause: id } })
      .commit();
    return { from: standing.plan, to: target, overrideId: id, downgradeId: account.downgrade?.id ?? null };
  });
  forgetEntitlements(tenantId);
  // Done before the answer; the effect finds it done, or does it should this fail.
  await applyPlan(ctx, { tenantId, fromPlanId: from.id, trigger: "admin", cause: overrideId });
  const [account, downgrade] = await Promise.all([readAccount(ctx, tenantId), downgradeId === null ? null : findDowngrade(ctx, tenantId, downgradeId)]);
  return {
    ok: true,
    user_id: tenantId,
    from_plan: from.key,
    to_plan: to.key,
    re_upgraded_request_id: downgrade?.resolution === "re_upgraded" ? downgrade.id : null,
    upgrade_request_id: account?.upgrade?.id ?? null,
  };
}
