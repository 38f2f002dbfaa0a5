import { AppError } from "../../kernel/errors/app-error";

/** What a plan counts, by the name that apps know it under. */
export type CountedFeature = "multiple_openclaw_instances" | "max_bots" | "max_bot_shares";

const THINGS: Readonly<Record<CountedFeature, readonly [string, string]>> = {
  multiple_openclaw_instances: ["machine", "machines"],
  max_bots: ["bot", "bots"],
  max_bot_shares: ["share", "shares"],
};

/** @throws AppError PLAN_LIMIT when one more would exceed `limit` (null: no cap) */
export function requireRoomInPlan(feature: CountedFeature, limit: number | null, current: number): void {
  if (limit === null || current < limit) return;
  const [one, many] = THINGS[feature];
  throw new AppError("PLAN_LIMIT", `Your plan allows ${limit} ${limit === 1 ? one : many}; remove one or change the plan.`, { extras: { feature, limit, current } });
}

/** @throws AppError FEATURE_NOT_AVAILABLE */
export function requireFeature(feature: string, available: boolean): void {
  if (!available) throw new AppError("FEATURE_NOT_AVAILABLE", "Your plan does not include this.", { extras: { feature, limit: 0, current: 0 } });
}
