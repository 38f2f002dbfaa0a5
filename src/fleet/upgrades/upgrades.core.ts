import { parkedOf, PICK_FEATURES, type Holding, type PickFeature } from "../holdings";

/** How a plan goes up again: open → resolved (every feature was decided) or dismissed. No I/O, no clock. */

export type UpgradeTrigger = "stripe_upgrade" | "admin_upgrade" | "apple_upgrade";

/** How clients know a cause. */
export function upgradeTriggerOf(trigger: string, source: string | null): UpgradeTrigger {
  if (trigger === "admin" || source === "admin_override") return "admin_upgrade";
  return trigger === "apple" || source === "apple" ? "apple_upgrade" : "stripe_upgrade";
}

/** Features that still have something parked and were not decided. */
export const undecided = (holdings: readonly Holding[], resolved: readonly string[]): PickFeature[] => PICK_FEATURES.filter((feature) => !resolved.includes(feature) && parkedOf(holdings, feature).length > 0);

export type AfterUpgrade = { readonly kind: "open" } | { readonly kind: "retarget" } | { readonly kind: "dismiss" } | { readonly kind: "nothing" };

interface RisenInput {
  readonly fromTier: number;
  /** Tier of the plan that counts now. */
  readonly toTier: number;
  /** Tier that the open request names; null: none is open. */
  readonly openTier: number | null;
  /** Whether a downgrade is open after this change. */
  readonly downgradeOpen: boolean;
  /** The change was told before. */
  readonly known: boolean;
  /** What is there after whatever came back by itself. */
  readonly holdings: readonly Holding[];
}

/** What a change of plan means for the question what comes back. */
export function afterChange({ fromTier, toTier, openTier, downgradeOpen, known, holdings }: RisenInput): AfterUpgrade {
  if (openTier !== null) {
    // Nothing comes back while something has to go.
    if (downgradeOpen || toTier < openTier) return { kind: "dismiss" };
    return toTier > openTier ? { kind: "retarget" } : { kind: "nothing" };
  }
  const risen = toTier > fromTier && !downgradeOpen && !known;
  return risen && undecided(holdings, []).length > 0 ? { kind: "open" } : { kind: "nothing" };
}
