import { DAY_MS, HOUR_MS } from "../../kernel/clock";
import { excessOf, overCap, type Caps, type Holding, type PickFeature } from "../holdings";
import { effectiveSubscription, type Subscription } from "../plans";

/**
 * How a plan goes down: open (grace running) → open (grace ended) → resolved. Pure: what is decided, from what is there now. Deciding
 * twice, or late, or in another order, ends the same, since only the present state counts.
 */

/** How long nothing is taken away. */
export const GRACE_MS = 7 * DAY_MS;
/** How long to wait for a provider that has not lowered the plan yet. */
export const WAIT_FOR_PROVIDER_MS = HOUR_MS;

export type Reason = "payment_failure" | "user_manual" | "admin_manual";
/** What told of a change of plan; see docs/design/billing.md. */
export const TRIGGERS = ["stripe", "apple", "admin", "payment_failed", "period_end", "grace_end", "user", "sweep"] as const;
export type Trigger = (typeof TRIGGERS)[number];

export interface PlanFacts {
  readonly id: number;
  readonly key: string;
  readonly tier: number;
}

export type SubscriptionState = Pick<Subscription, "planId" | "source" | "status" | "currentPeriodEnd" | "graceUntil" | "cancelAtPeriodEnd" | "pendingPlanId" | "pendingChangeAt" | "createdAt">;

export interface OpenRequest {
  readonly fromTier: number;
  readonly toTier: number;
  readonly reason: Reason;
  readonly lowersPlan: boolean;
  readonly graceEndsAt: number;
  readonly createdAt: number;
}

/** Whose plan it is and why. */
export interface Standing<S extends SubscriptionState = SubscriptionState> {
  readonly plan: PlanFacts;
  /** What decides it; null for a trial, an operator's gift and the free plan. */
  readonly subscription: S | null;
  /** What is left when a payment that failed is not made up for: the plan itself unless one failed. */
  readonly target: PlanFacts;
  /** Until when a failed payment costs nothing, ms; null when none failed. */
  readonly failingUntil: number | null;
}

interface Person {
  readonly planKey: string | null;
  readonly trialEndsAt: number;
}

/** The plan in force, by the order of docs/design/billing.md. */
export function standingOf<S extends SubscriptionState>(plans: readonly PlanFacts[], person: Person, subscriptions: readonly S[], now: number): Standing<S> {
  const planOf = (rows: readonly S[]): { readonly plan: PlanFacts; readonly subscription: S | null } => {
    const subscription = effectiveSubscription(rows, now);
    const paid = subscription && plans.find(({ id }) => id === subscription.planId);
    if (paid) return { plan: paid, subscription };
    const key = [person.planKey, person.trialEndsAt > now ? "free_trial" : null, "free"].find((one) => one !== null && plans.some((plan) => plan.key === one));
    const plan = plans.find((one) => one.key === key);
    if (!plan) throw new Error("the catalogue has no plan `free`");
    return { plan, subscription: null };
  };
  const { plan, subscription } = planOf(subscriptions);
  const failing = subscription !== null && (subscription.status === "past_due" || subscription.status === "grace");
  if (!failing) return { plan, subscription, target: plan, failingUntil: null };
  const rest = planOf(subscriptions.filter(({ status }) => status !== "past_due" && status !== "grace")).plan;
  return { plan, subscription, target: rest.tier < plan.tier ? rest : plan, failingUntil: subscription.graceUntil ?? now + GRACE_MS };
}

/** The tier that the provider is going to lower the plan to; null: nothing is under way. */
export function scheduledTier(plans: readonly PlanFacts[], { subscription }: Standing): number | null {
  if (!subscription) return null;
  if (subscription.cancelAtPeriodEnd) return plans.find(({ key }) => key === "free")?.tier ?? 0;
  return plans.find(({ id }) => id === subscription.pendingPlanId)?.tier ?? null;
}

/** Whether an open request has lost its ground: the plan is higher than where it leads, and nothing is under way that would lower it. */
export function isOvertaken(open: OpenRequest, standing: Standing, scheduled: number | null): boolean {
  const { plan, target, subscription } = standing;
  if (target.tier <= open.toTier) return false;
  // Until we lower the plan ourselves it stands above on purpose, unless somebody raised it or bought it since.
  if (open.lowersPlan) return plan.tier > open.fromTier || (subscription !== null && subscription.createdAt > open.createdAt);
  return scheduled === null || scheduled > open.toTier;
}

/** What a request becomes. */
export type Followed =
  | { readonly kind: "nothing" }
  /** The plan carries everything again, or more than the request says. */
  | { readonly kind: "close" }
  /** The plan fell further than the request leads. */
  | { readonly kind: "retarget"; readonly to: PlanFacts; readonly graceEndsAt: number }
  | { readonly kind: "open"; readonly to: PlanFacts; readonly reason: Reason; readonly graceEndsAt: number };

interface FollowInput {
  readonly now: number;
  readonly standing: Standing;
  readonly scheduled: number | null;
  readonly trigger: Trigger;
  readonly open: OpenRequest | null;
  readonly holdings: readonly Holding[];
  /** Caps of `standing.target`. */
  readonly caps: Caps;
}

/** What the present state asks for: nobody has more than the plan carries without a request that says so. */
export function followPlan({ now, standing, scheduled, trigger, open, holdings, caps }: FollowInput): Followed {
  const { target, failingUntil } = standing;
  const graceEndsAt = failingUntil ?? now + GRACE_MS;
  if (open) {
    if (isOvertaken(open, standing, scheduled)) return { kind: "close" };
    if (target.tier < open.toTier) return { kind: "retarget", to: target, graceEndsAt: Math.max(open.graceEndsAt, graceEndsAt) };
    return { kind: "nothing" };
  }
  if (overCap(holdings, caps).length === 0) return { kind: "nothing" };
  const failed = failingUntil !== null || trigger === "payment_failed" || trigger === "grace_end";
  return { kind: "open", to: target, reason: failed ? "payment_failure" : trigger === "admin" ? "admin_manual" : "user_manual", graceEndsAt };
}

/** Features that a request asks about: those over their caps, and those that were chosen already. */
export const askedFeatures = (holdings: readonly Holding[], caps: Caps, resolved: readonly string[]): PickFeature[] => {
  const over = overCap(holdings, caps);
  return (Object.keys(caps) as PickFeature[]).filter((feature) => over.includes(feature) || resolved.includes(feature));
};

export type GraceEnd = { readonly kind: "early" } | { readonly kind: "wait"; readonly until: number } | { readonly kind: "resolve"; readonly park: readonly Holding[] };

/** What happens when a grace is over. Never before; and not while a provider still carries the plan, for whoever pays keeps what is paid for. */
export function endGrace(open: OpenRequest, standing: Standing, holdings: readonly Holding[], caps: Caps, now: number): GraceEnd {
  if (now < open.graceEndsAt) return { kind: "early" };
  if (!open.lowersPlan && standing.plan.tier > open.toTier) {
    return { kind: "wait", until: Math.max(now + WAIT_FOR_PROVIDER_MS, standing.failingUntil ?? 0, standing.subscription?.pendingChangeAt ?? 0) };
  }
  return { kind: "resolve", park: excessOf(holdings, caps) };
}

/** When the grace of a downgrade ends that somebody asks for now: in a week, and not before what is paid for is over. */
export function graceOf(subscription: SubscriptionState | null, now: number): number {
  const paidUntil = subscription?.source === "stripe" ? (subscription.pendingChangeAt ?? subscription.currentPeriodEnd ?? 0) : 0;
  return Math.max(now + GRACE_MS, paidUntil);
}
