import type { Ctx } from "../../kernel/context";
import { chunked } from "../../kernel/db/chunked";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { notFound } from "../../kernel/errors/app-error";
import { addEnding } from "./delete-bot";
import { bumpRostersOf, closePairingsForPlan, endSharesOfBots, findBot, parkBotRows, unparkBotRows, updateBotRow } from "./bots.store";
import { settleBot } from "./settle-bot";

/**
 * Parks a bot because its owner's plan does not carry it: pairing closed, shares ended, Matrix account deactivated. It stays in
 * lists, marked. Parking a parked bot changes nothing. Whoever decides that a plan ended calls this. @throws AppError NOT_FOUND
 */
export async function parkBot(ctx: Ctx, tenantId: number, botId: string): Promise<void> {
  await retryLostUpdate(async () => {
    const bot = await findBot(ctx, tenantId, botId);
    if (!bot) throw notFound("Bot");
    if (bot.planDisabledAt !== null) return;
    const now = ctx.clock.now();
    const plan = new Plan(ctx).guarded(updateBotRow(ctx, bot, { planDisabledAt: now, instanceId: null, pairingId: null, settleAt: now, settleAttempts: 0 }));
    await addEnding(ctx, plan, bot, "plan_disabled", now)
      .audit({ action: "bot.park", tenantId, subject: { type: "bot", id: bot.id } })
      .commit();
  });
  await settleBot(ctx, botId);
}

/**
 * Brings a parked bot back: its account is reactivated with a fresh device, it goes into its rooms again, and a new pairing code
 * waits for its machine. @throws AppError NOT_FOUND
 */
export async function unparkBot(ctx: Ctx, tenantId: number, botId: string): Promise<void> {
  await retryLostUpdate(async () => {
    const bot = await findBot(ctx, tenantId, botId);
    if (!bot) throw notFound("Bot");
    if (bot.planDisabledAt === null) return;
    await new Plan(ctx)
      .guarded(updateBotRow(ctx, bot, { planDisabledAt: null, matrixState: "unknown", settleAt: ctx.clock.now(), settleAttempts: 0 }))
      .audit({ action: "bot.unpark", tenantId, subject: { type: "bot", id: bot.id } })
      .commit();
  });
  await settleBot(ctx, botId);
}

/**
 * {@link parkBot} for many at once, added to the caller's own commit, without the audit rows: whoever decides says why. What the homeserver
 * then owes is marked on the rows; `settleBot`, or the reconciler, does it. Machines get their new rosters by `bots.project`, which the caller adds.
 */
export function addBotParking(ctx: Ctx, plan: Plan, tenantId: number, botIds: readonly string[], now: number): void {
  for (const ids of chunked(botIds)) {
    plan.write(bumpRostersOf(ctx, tenantId, ids)).write(closePairingsForPlan(ctx, tenantId, ids, now)).write(endSharesOfBots(ctx, tenantId, ids, now)).write(parkBotRows(ctx, tenantId, ids, now));
  }
}

/** {@link unparkBot} for many at once, as {@link addBotParking}. */
export function addBotReturn(ctx: Ctx, plan: Plan, tenantId: number, botIds: readonly string[], now: number): void {
  for (const ids of chunked(botIds)) plan.write(unparkBotRows(ctx, tenantId, ids, now));
}
