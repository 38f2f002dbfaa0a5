import type { OwnerCtx } from "../../kernel/context";
import { Plan } from "../../kernel/db/client";
import { AppError, notFound, tenantSuspended } from "../../kernel/errors/app-error";
import { objectOf, refOf } from "../instances";
import { phaseOfRow, type PairingPhase } from "./pairings.core";
import { findPairing } from "./pairings.store";

const notBroken = (phase: PairingPhase): AppError => new AppError("PAIRING_NOT_BROKEN", `Only a degraded or failed pairing is repaired; this one is ${phase}.`, { extras: { phase } });

export interface RequestedRepair {
  readonly commandId: string;
}

/**
 * Asks the bot's machine to refresh it; a machine that is away does so when it is back.
 * @throws AppError NOT_FOUND, PAIRING_NOT_BROKEN (with `phase`), COMMAND_QUEUE_FULL, TENANT_SUSPENDED
 */
export async function repairPairing(ctx: OwnerCtx, pairingId: string): Promise<RequestedRepair> {
  const pairing = await findPairing(ctx, ctx.actor.userId, pairingId);
  if (!pairing) throw notFound("Pairing session");
  if (pairing.status !== "redeemed" || pairing.instanceId === null) throw notBroken(phaseOfRow(pairing, ctx.clock.now()));
  const answer = await objectOf(ctx, pairing.instanceId).repairBot(refOf(ctx, pairing.instanceId), pairing.botId, pairing.id);
  switch (answer.kind) {
    case "gone":
      // Its object does not know the pairing yet: it was redeemed a moment ago.
      throw notBroken(phaseOfRow(pairing, ctx.clock.now()));
    case "notBroken":
      throw notBroken(answer.phase);
    case "queueFull":
      throw new AppError("COMMAND_QUEUE_FULL", "The bot's machine has too many commands waiting; it is not listening.");
    case "suspended":
      throw tenantSuspended(answer.tenant);
    case "ok":
      await new Plan(ctx).audit({ action: "pairing.repair", subject: { type: "pairing", id: pairing.id }, detail: { bot_id: pairing.botId, command_id: answer.commandId } }).commit();
      return answer;
  }
}
