import type { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { AppError } from "../../kernel/errors/app-error";
import { describeCause } from "../../kernel/logging/logger";
import { findAccountById } from "../accounts";
import { bumpRoster, clearOtherDevices, isUsable, projectEffect, readyCredentials, updateBotRow, type Bot, type ReadyCredentials } from "../bots";
import { requireBotHomeserver, type BotHomeserver } from "../matrix-accounts";
import { chooseMachine, isRedeemable, REDEEM_LEASE_MS } from "./pair-code.core";
import { hashPairCode } from "./pair-code";
import type { RedeemedPairingView, RedeemPairingBody } from "./pairings.schemas";
import { closeEarlierPairings, findLastMachine, findPairingByCode, isMachine, listMachineIds, machineIsThere, updatePairing, type Pairing } from "./pairings.store";

type Input = z.output<typeof RedeemPairingBody>;
type View = z.input<typeof RedeemedPairingView>;

/** A code that is worth something, and where it leads. */
interface Redeeming {
  readonly pairing: Pairing;
  readonly bot: Bot;
  readonly instanceId: string;
  /** The machine that had the bot before, when it was another one: it must lose its access. */
  readonly formerInstanceId: string | null;
}

interface Redeemed extends Redeeming {
  readonly ready: ReadyCredentials;
}

/**
 * Trades a code for a bot's credentials and puts the bot on the machine. Single use. A bot that was on another machine gets a fresh
 * device, and the old one is deleted. When the homeserver fails, the code stays good.
 * @throws AppError MATRIX_UNAVAILABLE, BAD_GATEWAY, PAIRING_CODE_INVALID (wrong, used, expired or superseded), INSTANCE_REQUIRED,
 * PAIRING_TARGET_MISMATCH, BOT_DISABLED_BY_PLAN, CONFLICT
 */
export async function redeemPairing(ctx: Ctx, input: Input): Promise<View> {
  const home = requireBotHomeserver(ctx);
  const { bot, ready, formerInstanceId } = await retryLostUpdate(() => redeem(ctx, home, input));
  if (formerInstanceId !== null) {
    // The commit left a mark for the reconciler, which goes on where this fails.
    await clearOtherDevices(ctx, home, bot.id).catch((error: unknown) => ctx.log.warn("old devices are left to the reconciler", { event: "pairing.redeem.devices_left", bot_id: bot.id, ...describeCause(error) }));
  }
  // Whoever runs the bot must know whom it obeys, whatever the runtime: without its owner no allow list can be kept.
  const owner = await findAccountById(ctx, bot.tenantId);
  return {
    homeserver: home.publicUrl,
    access_token: ready.accessToken,
    user_id: bot.matrixId,
    bot_name: bot.name,
    device_id: ready.deviceId,
    bot_id: bot.id,
    runtime: bot.runtime,
    owner_matrix_user_id: owner?.matrixId ?? null,
  };
}

/** @throws LostUpdateError: read again, since another redeeming, a newer code or a change of the bot came first */
async function redeem(ctx: Ctx, home: BotHomeserver, input: Input): Promise<Redeemed> {
  const redeeming = await lease(ctx, await resolve(ctx, input));
  try {
    const ready = await readyCredentials(ctx, home, redeeming.bot, { rotate: redeeming.formerInstanceId !== null });
    await commitRedeemed(ctx, redeeming, ready);
    return { ...redeeming, ready };
  } catch (error) {
    await release(ctx, redeeming.pairing);
    throw error;
  }
}

/** What the code means. @throws AppError PAIRING_CODE_INVALID, BOT_DISABLED_BY_PLAN, INSTANCE_REQUIRED, PAIRING_TARGET_MISMATCH */
async function resolve(ctx: Ctx, input: Input): Promise<Redeeming> {
  const found = await findPairingByCode(ctx, await hashPairCode(ctx, input.code));
  const isParked = found?.pairing.closeReason === "plan_disabled" && found.bot.planDisabledAt !== null;
  if (!found || found.bot.status !== "active" || !(isParked || isRedeemable(found.pairing, ctx.clock.now()))) {
    throw new AppError("PAIRING_CODE_INVALID", "This pairing code is not valid: it is wrong, was used, or has expired. Make a new one.");
  }
  const { pairing, bot } = found;
  if (isParked || !isUsable(bot)) throw new AppError("BOT_DISABLED_BY_PLAN", "The plan of this bot's owner does not carry it any more.");
  const asked = input.instance_id ?? null;
  const [machines, lastMachine] = await Promise.all([listCandidates(ctx, pairing, asked), bot.instanceId ?? findLastMachine(ctx, pairing.tenantId, bot.id)]);
  const choice = chooseMachine({ asked, target: pairing.targetInstanceId, machines, strict: ctx.config.bots.strictRedeem });
  switch (choice.kind) {
    case "missing":
      throw new AppError("INSTANCE_REQUIRED", "Say with instance_id which machine redeems this code.");
    case "mismatch":
      throw new AppError("PAIRING_TARGET_MISMATCH", "This code is not for that machine.");
    case "machine":
      return { pairing, bot, instanceId: choice.instanceId, formerInstanceId: lastMachine === choice.instanceId ? null : lastMachine };
  }
}

/** As many of the owner's machines as choosing one needs: the one that is named, or enough to see whether there is only one. */
async function listCandidates(ctx: Ctx, { tenantId, targetInstanceId }: Pairing, asked: string | null): Promise<readonly string[]> {
  const named = asked ?? targetInstanceId;
  if (named === null) return listMachineIds(ctx, tenantId, 2);
  return (await isMachine(ctx, tenantId, named)) ? [named] : [];
}

/** Keeps others off the code while the homeserver is asked: two at once would open a device each. @throws LostUpdateError */
async function lease(ctx: Ctx, redeeming: Redeeming): Promise<Redeeming> {
  const { pairing } = redeeming;
  const changes = { redeemingUntil: ctx.clock.now() + REDEEM_LEASE_MS };
  await new Plan(ctx).guarded(updatePairing(ctx, pairing, changes)).commit();
  return { ...redeeming, pairing: { ...pairing, ...changes, version: pairing.version + 1 } };
}

/** Gives a code back that nothing came of; what fails here lapses by itself. */
async function release(ctx: Ctx, pairing: Pairing): Promise<void> {
  await new Plan(ctx)
    .write(updatePairing(ctx, pairing, { redeemingUntil: null }))
    .commit()
    .catch((error: unknown) => ctx.log.warn("a code stays leased for a moment", { event: "pairing.redeem.lease_left", pairing_id: pairing.id, ...describeCause(error) }));
}

/** @throws LostUpdateError */
async function commitRedeemed(ctx: Ctx, { pairing, bot, instanceId, formerInstanceId }: Redeeming, ready: ReadyCredentials): Promise<void> {
  const { tenantId } = pairing;
  const now = ctx.clock.now();
  const plan = new Plan(ctx)
    .guarded(updatePairing(ctx, pairing, { status: "redeemed", instanceId, redeemedAt: now, redeemingUntil: null }))
    .guarded(updateBotRow(ctx, ready.bot, { ...ready.changes, instanceId, pairingId: pairing.id }))
    .require(machineIsThere(ctx, tenantId, instanceId))
    .write(closeEarlierPairings(ctx, pairing, formerInstanceId === null ? "superseded" : "repaired_elsewhere"))
    .write(bumpRoster(ctx, tenantId, instanceId));
  if (formerInstanceId !== null) plan.write(bumpRoster(ctx, tenantId, formerInstanceId));
  await plan
    .audit({ action: "pairing.redeem", tenantId, subject: { type: "pairing", id: pairing.id }, detail: { bot_id: bot.id, instance_id: instanceId, former_instance_id: formerInstanceId, device_id: ready.deviceId } })
    .effect(projectEffect(tenantId, [instanceId, formerInstanceId]))
    .effect({ type: "bot.shares_resend", payload: { botId: bot.id } })
    .commit();
}
