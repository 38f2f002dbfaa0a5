import type { AuditEntry } from "../../kernel/audit/audit";
import { SECOND_MS } from "../../kernel/clock";
import type { Ctx } from "../../kernel/context";
import { isUniqueViolation, LostUpdateError, Plan, retryLostUpdate } from "../../kernel/db/client";
import { newUuid } from "../../kernel/ids/ids";
import type { PaidSubscription, Payments } from "../../kernel/ports/payments";
import { clearCheckout, findCustomerOwner, requirePayments } from "../payments";
import { effectiveSubscription, forgetEntitlements, getCatalogue, getEntitlements, isInForce, type Plan as CataloguePlan, type Subscription } from "../plans";
import { isLive, nextRow, triggerOf, type ProviderFacts, type Reading } from "./subscriptions.core";
import { accountExists, findByExternalId, insertSubscription, isAddonPrice, listSubscriptionRows, setPriceOfAccount, updateSubscription } from "./subscriptions.store";

/** The mark of what is bought for an add-on, in a subscription's metadata. */
const ADDON_KEY = "addon";

interface ApplyOptions {
  /** The claim (`changing_until`) under which the caller changed it at the provider: it ends in the same commit. */
  readonly claim?: number;
  /** Who changed what, when a person did. */
  readonly audit?: Omit<AuditEntry, "tenantId" | "subject">;
}

/** Whether it pays for an add-on, which changes no plan. */
export const isAddonSubscription = async (ctx: Ctx, paid: PaidSubscription): Promise<boolean> => paid.metadata[ADDON_KEY] !== undefined || (await isAddonPrice(ctx, paid.priceId));

/** Whose a subscription is: its mark, else its customer's owner; null when it is nobody's here. */
export async function ownerOfSubscription(ctx: Ctx, paid: PaidSubscription): Promise<number | null> {
  const marked = Number(paid.metadata["user_id"] ?? "");
  if (Number.isSafeInteger(marked) && marked > 0 && (await accountExists(ctx, marked))) return marked;
  return findCustomerOwner(ctx, paid.customerId);
}

/**
 * Makes our row of a subscription what the provider says it is: the only way in which one changes. May be repeated, and called with
 * readings in any order: the newest wins.
 * @param readAt when the reading began, ms
 * @returns the row afterwards; null when there is none
 * @throws AppError DEPENDENCY_UNAVAILABLE, BAD_GATEWAY of the provider; Error when a paid price belongs to no plan, so that it is tried again once an operator has put it right
 */
export async function applySubscription(ctx: Ctx, paid: PaidSubscription, readAt: number, options: ApplyOptions = {}): Promise<Subscription | null> {
  const known = await findByExternalId(ctx, paid.id);
  const tenantId = known?.tenantId ?? (await ownerOfSubscription(ctx, paid));
  if (tenantId === null) {
    ctx.log.warn("a paid subscription is nobody's", { event: "subscription.stranger", subscription: paid.id, customer: paid.customerId });
    return null;
  }
  const reading = await completeReading(requirePayments(ctx), paid);
  const { plans } = await getCatalogue(ctx);
  const after = await retryLostUpdate(() => applyOnce(ctx, tenantId, reading, readAt, plans, options));
  forgetEntitlements(tenantId);
  return after;
}

/** What a subscription alone does not tell. */
async function completeReading(payments: Payments, paid: PaidSubscription): Promise<Reading> {
  const [schedule, invoice] = await Promise.all([
    paid.scheduleId === null ? null : payments.getSchedule(paid.scheduleId),
    paid.status === "past_due" && paid.latestInvoiceId !== null ? payments.getInvoice(paid.latestInvoiceId) : null,
  ]);
  const owed = invoice && (invoice.status === "open" || invoice.status === "uncollectible");
  return { paid, schedule, failedAt: owed ? invoice.created * SECOND_MS : null };
}

async function applyOnce(ctx: Ctx, tenantId: number, reading: Reading, readAt: number, plans: readonly CataloguePlan[], { claim, audit }: ApplyOptions): Promise<Subscription | null> {
  const now = ctx.clock.now();
  const { paid } = reading;
  const rows = await listSubscriptionRows(ctx, tenantId);
  const row = rows.find(({ source, externalId }) => source === "stripe" && externalId === paid.id) ?? null;
  const next = nextRow(row, reading, readAt, plans);
  const released = row && row.changingUntil !== null && row.changingUntil === claim ? { changingUntil: null } : {};
  if (next.kind === "nothing") return null;
  if (next.kind === "unknown_price") throw new Error(`no plan has the price ${paid.priceId}, which is paid for`);
  if (next.kind === "older") {
    if (!row) return null;
    // Word of the change overtook us, through an event: it was made all the same, and by somebody.
    const plan = new Plan(ctx);
    if ("changingUntil" in released) plan.guarded(updateSubscription(ctx, row, released, now));
    if (audit) plan.audit({ ...audit, tenantId, subject: { type: "subscription", id: row.id } });
    await plan.commit();
    return { ...row, ...released };
  }
  if (next.unknownPrice) ctx.log.error("a paid price belongs to no plan; the plan stays", { event: "subscription.unknown_price", subscription: paid.id, price: paid.priceId });
  const after: Subscription = row ? { ...row, ...next.row, ...released } : newRow(tenantId, paid, next.row, now);
  if (!row && isLive(after) && rows.some(isLive)) ctx.log.error("somebody pays for two subscriptions", { event: "subscription.twice", tenant: tenantId, subscription: paid.id });
  const trigger = triggerOf(row, next.row);
  const plan = new Plan(ctx);
  if (row) plan.guarded(updateSubscription(ctx, row, { ...next.row, ...released }, now));
  else plan.write(insertSubscription(ctx, after)).write(clearCheckout(ctx, tenantId));
  // What somebody pays more for counts from now on, whatever an administrator had put over it.
  for (const override of overridesBelow(rows, row, after, plans, now)) plan.guarded(updateSubscription(ctx, override, { status: "canceled", endedAt: now }, now));
  plan.write(setPriceOfAccount(ctx, tenantId, effectiveSubscription([after, ...rows.filter((one) => one.id !== after.id)], now)?.priceId ?? null));
  if (trigger) {
    plan.audit({ action: `subscription.${after.status}`, tenantId, subject: { type: "subscription", id: after.id }, detail: { plan_id: after.planId, from_plan_id: row?.planId ?? null, trigger } });
    plan.effect({ type: "plan.changed", payload: { userId: tenantId, fromPlanId: await planBefore(ctx, tenantId, row, trigger), trigger } });
  }
  if (audit) plan.audit({ ...audit, tenantId, subject: { type: "subscription", id: after.id } });
  try {
    await plan.commit();
  } catch (error) {
    if (isUniqueViolation(error, "user_subscriptions.external_id") || isUniqueViolation(error, "user_subscriptions_external")) throw new LostUpdateError(error);
    throw error;
  }
  return { ...after, version: (row?.version ?? 0) + 1, updatedAt: now };
}

/** Gifts and restrictions of administrators that lie over a subscription whose plan has just risen above them. */
function overridesBelow(rows: readonly Subscription[], before: Subscription | null, after: Subscription, plans: readonly CataloguePlan[], now: number): Subscription[] {
  const tierOf = (planId: number): number => plans.find(({ id }) => id === planId)?.tier ?? 0;
  const risen = before !== null && isLive(after) && tierOf(after.planId) > tierOf(before.planId);
  return risen ? rows.filter((one) => one.source === "admin_override" && isInForce(one, now) && one.createdAt > after.createdAt && tierOf(one.planId) < tierOf(after.planId)) : [];
}

/** The plan in force before the commit. A grace that is over has taken its plan away already, without a word. */
async function planBefore(ctx: Ctx, tenantId: number, row: Subscription | null, trigger: string): Promise<number> {
  const { plan } = await getEntitlements(ctx, tenantId, { fresh: true });
  if (trigger !== "grace_end" || !row) return plan.id;
  const lost = (await getCatalogue(ctx)).plans.find(({ id }) => id === row.planId);
  return lost && lost.tier > plan.tier ? lost.id : plan.id;
}

/** As old as at the provider, so that the order of readings does not decide which of two counts. */
const newRow = (tenantId: number, paid: PaidSubscription, facts: ProviderFacts, now: number): Subscription => ({
  id: newUuid(),
  tenantId,
  source: "stripe",
  externalId: paid.id,
  ...facts,
  changingUntil: null,
  downgradeRequestId: null,
  statusBefore: null,
  createdAt: paid.createdAt,
  updatedAt: now,
  version: 1,
});
