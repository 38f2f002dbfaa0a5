import { z } from "zod";
import { iso, isoOrNull } from "../../kernel/clock";
import { shownUsername } from "../accounts";
import { activeOf, KIND, parkedOf, type Caps, type Holding, type PickFeature } from "../holdings";
import type { Plan as PlanRecord } from "../plans";
import { askedFeatures } from "./downgrades.core";
import type { DowngradeRow } from "./downgrades.store";
import type { OverCapacityRow } from "./over-capacity.store";

const ToPlan = z.string().min(1).max(64);
const ItemId = z.string().min(1).max(255);

export const ManualDowngradeBody = z.object({ to_plan: ToPlan.describe("Name of the plan to downgrade to (e.g. 'free', 'solo')") }).meta({ id: "ManualDowngradeRequest" });

export const AdminManualDowngradeBody = z
  .object({ to_plan: ToPlan, force_immediate: z.boolean().default(false).describe("No grace: the plan is lowered at once.") })
  .meta({ id: "AdminManualDowngradeRequest" });

export const AdminManualUpgradeBody = z.object({ to_plan: ToPlan }).meta({ id: "AdminManualUpgradeRequest" });

export const ResolveDowngradeBody = z
  .object({
    feature: z.string().max(64).default("multiple_openclaw_instances").describe("What is chosen of."),
    keep_ids: z.array(ItemId).max(1_000).default([]).describe("What stays; everything else of the feature is disabled."),
  })
  .meta({ id: "ResolveDowngradeRequest" });

export const DowngradeRef = z.object({ request_id: z.string().min(1).max(64) });
export const UserRef = z.object({ user_id: z.coerce.number().int() });
export const UserDowngradeRef = z.object({ user_id: z.coerce.number().int(), request_id: z.string().min(1).max(64) });

const DowngradeItemView = z
  .object({ id: z.string(), kind: z.string(), label: z.string().nullable(), instance_id: z.string().nullable(), bot_user_id: z.string().nullable(), last_seen: z.string().nullable() })
  .meta({ id: "DowngradeItem" });

const FeatureStateView = z
  .object({ feature: z.string(), limit: z.int(), current_count: z.int(), items: z.array(DowngradeItemView), resolved: z.boolean() })
  .meta({ id: "FeatureDowngradeState" });

export const ActiveDowngradeView = z
  .object({
    request_id: z.string(),
    from_plan: z.string(),
    to_plan: z.string(),
    reason: z.string(),
    initiated_at: z.string().nullable(),
    grace_ends_at: z.string().describe("Until then nothing is disabled that was not chosen."),
    grace_ended_at: z.string().nullable(),
    features: z.array(FeatureStateView),
    feature: z.string().nullable().describe("With the three below: the first of `features`, for old clients."),
    limit: z.int().nullable(),
    current_count: z.int().nullable(),
    items: z.array(DowngradeItemView),
  })
  .meta({ id: "ActiveDowngradeResponse" });
export const MaybeActiveDowngradeView = ActiveDowngradeView.nullable();

export const ResolvedDowngradeView = z
  .object({
    request_id: z.string(),
    resolved_at: z.iso.datetime().nullable(),
    resolution: z.string().nullable(),
    feature: z.string(),
    kept: z.array(z.string()),
    disabled: z.array(z.string()),
    remaining_features_over_cap: z.array(z.string()),
  })
  .meta({ id: "ResolveDowngradeResponse" });

export const CancelledDowngradeView = z
  .object({
    ok: z.boolean(),
    request_id: z.string(),
    plan: z.string().describe("The plan in force from now on."),
    reenabled_bots: z.array(z.string()),
    reenabled_instances: z.array(z.string()),
    still_disabled: z.array(z.string()).describe("What the plan in force does not carry either."),
  })
  .meta({ id: "CancelledDowngrade" });

export const RaisedPlanView = z
  .object({ ok: z.boolean(), user_id: z.int(), from_plan: z.string(), to_plan: z.string(), re_upgraded_request_id: z.string().nullable(), upgrade_request_id: z.string().nullable() })
  .meta({ id: "RaisedPlan" });

export const ListDowngradesQuery = z.object({
  status: z.enum(["all", "open", "resolved"]).default("all"),
  reason: z.enum(["payment_failure", "user_manual"]).optional(),
  page: z.coerce.number().int().min(1).max(1_000_000).default(1),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});

const DowngradeRecordView = z
  .object({
    id: z.string(),
    user_id: z.int(),
    email: z.string().nullable(),
    username: z.string().nullable(),
    from_plan: z.string(),
    to_plan: z.string(),
    reason: z.string(),
    forced: z.boolean(),
    initiated_by: z.int().nullable(),
    initiated_at: z.iso.datetime(),
    grace_ends_at: z.iso.datetime(),
    grace_ended_at: z.iso.datetime().nullable(),
    resolved_features: z.array(z.string()),
    resolved_at: z.iso.datetime().nullable(),
    resolution: z.string().nullable(),
    resolved_by_admin_id: z.int().nullable(),
  })
  .meta({ id: "DowngradeRequestRecord" });

export const DowngradeListView = z.object({ items: z.array(DowngradeRecordView), total: z.int(), page: z.int(), limit: z.int() }).meta({ id: "DowngradeRequestList" });

export const OverCapacityQuery = z.object({ limit: z.coerce.number().int().min(1).max(500).default(200), after: z.string().regex(/^\d{1,15}:[a-z0-9_]{1,64}$/).optional().describe("`next` of the page before.") });

const OverCapacityItemView = z
  .object({
    user_id: z.int(),
    email: z.string(),
    username: z.string(),
    plan: z.string().describe("Whose cap it is: the plan in force, or the lower one that an open request leads to."),
    feature: z.string(),
    limit: z.int(),
    current_count: z.int(),
    active_request_id: z.string().nullable(),
  })
  .meta({ id: "OverCapacityItem" });

export const OverCapacityView = z.object({ items: z.array(OverCapacityItemView), next: z.string().nullable().describe("Ask for more with `after`; null: that was all.") }).meta({ id: "OverCapacityReport" });

const toItem = (holding: Holding): z.output<typeof DowngradeItemView> => ({
  id: holding.id,
  kind: KIND[holding.feature],
  label: holding.label,
  instance_id: holding.instanceId,
  bot_user_id: holding.botMatrixId,
  last_seen: isoOrNull(holding.lastSeenAt),
});

export const planName = (plans: readonly PlanRecord[], id: number): string => plans.find((plan) => plan.id === id)?.key ?? "unknown";

/** What may be chosen of one feature: what is in use, and what was parked since the request began. */
export const choosable = (holdings: readonly Holding[], feature: PickFeature, since: number): Holding[] => [
  ...activeOf(holdings, feature),
  ...parkedOf(holdings, feature).filter(({ parkedAt }) => parkedAt !== null && parkedAt >= since),
];

export function toActiveDowngrade(row: DowngradeRow, plans: readonly PlanRecord[], holdings: readonly Holding[], caps: Caps): z.output<typeof ActiveDowngradeView> {
  const features = askedFeatures(holdings, caps, row.resolvedFeatures).map((feature) => ({
    feature,
    limit: caps[feature] ?? -1,
    current_count: activeOf(holdings, feature).length,
    items: choosable(holdings, feature, row.createdAt).map(toItem),
    resolved: row.resolvedFeatures.includes(feature),
  }));
  const [first] = features;
  return {
    request_id: row.id,
    from_plan: planName(plans, row.fromPlanId),
    to_plan: planName(plans, row.toPlanId),
    reason: row.reason,
    initiated_at: iso(row.createdAt),
    grace_ends_at: iso(row.graceEndsAt),
    grace_ended_at: isoOrNull(row.graceEndedAt),
    features,
    feature: first?.feature ?? null,
    limit: first?.limit ?? null,
    current_count: first?.current_count ?? null,
    items: first?.items ?? [],
  };
}

export const toDowngradeRecord = (row: DowngradeRow, person: { readonly email: string | null; readonly username: string | null }, plans: readonly PlanRecord[]): z.output<typeof DowngradeRecordView> => ({
  id: row.id,
  user_id: row.tenantId,
  ...person,
  from_plan: planName(plans, row.fromPlanId),
  to_plan: planName(plans, row.toPlanId),
  reason: row.reason,
  forced: row.forced,
  initiated_by: row.initiatedBy,
  initiated_at: iso(row.createdAt),
  grace_ends_at: iso(row.graceEndsAt),
  grace_ended_at: isoOrNull(row.graceEndedAt),
  resolved_features: [...row.resolvedFeatures],
  resolved_at: isoOrNull(row.resolvedAt),
  resolution: row.resolution,
  resolved_by_admin_id: row.resolvedByAdminId,
});

export const toOverCapacityItem = ({ count, cap, ...row }: OverCapacityRow): z.output<typeof OverCapacityItemView> => ({ ...row, username: shownUsername(row) ?? "", limit: cap, current_count: count });
