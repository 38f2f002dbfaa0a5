import type { AuditEntry } from "../../kernel/audit/audit";
import type { Ctx } from "../../kernel/context";
import { isUniqueViolation, LostUpdateError, Plan, retryLostUpdate } from "../../kernel/db/client";
import { AppError } from "../../kernel/errors/app-error";
import { newUuid } from "../../kernel/ids/ids";
import type { PaidSubscription } from "../../kernel/ports/payments";
import type { KnownPurchase } from "../apple-purchases";
import { afterTime, isOfThePast, isSameState, newsOfPurchase, newsOfSubscription, nextAddon, type AddonNews, type AddonState } from "./vm-addons.core";
import { comparePlaces } from "./compare-places";
import { findAppleAddonInForce, findByExternalId, findInstanceOfAddon, insertAddon, updateAddon, type Addon } from "./vm-addons.store";

/** One provider's word about one add-on. */
interface Word {
  readonly externalId: string;
  /** What was bought: a price or a product. */
  readonly productId: string;
  readonly news: AddonNews;
}

type OwnersAudit = Pick<AuditEntry, "action" | "detail">;

const wordOfPurchase = ({ purchase, asOf }: KnownPurchase): Word => ({ externalId: purchase.originalTransactionId, productId: purchase.productId, news: newsOfPurchase(purchase, asOf) });

/**
 * Records what Stripe says about a subscription that pays for an add-on, and makes its row when there is none: the only way in which one
 * bought there comes to be. Harmless when repeated, late or out of order.
 * @param tenantId whose it is, where no row tells
 * @param readAt when the reading began, ms
 * @param audit who changed what, when a person did
 * @returns the row afterwards; null while it is not paid for
 */
export async function applyAddonSubscription(ctx: Ctx, tenantId: number, paid: PaidSubscription, readAt: number, audit?: OwnersAudit): Promise<Addon | null> {
  const news = newsOfSubscription(paid, readAt);
  if (!news) return null;
  return retryLostUpdate(async () => {
    const word = { externalId: paid.id, productId: paid.priceId, news };
    const row = await findByExternalId(ctx, "stripe", paid.id);
    const next = nextAddon(row, news, ctx.clock.now());
    // A grace that is over is the sweep's, which ends the subscription there first: else somebody may still be charged for what is gone.
    const state = next.status === "expired" && news.status === "grace" && row?.status !== "expired" ? news : next;
    return row ? changeState(ctx, row, state, word.productId, audit) : insertNew(ctx, tenantId, word, state);
  });
}

/** Records what Apple says about an add-on whose row is there; false when none is. */
export async function updateAddonPurchase(ctx: Ctx, known: KnownPurchase): Promise<boolean> {
  return retryLostUpdate(async () => {
    const row = await findByExternalId(ctx, "apple", known.purchase.originalTransactionId);
    if (row) await recordNews(ctx, row, wordOfPurchase(known));
    return row !== null;
  });
}

/**
 * The same for the caller's own purchase, and makes the row when there is none.
 * @param gate what must hold before a new one is made
 * @throws AppError PURCHASE_TAKEN (another account's), APPLE_ADDON_EXISTS (another one of theirs is in force)
 */
export async function recordAddonPurchase(ctx: Ctx, tenantId: number, known: KnownPurchase, gate: () => Promise<void>): Promise<Addon> {
  return retryLostUpdate(async () => {
    const word = wordOfPurchase(known);
    const row = await findByExternalId(ctx, "apple", word.externalId);
    if (row && row.tenantId !== tenantId) throw new AppError("PURCHASE_TAKEN", "This purchase belongs to another account.");
    if (row && isOfThePast(row, known.purchase)) return row;
    if (!row) await gate();
    await endOverdue(ctx, tenantId, word.externalId);
    return row ? recordNews(ctx, row, word) : insertNew(ctx, tenantId, word, nextAddon(null, word.news, ctx.clock.now()));
  });
}

/** One whose time is up but which no sweep has met yet stands in nobody's way. */
async function endOverdue(ctx: Ctx, tenantId: number, externalId: string): Promise<void> {
  const other = await findAppleAddonInForce(ctx, tenantId);
  if (other && other.externalId !== externalId) await settleByClock(ctx, other);
}

/** Lets the clock end an add-on whose time is up; answers the row afterwards. */
export const settleByClock = (ctx: Ctx, row: Addon): Promise<Addon> => changeState(ctx, row, afterTime(row, ctx.clock.now()), row.productId);

const recordNews = (ctx: Ctx, row: Addon, { news, productId }: Word): Promise<Addon> => changeState(ctx, row, nextAddon(row, news, ctx.clock.now()), productId);

async function insertNew(ctx: Ctx, tenantId: number, { externalId, productId }: Word, state: AddonState): Promise<Addon> {
  const now = ctx.clock.now();
  const row: Addon = { ...state, id: newUuid(), tenantId, externalId, productId, warnedAt: null, createdAt: now, updatedAt: now, version: 1 };
  const plan = new Plan(ctx)
    .write(insertAddon(ctx, row))
    .audit({ action: "vm_addon.create", tenantId, subject: { type: "vm_addon", id: row.id }, detail: { source: row.source, external_id: externalId, product_id: productId, status: row.status, period_end: row.periodEnd } })
    .effect(comparePlaces(tenantId));
  await commitAddon(plan);
  return row;
}

async function changeState(ctx: Ctx, row: Addon, next: AddonState, productId: string | null, audit?: OwnersAudit): Promise<Addon> {
  const now = ctx.clock.now();
  const isSame = isSameState(row, next);
  if (isSame && next.providerReadAt === row.providerReadAt && !audit) return row;
  // A resumed one that ends later is a new end to be told of.
  const warnedAt = next.status === "active" ? null : row.warnedAt;
  const after: Addon = { ...row, status: next.status, periodEnd: next.periodEnd, graceUntil: next.graceUntil, endedAt: next.endedAt, providerReadAt: next.providerReadAt, productId, warnedAt, updatedAt: now, version: row.version + 1 };
  const plan = new Plan(ctx).guarded(updateAddon(ctx, row, after, now));
  if (!isSame) {
    // The machine keeps its link: whoever takes it down finds it by that.
    const machine = await findInstanceOfAddon(ctx, row.tenantId, row.id);
    const action = next.status === "expired" ? "vm_addon.expire" : "vm_addon.change";
    plan.audit({ action, tenantId: row.tenantId, subject: { type: "vm_addon", id: row.id }, detail: { from: row.status, status: next.status, period_end: next.periodEnd, instance_id: machine?.instanceId ?? null } });
    plan.effect(comparePlaces(row.tenantId));
  }
  if (audit) plan.audit({ ...audit, tenantId: row.tenantId, subject: { type: "vm_addon", id: row.id } });
  await commitAddon(plan);
  return after;
}

async function commitAddon(plan: Plan): Promise<void> {
  try {
    await plan.commit();
  } catch (error) {
    // Somebody made its row since we looked: the next look finds it.
    if (isUniqueViolation(error, "user_cloud_vm_addons.external_id") || isUniqueViolation(error, "user_cloud_vm_addons_external")) throw new LostUpdateError(error);
    if (isUniqueViolation(error, "user_cloud_vm_addons.tenant_id") || isUniqueViolation(error, "user_cloud_vm_addons_one_apple")) {
      throw new AppError("APPLE_ADDON_EXISTS", "You have a cloud machine add-on of the App Store; it takes one at a time.", { cause: error });
    }
    throw error;
  }
}
