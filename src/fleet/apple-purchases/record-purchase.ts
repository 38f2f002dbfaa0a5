import type { Ctx } from "../../kernel/context";
import { isUniqueViolation, LostUpdateError, Plan, retryLostUpdate } from "../../kernel/db/client";
import { AppError } from "../../kernel/errors/app-error";
import { newUuid } from "../../kernel/ids/ids";
import { effectiveSubscription, forgetEntitlements, getCatalogue, getEntitlements, type Plan as SoldPlan } from "../plans";
import { afterTime, isLive, isOfThePast, isSameState, nextApplePurchase, triggerOf, type AppleState } from "./apple-purchases.core";
import { findByTransaction, findSubscriptionRow, insertSubscription, listSubscriptionRows, setPriceOfAccount, updateSubscription, type AppleSubscription } from "./apple-purchases.store";
import { askAgain, type KnownPurchase } from "./read-purchase";

/** A plan as it is sold in the App Store. */
export interface AppleOffer {
  readonly plan: SoldPlan;
  readonly interval: "month" | "year";
}

/** The plan that a product of the App Store stands for, sold still or no more. */
export async function findOffer(ctx: Ctx, productId: string): Promise<AppleOffer | null> {
  for (const plan of (await getCatalogue(ctx)).plans) {
    if (plan.appleProductId === productId) return { plan, interval: "month" };
    if (plan.appleProductIdYearly === productId) return { plan, interval: "year" };
  }
  return null;
}

/**
 * Records what Apple says about somebody's purchase, and makes its row if there is none.
 * @throws AppError PURCHASE_TAKEN when it is another account's
 */
export async function recordPurchase(ctx: Ctx, tenantId: number, offer: AppleOffer, known: KnownPurchase): Promise<AppleSubscription> {
  return retryLostUpdate(async () => {
    const row = await findByTransaction(ctx, known.purchase.originalTransactionId);
    if (row && row.tenantId !== tenantId) throw new AppError("PURCHASE_TAKEN", "This purchase belongs to another account.");
    if (row && isOfThePast(row, known.purchase)) return row;
    const next = nextApplePurchase(row, { ...known, planId: offer.plan.id }, ctx.clock.now());
    return row ? change(ctx, row, next, await intervalOf(ctx, next)) : insert(ctx, tenantId, known.purchase.originalTransactionId, next, offer.interval);
  });
}

/** The same for a purchase whose row is there; false when none is. A product of no plan leaves the plan as it is. */
export async function updatePurchase(ctx: Ctx, known: KnownPurchase): Promise<boolean> {
  const offer = await findOffer(ctx, known.purchase.productId);
  return retryLostUpdate(async () => {
    const row = await findByTransaction(ctx, known.purchase.originalTransactionId);
    if (!row) return false;
    if (!offer) ctx.log.error("a product of no plan", { event: "apple_purchase.unknown_product", product_id: known.purchase.productId, subscription_id: row.id });
    const next = nextApplePurchase(row, { ...known, planId: offer?.plan.id ?? row.planId }, ctx.clock.now());
    await change(ctx, row, next, await intervalOf(ctx, next));
    return true;
  });
}

/** Asks Apple about a subscription whose period is over; where nobody can be asked the clock decides. */
export async function recheckPurchase(ctx: Ctx, subscriptionId: string): Promise<void> {
  const seen = await findSubscriptionRow(ctx, subscriptionId);
  if (seen?.externalId == null) return;
  const known = await askAgain(ctx, seen.externalId);
  if (known) await updatePurchase(ctx, known);
  else {
    await retryLostUpdate(async () => {
      const row = await findSubscriptionRow(ctx, subscriptionId);
      if (row) await change(ctx, row, afterTime(stateOf(row), ctx.clock.now()), row.interval);
    });
  }
}

/** What Apple's purchases have none of. */
const BLANK = { source: "apple", currentPeriodStart: null, scheduleId: null, pendingPlanId: null, pendingChangeAt: null, changingUntil: null, downgradeRequestId: null, statusBefore: null, version: 1 } as const;

const intervalOf = async (ctx: Ctx, { priceId }: AppleState): Promise<"month" | "year" | null> => (priceId === null ? null : ((await findOffer(ctx, priceId))?.interval ?? null));

const stateOf = ({ planId, priceId, status, currentPeriodEnd, cancelAtPeriodEnd, graceUntil, endedAt, providerReadAt }: AppleSubscription): AppleState => ({ planId, priceId, status, currentPeriodEnd, cancelAtPeriodEnd, graceUntil, endedAt, providerReadAt });

async function insert(ctx: Ctx, tenantId: number, externalId: string, state: AppleState, interval: "month" | "year"): Promise<AppleSubscription> {
  const now = ctx.clock.now();
  const row: AppleSubscription = { ...BLANK, ...state, id: newUuid(), tenantId, externalId, interval, createdAt: now, updatedAt: now };
  return commit(ctx, new Plan(ctx).write(insertSubscription(ctx, row)), null, row);
}

async function change(ctx: Ctx, row: AppleSubscription, next: AppleState, interval: "month" | "year" | null): Promise<AppleSubscription> {
  const now = ctx.clock.now();
  const state = { ...stateOf({ ...row, ...next }), interval };
  const after: AppleSubscription = { ...row, ...state, updatedAt: now, version: row.version + 1 };
  if (isSameState(row, state) && state.providerReadAt === row.providerReadAt) return row;
  const plan = new Plan(ctx).guarded(updateSubscription(ctx, row, state, now));
  if (!isSameState(row, state)) return commit(ctx, plan, row, after);
  await plan.commit();
  return after;
}

/** What every change carries: its audit row, the price on the profile, and the word to whoever fits things to plans. */
async function commit(ctx: Ctx, plan: Plan, before: AppleSubscription | null, after: AppleSubscription): Promise<AppleSubscription> {
  const { tenantId } = after;
  const [others, fromPlanId] = await Promise.all([listSubscriptionRows(ctx, tenantId), planBefore(ctx, before, after)]);
  const effective = effectiveSubscription([after, ...others.filter(({ id }) => id !== after.id)], ctx.clock.now());
  plan
    .write(setPriceOfAccount(ctx, tenantId, effective?.priceId ?? null))
    .audit({
      action: "apple_purchase.record",
      tenantId,
      subject: { type: "subscription", id: after.id },
      detail: { plan_id: after.planId, product_id: after.priceId, status: after.status, cancel_at_period_end: after.cancelAtPeriodEnd, period_end: after.currentPeriodEnd },
    })
    .effect({ type: "plan.changed", payload: { userId: tenantId, fromPlanId, trigger: triggerOf(before, after) } });
  try {
    await plan.commit();
  } catch (error) {
    // Somebody made its row since we looked: whose it is, the next look tells.
    if (isUniqueViolation(error, "user_subscriptions.external_id") || isUniqueViolation(error, "user_subscriptions_external")) throw new LostUpdateError(error);
    throw error;
  } finally {
    forgetEntitlements(tenantId);
  }
  return after;
}

/** The plan in force before the commit. What the clock ended has taken its plan away already, without a word. */
async function planBefore(ctx: Ctx, before: AppleSubscription | null, after: AppleSubscription): Promise<number> {
  const { plan } = await getEntitlements(ctx, after.tenantId, { fresh: true });
  if (!before || !isLive(before) || isLive(after)) return plan.id;
  const lost = (await getCatalogue(ctx)).plans.find(({ id }) => id === before.planId);
  return lost && lost.tier > plan.tier ? lost.id : plan.id;
}
