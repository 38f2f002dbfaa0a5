import { SECOND_MS } from "../../kernel/clock";
import type { Ctx } from "../../kernel/context";
import { LostUpdateError, Plan } from "../../kernel/db/client";
import { AppError, notFound } from "../../kernel/errors/app-error";
import type { Payments } from "../../kernel/ports/payments";
import { requirePayments } from "../payments";
import { getEntitlements, type Subscription } from "../plans";
import { applySubscription } from "./apply-subscription";
import { CLAIM_MS, isLive } from "./subscriptions.core";
import { endClaim, listSubscriptionRows, updateSubscription } from "./subscriptions.store";

/** A row that Stripe bills. */
export type StripeRow = Subscription & { readonly externalId: string };

/** What was refused by the provider, as an error for the caller; null when it was done. */
export type Refused = AppError | null;

export const managedByApple = (): AppError => new AppError("MANAGED_BY_APPLE", "This subscription was bought in the App Store; change it there.", { extras: { source: "apple" } });
export const noSubscription = (): AppError => notFound("Subscription");

const inProgress = (waitMs: number): AppError => new AppError("CHANGE_IN_PROGRESS", "This subscription is being changed already.", { retryAfterSeconds: Math.max(1, Math.ceil(waitMs / SECOND_MS)) });

/** The caller's newest subscription that Stripe may still bill; null when there is none. @throws AppError MANAGED_BY_APPLE when Apple's is the one in force instead */
export async function findStripeRow(ctx: Ctx, tenantId: number): Promise<StripeRow | null> {
  const row = (await listSubscriptionRows(ctx, tenantId)).find(isLive);
  if (row?.externalId) return { ...row, externalId: row.externalId };
  if ((await getEntitlements(ctx, tenantId, { fresh: true })).source === "apple") throw managedByApple();
  return null;
}

/** {@link findStripeRow} for what needs one. @throws AppError NOT_FOUND, MANAGED_BY_APPLE */
export async function requireStripeRow(ctx: Ctx, tenantId: number): Promise<StripeRow> {
  const row = await findStripeRow(ctx, tenantId);
  if (!row) throw noSubscription();
  return row;
}

/** Takes the row for changes at the provider: of two callers one gets it. @returns the claim, its end in ms @throws AppError CHANGE_IN_PROGRESS */
async function claim(ctx: Ctx, row: StripeRow): Promise<number> {
  const now = ctx.clock.now();
  if (row.changingUntil !== null && row.changingUntil > now) throw inProgress(row.changingUntil - now);
  const until = now + CLAIM_MS;
  try {
    await new Plan(ctx).guarded(updateSubscription(ctx, row, { changingUntil: until }, now)).commit();
  } catch (error) {
    if (error instanceof LostUpdateError) throw inProgress(SECOND_MS);
    throw error;
  }
  return until;
}

/**
 * Changes a subscription at the provider under a claim on its row, then makes the row what the provider says, with the audit row. When a
 * call fails the row stays as it was and the reconciler reads it again: the change may have had its effect.
 * @param work what the provider does; `intent` names this claim, for idempotency keys
 * @returns the row afterwards
 * @throws AppError CHANGE_IN_PROGRESS; what `work` refused or threw
 */
export async function changeAtProvider(ctx: Ctx, row: StripeRow, action: string, detail: Readonly<Record<string, unknown>>, work: (payments: Payments, intent: string) => Promise<Refused>): Promise<Subscription> {
  const payments = requirePayments(ctx);
  const until = await claim(ctx, row);
  try {
    const refused = await work(payments, `${row.externalId}:${row.version + 1}`);
    const readAt = ctx.clock.now();
    const paid = await payments.getSubscription(row.externalId);
    if (!paid) throw refused ?? noSubscription();
    const after = await applySubscription(ctx, paid, readAt, { claim: until, ...(refused ? {} : { audit: { action, detail } }) });
    if (refused) throw refused;
    if (!after) throw noSubscription();
    return after;
  } catch (error) {
    // The claim lapses by itself when this fails too.
    await Promise.resolve(endClaim(ctx, row, until, ctx.clock.now())).catch(() => undefined);
    throw error;
  }
}
