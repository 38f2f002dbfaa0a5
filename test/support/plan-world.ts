import * as fc from "fast-check";
import { expect } from "vitest";
import { endGrace, followPlan, graceOf, GRACE_MS, scheduledTier, standingOf, type OpenRequest, type PlanFacts, type Reason, type SubscriptionState, type Trigger } from "../../src/fleet/downgrades/downgrades.core";
import { activeOf, afterMoves, chooseKept, chooseReturning, fittingOf, overCap, parkedOf, roomFor, type Caps, type Holding, type PickFeature } from "../../src/fleet/holdings/holdings.core";
import { afterChange } from "../../src/fleet/upgrades/upgrades.core";

const DAY = 86_400_000;
export const NOW = Date.UTC(2028, 1, 28, 23, 59);
export const NOBODY = { planKey: null, trialEndsAt: 0 };
export const PLANS: readonly PlanFacts[] = [
  { id: 1, key: "free", tier: 0 },
  { id: 2, key: "solo", tier: 2 },
  { id: 3, key: "pro", tier: 3 },
  { id: 4, key: "team", tier: 4 },
];
const CAPS: Readonly<Record<number, Caps>> = {
  1: { multiple_openclaw_instances: 1, max_bots: 2, max_bot_shares: 0 },
  2: { multiple_openclaw_instances: 2, max_bots: 3, max_bot_shares: 2 },
  3: { multiple_openclaw_instances: 4, max_bots: 5, max_bot_shares: 4 },
  4: { multiple_openclaw_instances: null, max_bots: null, max_bot_shares: null },
};
export const capsOf = (planId: number): Caps => CAPS[planId] ?? { multiple_openclaw_instances: 0, max_bots: 0, max_bot_shares: 0 };
export const planOf = (id: number): PlanFacts => PLANS.find((plan) => plan.id === id) ?? { id: 1, key: "free", tier: 0 };
export const subscription = (fields: Partial<SubscriptionState> = {}): SubscriptionState => ({
  planId: 3,
  source: "stripe",
  status: "active",
  currentPeriodEnd: null,
  graceUntil: null,
  cancelAtPeriodEnd: false,
  pendingPlanId: null,
  pendingChangeAt: null,
  createdAt: NOW,
  ...fields,
});
export const bot = (id: string, fields: Partial<Holding> = {}): Holding => ({ id, feature: "max_bots", label: id, instanceId: null, botMatrixId: `@${id}:x`, botId: id, createdAt: 1, lastSeenAt: null, parkedAt: null, ...fields });

/** A small world: one person, and everything that can happen, in the product's own decisions. */
interface ModelRequest extends OpenRequest {
  readonly id: number;
  readonly toPlanId: number;
  readonly resolved: string | null;
}
type ModelSubscription = SubscriptionState & { readonly id: number; readonly request: number | null; readonly before: SubscriptionState["status"] | null };
type Event =
  | { readonly kind: "buy" | "schedule" | "admin_down" | "force_down" | "admin_up"; readonly plan: number }
  | { readonly kind: "fail" | "recover" | "refund" | "unschedule" | "period_end" | "admin_cancel" | "dismiss" | "tick" | "retell" }
  | { readonly kind: "pass"; readonly days: number }
  | { readonly kind: "create" | "resolve" | "bring_back"; readonly feature: number; readonly pick: number };

export const FEATURES: readonly PickFeature[] = ["multiple_openclaw_instances", "max_bots", "max_bot_shares"];

export class World {
  now = NOW;
  serial = 0;
  holdings: Holding[] = [];
  subscriptions: ModelSubscription[] = [];
  requests: ModelRequest[] = [];
  upgrade: { readonly toPlanId: number; readonly cause: number } | null = null;
  readonly causes = new Set<number>();
  told: { readonly from: PlanFacts; readonly trigger: Trigger; readonly cause: number } | null = null;

  standing = () => standingOf(PLANS, NOBODY, this.subscriptions, this.now);
  open = (): ModelRequest | null => this.requests.find(({ resolved }) => resolved === null) ?? null;
  #update(id: number, changes: Partial<ModelRequest>): void {
    this.requests = this.requests.map((one) => (one.id === id ? { ...one, ...changes } : one));
  }
  #move(park: readonly Holding[], comeBack: readonly Holding[], caps: Caps): void {
    this.holdings = afterMoves(this.holdings, { park, comeBack }, this.now);
    // Nothing comes back beyond a cap.
    for (const { feature } of comeBack) expect(roomFor(this.holdings, caps, feature)).toBeGreaterThanOrEqual(0);
  }
  #subscribe(planId: number, source: SubscriptionState["source"], request: number | null = null): void {
    this.serial += 1;
    this.subscriptions = [...this.subscriptions, { ...subscription({ planId, source, createdAt: this.now, currentPeriodEnd: this.now + 30 * DAY }), id: this.serial, request, before: null }];
  }
  #lower(planId: number, request: number | null): void {
    this.subscriptions = this.subscriptions.map((one) => (["active", "past_due", "grace", "trialing"].includes(one.status) ? { ...one, before: one.status, status: "canceled", request } : one));
    this.#subscribe(planId, "admin_override", request);
  }
  #stripe(change: Partial<SubscriptionState>): void {
    this.subscriptions = this.subscriptions.map((one) => (one.source === "stripe" && (one.status === "active" || one.status === "past_due") ? { ...one, ...change } : one));
  }
  #request(to: PlanFacts, reason: Reason, lowersPlan: boolean, graceEndsAt: number): number {
    this.serial += 1;
    this.requests = [...this.requests, { id: this.serial, fromTier: this.standing().plan.tier, toTier: to.tier, toPlanId: to.id, reason, lowersPlan, graceEndsAt, createdAt: this.now, resolved: null }];
    this.upgrade = null;
    return this.serial;
  }

  /** The handler of `plan.changed`. */
  tell(from: PlanFacts, trigger: Trigger, cause = (this.serial += 1)): void {
    this.told = { from, trigger, cause };
    const standing = this.standing();
    const request = this.open();
    const caps = capsOf(standing.target.id);
    const followed = followPlan({ now: this.now, standing, scheduled: scheduledTier(PLANS, standing), trigger, open: request, holdings: this.holdings, caps });
    if (followed.kind === "open") this.#request(followed.to, followed.reason, false, followed.graceEndsAt);
    if (request && followed.kind === "retarget") this.#update(request.id, { toTier: followed.to.tier, toPlanId: followed.to.id, graceEndsAt: followed.graceEndsAt, lowersPlan: false });
    if (request && followed.kind === "close") {
      this.#update(request.id, { resolved: "re_upgraded" });
      this.#move([], fittingOf(this.holdings, caps, ({ parkedAt }) => parkedAt !== null && parkedAt >= request.createdAt), caps);
    }
    const fromTier = Math.min(from.tier, followed.kind === "close" && request ? request.toTier : Infinity);
    const next = afterChange({ fromTier, toTier: standing.target.tier, openTier: this.upgrade ? planOf(this.upgrade.toPlanId).tier : null, downgradeOpen: this.open() !== null, known: this.causes.has(cause), holdings: this.holdings });
    if (next.kind === "open") {
      this.upgrade = { toPlanId: standing.target.id, cause };
      this.causes.add(cause);
    }
    if (next.kind === "retarget") this.upgrade = { toPlanId: standing.target.id, cause };
    if (next.kind === "dismiss") this.upgrade = null;
  }

  creationCaps(): Caps {
    const { plan } = this.standing();
    const request = this.open();
    return capsOf(request && request.toTier < plan.tier ? request.toPlanId : plan.id);
  }

  /** The minute's cron and the hour's: ends of grace, and whoever is over capacity without a request. */
  tick(): void {
    this.tell(this.standing().plan, "sweep");
    const request = this.open();
    if (!request) return;
    const caps = capsOf(request.toPlanId);
    const end = endGrace(request, this.standing(), this.holdings, caps, this.now);
    if (end.kind === "wait") this.#update(request.id, { graceEndsAt: end.until });
    if (end.kind !== "resolve") return;
    expect(this.now).toBeGreaterThanOrEqual(request.graceEndsAt);
    this.#update(request.id, { resolved: "auto_resolved" });
    this.#move(end.park, [], caps);
    const from = this.standing().plan;
    if (request.lowersPlan) this.#lower(request.toPlanId, request.id);
    this.tell(from, "admin");
  }

  run(event: Event): void {
    const from = this.standing().plan;
    switch (event.kind) {
      case "buy":
        this.#stripe({ status: "canceled" });
        this.#subscribe(event.plan, "stripe");
        return this.tell(from, "stripe");
      case "schedule": {
        const { subscription: row, plan } = this.standing();
        const to = planOf(event.plan);
        if (this.open() || to.tier >= plan.tier) return;
        const atProvider = row?.source === "stripe" && row.status === "active";
        if (row?.source === "stripe" && !atProvider) return;
        if (atProvider) this.#stripe({ pendingPlanId: to.id, pendingChangeAt: row.currentPeriodEnd });
        if (overCap(this.holdings, capsOf(to.id)).length > 0) this.#request(to, "user_manual", !atProvider, graceOf(this.standing().subscription, this.now));
        else if (!atProvider) this.#lower(to.id, null);
        return this.tell(from, "user");
      }
      case "unschedule":
        this.#stripe({ pendingPlanId: null, pendingChangeAt: null });
        return this.tell(from, "user");
      case "period_end": {
        const row = this.subscriptions.find(({ source, status, pendingPlanId }) => source === "stripe" && status === "active" && pendingPlanId !== null);
        if (!row?.pendingPlanId) return;
        this.now = Math.max(this.now, row.pendingChangeAt ?? 0);
        this.#stripe({ planId: row.pendingPlanId, pendingPlanId: null, pendingChangeAt: null, currentPeriodEnd: this.now + 30 * DAY });
        return this.tell(from, "period_end");
      }
      case "fail":
        this.subscriptions = this.subscriptions.map((one) => (one.source === "stripe" && one.status === "active" ? { ...one, status: "past_due", graceUntil: this.now + GRACE_MS } : one));
        return this.tell(from, "payment_failed");
      case "recover":
        this.subscriptions = this.subscriptions.map((one) => (one.source === "stripe" && one.status === "past_due" ? { ...one, status: "active", graceUntil: null } : one));
        return this.tell(from, "stripe");
      case "refund":
        this.#stripe({ status: "canceled" });
        return this.tell(from, "stripe");
      case "admin_down":
      case "force_down": {
        const to = planOf(event.plan);
        if (this.open() || to.tier >= from.tier) return;
        const force = event.kind === "force_down";
        const tooMuch = overCap(this.holdings, capsOf(to.id)).length > 0;
        const request = tooMuch ? this.#request(to, "admin_manual", !force, force ? this.now : this.now + GRACE_MS) : null;
        if (force) this.#lower(to.id, request);
        return this.tell(from, "admin");
      }
      case "admin_up":
        if (planOf(event.plan).tier <= from.tier) return;
        this.#subscribe(event.plan, "admin_override");
        return this.tell(from, "admin");
      case "admin_cancel": {
        const request = this.requests.at(-1);
        if (!request) return;
        this.requests = this.requests.filter(({ id }) => id !== request.id);
        this.subscriptions = this.subscriptions
          .filter((one) => !(one.source === "admin_override" && one.request === request.id && one.before === null))
          .map((one) => (one.request === request.id && one.before !== null ? { ...one, status: one.status === "canceled" ? one.before : one.status, before: null, request: null } : one));
        const other = this.open();
        const caps = capsOf(other?.toPlanId ?? this.standing().plan.id);
        this.#move([], fittingOf(this.holdings, caps, () => true), caps);
        return this.tell(from, "admin");
      }
      case "create": {
        const feature = FEATURES[event.feature % 3] ?? "max_bots";
        const bots = activeOf(this.holdings, "max_bots");
        const botId = feature === "max_bot_shares" ? (bots[event.pick % Math.max(1, bots.length)]?.id ?? null) : null;
        if (roomFor(this.holdings, this.creationCaps(), feature) < 1 || (feature === "max_bot_shares" && botId === null)) return;
        this.serial += 1;
        this.holdings = [...this.holdings, bot(String(this.serial), { feature, botId, createdAt: this.now, lastSeenAt: event.pick % 2 ? this.now : null })];
        return;
      }
      case "resolve": {
        const request = this.open();
        if (!request) return;
        const caps = capsOf(request.toPlanId);
        const [feature] = overCap(this.holdings, caps);
        if (!feature) return;
        const keep = activeOf(this.holdings, feature).slice(event.pick % 3, (event.pick % 3) + (caps[feature] ?? 0)).map(({ id }) => id);
        const choice = chooseKept(this.holdings, feature, caps[feature], keep, request.createdAt);
        if (choice.kind !== "ok") throw new Error(choice.kind);
        this.#move(choice.park, choice.comeBack, caps);
        if (overCap(this.holdings, caps).length > 0) return;
        this.#update(request.id, { resolved: "user_resolved" });
        if (request.lowersPlan) this.#lower(request.toPlanId, request.id);
        return this.tell(from, "admin");
      }
      case "bring_back": {
        if (!this.upgrade) return;
        const feature = FEATURES[event.feature % 3] ?? "max_bots";
        const ids = parkedOf(this.holdings, feature).slice(0, 1 + (event.pick % 4)).map(({ id }) => id);
        const caps = this.creationCaps();
        const choice = chooseReturning(this.holdings, feature, caps[feature], ids);
        if (choice.kind === "ok") this.#move([], choice.comeBack, caps);
        return;
      }
      case "dismiss":
        this.upgrade = null;
        return;
      case "pass":
        this.now += event.days * DAY;
        return this.tick();
      case "tick":
        return this.tick();
      case "retell":
        if (this.told) this.tell(this.told.from, this.told.trigger, this.told.cause);
        return;
    }
  }
}

export const anEvent: fc.Arbitrary<Event> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("create" as const), feature: fc.nat(2), pick: fc.nat(9) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom("buy" as const, "schedule" as const, "admin_down" as const, "force_down" as const, "admin_up" as const), plan: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom("fail" as const, "recover" as const, "refund" as const, "unschedule" as const, "period_end" as const, "admin_cancel" as const, "dismiss" as const, "tick" as const, "retell" as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("pass" as const), days: fc.constantFrom(1, 6, 7, 31) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom("resolve" as const, "bring_back" as const), feature: fc.nat(2), pick: fc.nat(9) }) },
);
