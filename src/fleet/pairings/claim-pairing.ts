import type { OwnerCtx } from "../../kernel/context";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { notFound } from "../../kernel/errors/app-error";
import { bumpRoster, projectEffect } from "../bots";
import { hashPairCode } from "./pair-code";
import { findOwnPairingByCode, updatePairing } from "./pairings.store";

/**
 * The machine says that it has configured the bot of a code that it redeemed: from now on we wait for the bot's first sign of life.
 * Any of the caller's codes will do, in whatever state and however often; only the first word counts. @throws AppError NOT_FOUND
 */
export async function claimPairing(ctx: OwnerCtx, code: string): Promise<void> {
  const { userId } = ctx.actor;
  const codeHash = await hashPairCode(ctx, code);
  await retryLostUpdate(async () => {
    const pairing = await findOwnPairingByCode(ctx, userId, codeHash);
    if (!pairing) throw notFound("Pairing code");
    if (pairing.status !== "redeemed" || pairing.claimedAt !== null || pairing.instanceId === null) return;
    await new Plan(ctx)
      .guarded(updatePairing(ctx, pairing, { claimedAt: ctx.clock.now() }))
      .write(bumpRoster(ctx, userId, pairing.instanceId))
      .audit({ action: "pairing.claim", subject: { type: "pairing", id: pairing.id }, detail: { bot_id: pairing.botId, instance_id: pairing.instanceId } })
      .effect(projectEffect(userId, [pairing.instanceId]))
      .commit();
  });
}
