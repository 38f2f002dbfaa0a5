import { z } from "zod";
import { accountFeedObject, instanceObject } from "../../../durable-objects/stubs";
import type { Ctx } from "../../kernel/context";
import { describeError } from "../../kernel/logging/logger";
import type { EffectHandler } from "../../kernel/outbox/drain";
import type { Effect } from "../../kernel/outbox/effects";
import { isUsable } from "../bots";
import { isRedeemable } from "./pair-code.core";
import { unsealPairCode } from "./pair-code";
import { toPairEvent } from "./pairings.schemas";
import { findPairingRow, listMachineIds } from "./pairings.store";

const AnnouncePayload = z.object({ pairingId: z.string() });

export const announceEffect = (pairingId: string): Effect => ({ type: "pairing.announce", payload: { pairingId } satisfies z.input<typeof AnnouncePayload> });

/**
 * Effect `pairing.announce`: says `pair` to the streams of the machines that may redeem the code, unless it is over. The event holds a
 * credential, so nobody keeps it: who listens later, or was missed, finds the code in the list of pending pairs. A repeat shows it twice,
 * which is harmless.
 */
export const announcePairing: EffectHandler = async (ctx, payload) => {
  const found = await findPairingRow(ctx, AnnouncePayload.parse(payload).pairingId);
  if (!found || !isRedeemable(found.pairing, ctx.clock.now()) || !isUsable(found.bot)) return;
  const { pairing, bot } = found;
  const code = await unsealPairCode(ctx, pairing);
  if (code === null) return;
  const { tenantId: userId, targetInstanceId } = pairing;
  const event = toPairEvent(code, bot, targetInstanceId);
  const machines = targetInstanceId === null ? await listMachineIds(ctx, userId) : [targetInstanceId];
  const calls = machines.map((instanceId) => tell(ctx, instanceId, () => instanceObject(ctx.objects, { userId, instanceId }).pushEvent({ userId, instanceId }, event, false)));
  // A machine that is the only one tells the account's own streams too.
  if (machines.length !== 1) calls.push(tell(ctx, "the account's feed", () => accountFeedObject(ctx.objects, userId).publish(userId, event, null, false)));
  await Promise.all(calls);
};

/** One listener that does not answer keeps the code from nobody else. */
async function tell(ctx: Ctx, whom: string, call: () => Promise<unknown>): Promise<void> {
  try {
    await call();
  } catch (error) {
    ctx.log.warn("a listener did not hear of a pairing code", { event: "pairing.announce.missed", listener: whom, ...describeError(error) });
  }
}
