import type { z } from "zod";
import type { Ctx, OwnerCtx } from "../../kernel/context";
import { findBoundInstance } from "../cli-tokens";
import { isForAnyMachine, isForMachine } from "./pair-code.core";
import { unsealPairCode } from "./pair-code";
import { secondsUntil, toPairEvent, type PairEvent, type PendingPairsQuery, type PendingPairsView } from "./pairings.schemas";
import { findWaitingPairing, listWaitingPairings, type WaitingPairing } from "./pairings.store";

/**
 * Codes of the caller's bots that nobody redeemed yet, newest first. A token that is bound to a machine, or `instance_id`, hides those for
 * other machines.
 */
export async function listPendingPairs(ctx: OwnerCtx, query: z.output<typeof PendingPairsQuery>): Promise<z.input<typeof PendingPairsView>> {
  const now = ctx.clock.now();
  const [waiting, bound] = await Promise.all([listWaitingPairings(ctx, ctx.actor.userId, now), ctx.actor.type === "cliToken" ? findBoundInstance(ctx, ctx.actor.tokenId) : null]);
  const listener = bound ?? query.instance_id;
  return withCodes(
    ctx,
    waiting.filter(({ pairing }) => listener === undefined || isForMachine(pairing.targetInstanceId, listener)),
    (code, { pairing, bot }) => ({
      pair_code: code,
      bot_name: bot.name,
      bot_user_id: bot.matrixId,
      expires_in: secondsUntil(pairing.expiresAt, now),
      target_instance_id: pairing.targetInstanceId,
      runtime: bot.runtime,
      bot_id: bot.id,
    }),
  );
}

/**
 * What a machine's stream hears first: the codes that wait, since `pair` events are never kept for replay.
 * @param instanceId the machine that listens; null when the stream is the account's
 */
export async function listPairEvents(ctx: OwnerCtx, instanceId: string | null): Promise<PairEvent[]> {
  const waiting = await listWaitingPairings(ctx, ctx.actor.userId, ctx.clock.now());
  const visible = waiting.filter(({ pairing, machineCount }) => (instanceId === null ? isForAnyMachine(pairing.targetInstanceId, machineCount) : isForMachine(pairing.targetInstanceId, instanceId)));
  return withCodes(ctx, visible, (code, { pairing, bot }) => toPairEvent(code, bot, pairing.targetInstanceId));
}

/** The code of one bot that waits to be redeemed, for its owner only; null when none does. */
export async function findWaitingCode(ctx: Ctx, tenantId: number, botId: string): Promise<{ readonly code: string; readonly expiresInSeconds: number } | null> {
  const now = ctx.clock.now();
  const pairing = await findWaitingPairing(ctx, tenantId, botId, now);
  const code = pairing && (await unsealPairCode(ctx, pairing));
  return pairing && code ? { code, expiresInSeconds: secondsUntil(pairing.expiresAt, now) } : null;
}

async function withCodes<T>(ctx: OwnerCtx, waiting: readonly WaitingPairing[], show: (code: string, waiting: WaitingPairing) => T): Promise<T[]> {
  const shown = await Promise.all(
    waiting.map(async (one) => {
      const code = await unsealPairCode(ctx, one.pairing);
      return code === null ? [] : [show(code, one)];
    }),
  );
  return shown.flat();
}
