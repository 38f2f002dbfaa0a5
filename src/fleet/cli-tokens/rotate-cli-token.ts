import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { AppError, notFound } from "../../kernel/errors/app-error";
import { isUsable } from "./cli-tokens.core";
import { toMintedView, type CliTokenRef, type MintedCliTokenView } from "./cli-tokens.schemas";
import { findCliToken, insertCliTokenEvent, updateCliToken } from "./cli-tokens.store";
import { cutEffect } from "./cut-token";
import { prepareCliToken } from "./prepare-cli-token";

/**
 * Replaces a token by a new one of the same name, lifetime and binding. The old one dies in the same commit.
 * @throws AppError NOT_FOUND, TOKEN_INACTIVE (revoked or expired)
 */
export function rotateCliToken(ctx: OwnerCtx, ref: z.output<typeof CliTokenRef>): Promise<z.input<typeof MintedCliTokenView>> {
  return retryLostUpdate(async () => {
    const now = ctx.clock.now();
    const old = await findCliToken(ctx, ctx.actor.userId, ref.token_id);
    if (!old) throw notFound("Token");
    if (!isUsable(old, now)) throw new AppError("TOKEN_INACTIVE", "This token has ended; mint a new one.");
    const next = await prepareCliToken(ctx, {
      name: old.name,
      lifetimeMs: old.lifetimeMs,
      binding: { instanceId: old.boundInstanceId, at: old.boundAt },
      origin: { rotated_from: old.id },
    });
    const plan = new Plan(ctx)
      .guarded(updateCliToken(ctx, old, { revokedAt: now }, now))
      .write(insertCliTokenEvent(ctx, old, { type: "rotated", detail: { replaced_by: next.row.id }, instanceId: old.boundInstanceId }));
    await next
      .writeTo(plan)
      .effect(cutEffect(old, "revoked"))
      .audit({ action: "cli_token.rotate", subject: { type: "cli_token", id: old.id }, detail: { replaced_by: next.row.id } })
      .commit();
    return toMintedView(next.row, next.plaintext);
  });
}
