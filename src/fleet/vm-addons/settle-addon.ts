import type { Ctx } from "../../kernel/context";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { accountLabel } from "../accounts";
import { askAgain } from "../apple-purchases";
import { addonEndingMail } from "../mails";
import { applyAddonSubscription, settleByClock, updateAddonPurchase } from "./record-addon";
import { afterTime, endOf, isToBeWarned, newsOfSubscription, nextAddon } from "./vm-addons.core";
import { findAddonRow, findInstanceOfAddon, findMailAddress, updateAddon, type Addon } from "./vm-addons.store";

/**
 * Looks at an add-on that is overdue, or whose end is near. What is overdue is asked for at its provider first: somebody may have paid.
 * Harmless when repeated.
 * @throws AppError DEPENDENCY_UNAVAILABLE, BAD_GATEWAY: it is tried again
 */
export async function settleAddon(ctx: Ctx, addonId: string): Promise<void> {
  const now = ctx.clock.now();
  const row = await findAddonRow(ctx, addonId);
  if (!row || row.status === "expired") return;
  const isOverdue = afterTime(row, now).status === "expired" || (row.status === "active" && row.periodEnd !== null && row.periodEnd <= now);
  if (!isOverdue) await warnOwner(ctx, addonId);
  else if (row.source === "apple") await settleApple(ctx, row);
  else await settleStripe(ctx, row);
}

async function settleApple(ctx: Ctx, row: Addon): Promise<void> {
  const known = await askAgain(ctx, row.externalId);
  if (known) await updateAddonPurchase(ctx, known);
  await endByClock(ctx, row.id);
}

/** A grace that is over ends the subscription there first: nobody pays for a machine that is gone. */
async function settleStripe(ctx: Ctx, row: Addon): Promise<void> {
  const { payments } = ctx.services;
  if (payments) {
    const readAt = ctx.clock.now();
    const paid = await payments.getSubscription(row.externalId);
    if (!paid) ctx.log.error("the payment provider knows no such add-on", { event: "vm_addon.unknown", addon_id: row.id, subscription_id: row.externalId });
    const news = paid && newsOfSubscription(paid, readAt);
    const isOver = news?.status === "grace" && nextAddon(row, news, readAt).status === "expired";
    const current = isOver ? await payments.cancelNow(row.externalId) : paid;
    if (current) await applyAddonSubscription(ctx, row.tenantId, current, readAt);
  }
  await endByClock(ctx, row.id);
}

async function endByClock(ctx: Ctx, addonId: string): Promise<void> {
  await retryLostUpdate(async () => {
    const row = await findAddonRow(ctx, addonId);
    if (row) await settleByClock(ctx, row);
  });
}

/** Tells the owner once that an add-on ends soon. Where no mail can be sent nobody is told. */
async function warnOwner(ctx: Ctx, addonId: string): Promise<void> {
  if (!ctx.services.mailer) return;
  await retryLostUpdate(async () => {
    const now = ctx.clock.now();
    const row = await findAddonRow(ctx, addonId);
    if (!row || !isToBeWarned(row, now)) return;
    const [owner, machine] = await Promise.all([findMailAddress(ctx, row.tenantId), findInstanceOfAddon(ctx, row.tenantId, row.id)]);
    const plan = new Plan(ctx)
      .guarded(updateAddon(ctx, row, { ...row, warnedAt: now }, now))
      .audit({ action: "vm_addon.warn", tenantId: row.tenantId, subject: { type: "vm_addon", id: row.id }, detail: { status: row.status, instance_id: machine?.instanceId ?? null } });
    if (owner) {
      const mail = addonEndingMail({ to: owner.email, username: accountLabel(owner), endsAt: endOf(row) ?? now, machine: machine?.label ?? null, isUnpaid: row.status === "grace" });
      plan.effect({ type: "mail.send", payload: mail });
    }
    await plan.commit();
  });
}
