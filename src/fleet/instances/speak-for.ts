import { instanceObject, type Stub } from "../../../durable-objects/stubs";
import type { Caller, InstanceRef, InstanceRpc, Refusal } from "../../../durable-objects/instance/instance.rpc";
import type { OwnerCtx } from "../../kernel/context";
import { AppError } from "../../kernel/errors/app-error";

/** The caller as objects know it. */
export function callerOf(ctx: OwnerCtx): Caller {
  return { tokenId: ctx.actor.type === "cliToken" ? ctx.actor.tokenId : null, expiresAt: ctx.actor.expiresAt };
}

export const refOf = (ctx: OwnerCtx, instanceId: string): InstanceRef => ({ userId: ctx.actor.userId, instanceId });

type Answer = { readonly kind: string };

/**
 * Calls an object for a machine's own voice. An object that does not know the token yet makes us ask D1 once; from then on it
 * answers alone, which is why a steady beat costs no D1 read. Binds an unbound token to the machine.
 * @param goneCode what an unknown, deleted or foreign machine answers
 * @throws AppError `goneCode`, TOKEN_REVOKED, TOKEN_BOUND
 */
export async function speakFor<T extends Answer>(ctx: OwnerCtx, goneCode: "INSTANCE_GONE" | "NOT_FOUND", call: (caller: Caller) => Promise<T | Refusal>): Promise<Exclude<T, Refusal>> {
  const caller = callerOf(ctx);
  let answer = await call(caller);
  if (answer.kind === "unknownToken" && caller.tokenId !== null) {
    const { instanceId } = answer as Extract<Refusal, { kind: "unknownToken" }>;
    // Loaded here alone, so that the steady path carries no other feature.
    const { recordTokenUse } = await import("../cli-tokens");
    await recordTokenUse(ctx, instanceId);
    await instanceObject(ctx.objects, refOf(ctx, instanceId)).admitToken(refOf(ctx, instanceId), caller.tokenId, false);
    answer = await call(caller);
  }
  switch (answer.kind) {
    case "gone":
      throw goneCode === "NOT_FOUND" ? new AppError("NOT_FOUND", "Not found.") : new AppError("INSTANCE_GONE", "This machine is not registered (any more). Stop, and register it again.");
    case "revoked":
    case "unknownToken":
      throw new AppError("TOKEN_REVOKED", "This CLI token was revoked; run `sett login` again.");
    default:
      return answer as Exclude<T, Refusal>;
  }
}

/** The object of one of the caller's machines (or of a name that is none; the object itself says which). */
export const objectOf = (ctx: OwnerCtx, instanceId: string): Stub<InstanceRpc> => instanceObject(ctx.objects, refOf(ctx, instanceId));
