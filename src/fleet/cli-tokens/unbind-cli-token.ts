import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { AppError, notFound } from "../../kernel/errors/app-error";
import { isUsable } from "./cli-tokens.core";
import type { CliTokenRef, UnboundCliTokenView } from "./cli-tokens.schemas";
import { findCliToken, insertCliTokenEvent, updateCliToken } from "./cli-tokens.store";
import { cutEffect } from "./cut-token";

/**
 * Frees a token from its machine; the next machine that uses it owns it. A free token stays as it is.
 * @throws AppError NOT_FOUND, TOKEN_INACTIVE (revoked or expired)
 */
export function unbindCliToken(ctx: OwnerCtx, ref: z.output<typeof CliTokenRef>): Promise<z.input<typeof UnboundCliTokenView>> {
  return retryLostUpdate(async () => {
    const now = ctx.clock.now();
    const token = await findCliToken(ctx, ctx.actor.userId, ref.token_id);
    if (!token) throw notFound("Token");
    if (!isUsable(token, now)) throw new AppError("TOKEN_INACTIVE", "This token has ended; there is nothing to unbind.");
    if (token.boundInstanceId !== null) {
      await new Plan(ctx)
        .guarded(updateCliToken(ctx, token, { boundInstanceId: null, boundAt: null }, now))
        .write(insertCliTokenEvent(ctx, token, { type: "unbound", instanceId: token.boundInstanceId }))
        .effect(cutEffect(token, "unbound"))
        .audit({ action: "cli_token.unbind", subject: { type: "cli_token", id: token.id }, detail: { instance_id: token.boundInstanceId } })
        .commit();
    }
    return { id: token.id, bound_instance_id: null, bound_at: null };
  });
}
