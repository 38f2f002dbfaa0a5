import { MINUTE_MS } from "../../kernel/clock";
import type { Ctx } from "../../kernel/context";
import { effectiveSubscription, readFeature, type CountedFeature, type FeatureValue, type SubscriptionStatus, type SwitchFeature } from "./plans.core";
import { readCatalogue, readStandings, type Catalogue, type Plan, type Standing, type Subscription } from "./plans.store";

/** Why somebody is on their plan. */
export type EntitlementSource = "stripe" | "apple" | "admin_override" | "trial" | "operator" | "free";

/** What somebody may do now. */
export interface Entitlements {
  readonly plan: Plan;
  readonly source: EntitlementSource;
  /** The subscription that decides; null for the trial, an operator's gift and the free plan. */
  readonly subscription: Subscription | null;
  /** When the trial ends or ended, ms. */
  readonly trialEndsAt: number;
  readonly features: ReadonlyMap<string, FeatureValue>;
  /** What new things must obey: while a downgrade is open, the plan that it leads to. What is there already keeps its grace. */
  readonly creation: ReadonlyMap<string, FeatureValue>;
}

interface Cached<T> {
  readonly value: T;
  readonly until: number;
}

/** How long this isolate believes what it read. Writes here forget at once; other isolates follow within this time. */
const CACHE_MS = MINUTE_MS;
const PEOPLE_MAX = 5_000;
let catalogue: Cached<Catalogue> | null = null;
const people = new Map<number, Cached<Entitlements>>();
/** Counts what was forgotten: a reading that began before a write must not be kept after it. */
let forgotten = 0;

/** Forgets what is cached about one person, or (null) about everybody and the catalogue. Whoever writes calls it after the commit. */
export function forgetEntitlements(tenantId: number | null): void {
  forgotten++;
  if (tenantId !== null) {
    people.delete(tenantId);
    return;
  }
  people.clear();
  catalogue = null;
}

/** Not older than the cache's time, and not from a future that a moved clock has left. */
const isFresh = (cached: Cached<unknown> | null | undefined, now: number): boolean => cached != null && cached.until > now && cached.until <= now + CACHE_MS;

/** Plans, features and values, as of at most a minute ago; `fresh` asks D1. */
export async function getCatalogue(ctx: Ctx, { fresh = false } = {}): Promise<Catalogue> {
  const now = ctx.clock.now();
  if (!fresh && catalogue !== null && isFresh(catalogue, now)) return catalogue.value;
  const before = forgotten;
  const value = await readCatalogue(ctx);
  if (forgotten === before) catalogue = { value, until: now + CACHE_MS };
  return value;
}

/** Somebody's plan and its features, as of at most a minute ago; `fresh` asks D1. */
export async function getEntitlements(ctx: Ctx, tenantId: number, { fresh = false } = {}): Promise<Entitlements> {
  const now = ctx.clock.now();
  const cached = people.get(tenantId);
  if (!fresh && cached && isFresh(cached, now)) return cached.value;
  const before = forgotten;
  const [known, standings] = await Promise.all([getCatalogue(ctx, { fresh }), readStandings(ctx, [tenantId])]);
  const value = entitle(known, standings.get(tenantId) ?? NOBODY, now);
  if (forgotten === before) {
    if (people.size >= PEOPLE_MAX) people.clear();
    people.set(tenantId, { value, until: Math.min(now + CACHE_MS, nextChange(value, now)) });
  }
  return value;
}

/** Those of many people, read at once and cached nowhere: for lists of administrators. */
export async function listEntitlements(ctx: Ctx, tenantIds: readonly number[]): Promise<ReadonlyMap<number, Entitlements>> {
  const [known, standings] = await Promise.all([getCatalogue(ctx), readStandings(ctx, tenantIds)]);
  const now = ctx.clock.now();
  return new Map(tenantIds.map((id) => [id, entitle(known, standings.get(id) ?? NOBODY, now)]));
}

/** The trial and a grace end by themselves: nothing cached outlives them. */
function nextChange({ trialEndsAt, subscription }: Entitlements, now: number): number {
  const times = [trialEndsAt, subscription?.graceUntil ?? null].filter((at): at is number => at !== null && at > now);
  return Math.min(...times, Number.MAX_SAFE_INTEGER);
}

const NOBODY: Standing = { planKey: null, trialEndsAt: 0, subscriptions: [], downgradeToPlanId: null };

/** What follows from what is known about somebody. Pure. */
export function entitle({ plans, features, values }: Catalogue, { planKey, trialEndsAt, subscriptions, downgradeToPlanId }: Standing, now: number): Entitlements {
  const byKey = (key: string): Plan | undefined => plans.find((plan) => plan.key === key);
  const free = byKey("free");
  if (!free) throw new Error("the catalogue has no plan `free`");
  const subscription = effectiveSubscription(subscriptions, now);
  const subscribed = subscription && plans.find((plan) => plan.id === subscription.planId);
  const given = planKey ? byKey(planKey) : undefined;
  const trial = trialEndsAt > now ? byKey("free_trial") : undefined;
  const [plan, source]: [Plan, EntitlementSource] = subscribed ? [subscribed, subscription.source] : given ? [given, "operator"] : trial ? [trial, "trial"] : [free, "free"];
  const downgradeTo = plans.find((one) => one.id === downgradeToPlanId);
  const creationPlan = downgradeTo && downgradeTo.tier < plan.tier ? downgradeTo : plan;
  return { plan, source, subscription: subscribed ? subscription : null, trialEndsAt, features: featuresOf(plan, features, values), creation: featuresOf(creationPlan, features, values) };
}

/** A plan's value of every feature; what it does not name has the feature's default. */
export function featuresOf(plan: Plan, features: Catalogue["features"], values: Catalogue["values"]): Map<string, FeatureValue> {
  const own = new Map(values.filter((one) => one.planId === plan.id).map((one) => [one.featureId, one.value]));
  return new Map(features.map((feature) => [feature.key, readFeature(feature.featureType, own.get(feature.id) ?? feature.defaultValue)]));
}

/** The cap of something that is counted; null: none. */
export function limitOf(entitlements: Pick<Entitlements, "features">, feature: CountedFeature): number | null {
  const value = entitlements.features.get(feature);
  return value === null ? null : typeof value === "number" ? value : 0;
}

export const hasFeature = (entitlements: Pick<Entitlements, "features">, feature: SwitchFeature): boolean => entitlements.features.get(feature) === true;

/** Somebody's plan in the words of profiles: its key, how it stands, and when it ends or is due again (null: never), ms. */
export function standingOf({ plan, source, subscription, trialEndsAt }: Entitlements): { readonly plan: string; readonly status: SubscriptionStatus | "free"; readonly endsAt: number | null } {
  if (subscription) return { plan: plan.key, status: subscription.status, endsAt: subscription.graceUntil ?? subscription.currentPeriodEnd };
  if (source === "trial") return { plan: plan.key, status: "trialing", endsAt: trialEndsAt };
  return { plan: plan.key, status: source === "free" ? "free" : "active", endsAt: null };
}
