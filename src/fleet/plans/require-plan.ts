import type { Ctx } from "../../kernel/context";
import { AppError } from "../../kernel/errors/app-error";
import { getEntitlements, hasFeature, limitOf } from "./entitlements";
import type { CountedFeature, SwitchFeature } from "./plans.core";

const THINGS: Readonly<Record<CountedFeature, readonly [string, string]>> = {
  multiple_openclaw_instances: ["machine", "machines"],
  max_bots: ["bot", "bots"],
  max_bot_shares: ["share", "shares"],
  storage_mb: ["MB of media", "MB of media"],
  cloud_vm_included: ["cloud machine", "cloud machines"],
};

/**
 * The one gate before anything that a plan limits. For something counted, `current` is how much there is already and `adding` how much
 * comes; the answer is the cap (null: none), for the condition that keeps it in the commit.
 * @throws AppError PLAN_LIMIT {feature, limit, current}
 */
export async function requireCapability(ctx: Ctx, tenantId: number, feature: CountedFeature, current: (tenantId: number) => Promise<number>, adding = 1): Promise<number | null> {
  const limit = limitOf({ features: (await getEntitlements(ctx, tenantId)).creation }, feature);
  if (limit === null) return null;
  const there = await current(tenantId);
  if (there + adding <= limit) return limit;
  const [one, many] = THINGS[feature];
  throw new AppError("PLAN_LIMIT", `Your plan allows ${limit} ${limit === 1 ? one : many}; remove some or change the plan.`, { extras: { feature, limit, current: there } });
}

/** The same for what a plan has or has not. @throws AppError FEATURE_NOT_AVAILABLE {feature} */
export async function requireFeature(ctx: Ctx, tenantId: number, feature: SwitchFeature): Promise<void> {
  if (!hasFeature(await getEntitlements(ctx, tenantId), feature)) throw new AppError("FEATURE_NOT_AVAILABLE", "Your plan does not include this.", { extras: { feature, limit: 0, current: 0 } });
}
