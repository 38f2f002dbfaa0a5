import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { notFound } from "../../kernel/errors/app-error";
import type { CliTokenRef, RevokeCliTokenQuery } from "./cli-tokens.schemas";
import { findCliToken, insertCliTokenEvent, updateCliToken } from "./cli-tokens.store";
import { cutEffect } from "./cut-token";

type Input = z.output<typeof CliTokenRef> & z.output<typeof RevokeCliTokenQuery>;

/**
 * Ends a token for good; with `cascade` its machine is marked offline at once. Repeating it is harmless and, the first time
 * having done all there is, does nothing.
 * @throws AppError NOT_FOUND
 */
export function revokeCliToken(ctx: OwnerCtx, input: Input): Promise<void> {
  return retryLostUpdate(async () => {
    const now = ctx.clock.now();
    const token = await findCliToken(ctx, ctx.actor.userId, input.token_id);
    if (!token) throw notFound("Token");
    if (token.revokedAt !== null) return;
    await new Plan(ctx)
      .guarded(updateCliToken(ctx, token, { revokedAt: now }, now))
      .write(insertCliTokenEvent(ctx, token, { type: "revoked", detail: { cascade: input.cascade }, instanceId: token.boundInstanceId }))
      .effect(cutEffect(token, "revoked", input.cascade))
      .audit({ action: "cli_token.revoke", subject: { type: "cli_token", id: token.id }, detail: { cascade: input.cascade } })
      .commit();
  });
}
