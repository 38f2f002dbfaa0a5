import { z } from "zod";
import { SECOND_MS } from "../../kernel/clock";
import type { Bot } from "../bots";
import type { CreatedPairing } from "./create-pairing";
import { CODE_LIFE_MS } from "./pair-code.core";

const instanceId = z.string().max(255);
/** Codes are short; whatever else people type is only looked up and not found. */
const code = z.string().max(64);

/** Seconds until `expiresAt` (ms): never more than there are. */
export const secondsUntil = (expiresAt: number, now: number): number => Math.max(0, Math.floor((expiresAt - now) / SECOND_MS));

export const CreatePairingBody = z.object({ bot_id: z.string().max(64), target_instance_id: instanceId.nullish() }).meta({ id: "CreatePairingRequest" });

export const CreatedPairingView = z
  .object({ code: z.string(), expires_in: z.int(), bot_name: z.string(), bot_user_id: z.string(), target_instance_id: z.string().nullable(), session_id: z.string() })
  .meta({ id: "CreatePairingResponse" });

export const toCreatedPairingView = ({ pairingId, code, bot, targetInstanceId }: CreatedPairing): z.output<typeof CreatedPairingView> => ({
  code,
  expires_in: CODE_LIFE_MS / SECOND_MS,
  bot_name: bot.name,
  bot_user_id: bot.matrixId,
  target_instance_id: targetInstanceId,
  session_id: pairingId,
});

export const RedeemPairingBody = z
  .object({
    code,
    instance_id: instanceId.nullish(),
    /** Sent by clients beside their registration; redeeming goes by the machine's id alone. */
    machine_fingerprint: z.string().min(1).max(64).nullish(),
  })
  .meta({ id: "RedeemPairingRequest" });

export const RedeemedPairingView = z
  .object({
    homeserver: z.string(),
    access_token: z.string(),
    user_id: z.string(),
    bot_name: z.string(),
    device_id: z.string().nullable(),
    bot_id: z.string().nullable(),
    runtime: z.enum(["openclaw", "hermes"]),
    owner_matrix_user_id: z.string().nullable(),
  })
  .meta({ id: "RedeemPairingResponse" });

export const PairingSessionRef = z.object({ session_id: z.string().max(64) });

export const RepairView = z.object({ ok: z.boolean(), message: z.string(), command_id: z.string().nullable() }).meta({ id: "RepairResponse" });

export const PendingPairsQuery = z.object({ instance_id: z.string().min(1).max(255).optional() });

const PendingPairView = z
  .object({
    pair_code: z.string(),
    bot_name: z.string(),
    bot_user_id: z.string(),
    expires_in: z.int(),
    target_instance_id: z.string().nullable(),
    runtime: z.enum(["openclaw", "hermes"]),
    bot_id: z.string(),
  })
  .meta({ id: "PendingPairResponse" });
export const PendingPairsView = z.array(PendingPairView);

export const PairCodeRef = z.object({ code });

/** What streams say of a new code. */
export interface PairEvent {
  readonly type: "pair";
  readonly pair_code: string;
  readonly bot_name: string;
  readonly bot_user_id: string;
  readonly target_instance_id: string | null;
  readonly [field: string]: unknown;
}

export const toPairEvent = (code: string, bot: Pick<Bot, "name" | "matrixId">, targetInstanceId: string | null): PairEvent => ({
  type: "pair",
  pair_code: code,
  bot_name: bot.name,
  bot_user_id: bot.matrixId,
  target_instance_id: targetInstanceId,
});
