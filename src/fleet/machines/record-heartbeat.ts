import type { ContractPointer } from "../../../durable-objects/instance/governance.rpc";
import type { BeatAnswer } from "../../../durable-objects/instance/instance.rpc";
import type { HeartbeatPayload } from "../../../durable-objects/instance/machine.rpc";
import type { OwnerCtx } from "../../kernel/context";
import { objectOf, refOf, speakFor } from "../instances";

export interface HeartbeatAnswer {
  readonly ok: true;
  readonly pending_commands: Extract<BeatAnswer, { kind: "ok" }>["pending"];
  /** Which contract a governed machine should have. */
  readonly contract?: ContractPointer;
}

/**
 * Takes one heartbeat: one object call, no D1 read.
 * @returns the answer and the seconds until the next beat is wanted
 * @throws AppError INSTANCE_GONE, TOKEN_REVOKED, TOKEN_BOUND
 */
export async function recordHeartbeat(ctx: OwnerCtx, payload: HeartbeatPayload): Promise<{ readonly answer: HeartbeatAnswer; readonly beatIntervalSeconds: number }> {
  const object = objectOf(ctx, payload.instance_id);
  const ref = refOf(ctx, payload.instance_id);
  const beat = await speakFor(ctx, "INSTANCE_GONE", (caller) => object.beat(ref, caller, payload));
  return { answer: { ok: true, pending_commands: beat.pending, ...(beat.contract ? { contract: beat.contract } : {}) }, beatIntervalSeconds: beat.beatIntervalSeconds };
}
