import type { OwnerCtx } from "../../kernel/context";
import { objectOf, refOf, speakFor } from "../instances";

/** A machine says goodbye: offline now, its bots stopped. Repeatable; the next beat revives it. @throws AppError NOT_FOUND, TOKEN_REVOKED, TOKEN_BOUND */
export async function disconnectMachine(ctx: OwnerCtx, instanceId: string): Promise<{ readonly ok: true }> {
  await speakFor(ctx, "NOT_FOUND", (caller) => objectOf(ctx, instanceId).disconnect(refOf(ctx, instanceId), caller));
  return { ok: true };
}
