import type { z } from "zod";
import type { Ctx, OwnerCtx } from "../../kernel/context";
import { notFound } from "../../kernel/errors/app-error";
import { findAccountById } from "../accounts";
import { forgetEntitlements, getEntitlements, standingOf, wireFeatureValue } from "../plans";
import { readUsage, warningsOf } from "../usage";
import type { CapabilitiesView, RefreshedCapabilitiesView, UserRef } from "./capabilities.schemas";

type View = z.input<typeof CapabilitiesView>;

async function describeCapabilities(ctx: Ctx, tenantId: number, { fresh = false } = {}): Promise<View> {
  const entitlements = await getEntitlements(ctx, tenantId, { fresh });
  const { plan, subscription, features } = entitlements;
  const { gauges } = await readUsage(ctx, tenantId, entitlements);
  return {
    plan_name: plan.key,
    plan_display_name: plan.name,
    plan_tier: plan.tier,
    subscription_status: standingOf(entitlements).status,
    subscription_source: subscription?.source ?? null,
    features: Object.fromEntries([...features].map(([key, value]) => [key, wireFeatureValue(value)])),
    instance_count: gauges.multiple_openclaw_instances.used,
    bot_count: gauges.max_bots.used,
    share_count: gauges.max_bot_shares.used,
    storage_mb_used: gauges.storage_mb.used,
    warnings: warningsOf(gauges),
  };
}

/** What the caller's plan allows, and how much of it is used. */
export const getCapabilities = (ctx: OwnerCtx): Promise<View> => describeCapabilities(ctx, ctx.actor.userId);

/** Reads somebody's plan anew after a change by hand. Other isolates follow within the cache's minute. @throws AppError NOT_FOUND */
export async function refreshCapabilities(ctx: OwnerCtx, { user_id }: z.output<typeof UserRef>): Promise<z.input<typeof RefreshedCapabilitiesView>> {
  if (!(await findAccountById(ctx, user_id))) throw notFound("User");
  forgetEntitlements(user_id);
  return { ok: true, user_id, capabilities: await describeCapabilities(ctx, user_id, { fresh: true }) };
}
