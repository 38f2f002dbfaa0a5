import { z } from "zod";
import { iso, isoOrNull } from "../../kernel/clock";
import { activeOf, KIND, parkedOf, PICK_FEATURES, type Caps, type Holding } from "../holdings";
import type { Plan as PlanRecord } from "../plans";
import type { UpgradeRow } from "./upgrades.store";

export const UpgradeRef = z.object({ request_id: z.string().min(1).max(64) });

export const ResolveUpgradeBody = z
  .object({ feature: z.string().max(64), reenable_ids: z.array(z.string().min(1).max(255)).max(1_000).default([]).describe("What comes back; the rest stays parked.") })
  .meta({ id: "ResolveUpgradeRequest" });

const UpgradeItemView = z
  .object({ id: z.string(), kind: z.string(), label: z.string().nullable(), parked_at: z.iso.datetime().nullable(), instance_id: z.string().nullable(), bot_user_id: z.string().nullable() })
  .meta({ id: "UpgradeItem" });

const UpgradeFeatureView = z
  .object({ feature: z.string(), new_limit: z.int().describe("-1: none."), currently_active: z.int(), parked_items: z.array(UpgradeItemView), resolved: z.boolean() })
  .meta({ id: "UpgradeFeatureState" });

const ActiveUpgradeView = z
  .object({ request_id: z.string(), from_plan: z.string(), to_plan: z.string(), trigger: z.string(), initiated_at: z.iso.datetime(), features: z.array(UpgradeFeatureView) })
  .meta({ id: "ActiveUpgradeResponse" });
export const MaybeActiveUpgradeView = ActiveUpgradeView.nullable();

const RepairedBotView = z.object({ bot_id: z.string(), bot_user_id: z.string(), pair_code: z.string(), expires_in: z.int().describe("Seconds.") }).meta({ id: "RepairedBot" });

export const ResolvedUpgradeView = z
  .object({
    request_id: z.string(),
    resolved_at: z.iso.datetime().nullable(),
    resolution: z.string().nullable(),
    feature: z.string(),
    reenabled: z.array(z.string()),
    remaining_features_with_parked: z.array(z.string()),
    repaired_bots: z.array(RepairedBotView).describe("Codes of bots that are back; one whose homeserver is slow gets its code a little later, in the list of pending pairs."),
  })
  .meta({ id: "ResolveUpgradeResponse" });

export const DismissedUpgradeView = z.object({ ok: z.boolean(), request_id: z.string(), resolution: z.string(), resolved_at: z.iso.datetime() }).meta({ id: "DismissedUpgrade" });

export function toActiveUpgrade(row: UpgradeRow, plans: readonly PlanRecord[], holdings: readonly Holding[], caps: Caps): z.output<typeof ActiveUpgradeView> {
  const name = (id: number): string => plans.find((plan) => plan.id === id)?.key ?? "unknown";
  return {
    request_id: row.id,
    from_plan: name(row.fromPlanId),
    to_plan: name(row.toPlanId),
    trigger: row.trigger,
    initiated_at: iso(row.createdAt),
    features: PICK_FEATURES.filter((feature) => parkedOf(holdings, feature).length > 0 || row.resolvedFeatures.includes(feature)).map((feature) => ({
      feature,
      new_limit: caps[feature] ?? -1,
      currently_active: activeOf(holdings, feature).length,
      parked_items: parkedOf(holdings, feature).map((one) => ({ id: one.id, kind: KIND[feature], label: one.label, parked_at: isoOrNull(one.parkedAt), instance_id: one.instanceId, bot_user_id: one.botMatrixId })),
      resolved: row.resolvedFeatures.includes(feature),
    })),
  };
}
