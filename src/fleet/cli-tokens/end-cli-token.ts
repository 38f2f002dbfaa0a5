import type { Ctx } from "../../kernel/context";
import type { Plan } from "../../kernel/db/client";
import { findCliToken, insertCliTokenEvent, updateCliToken } from "./cli-tokens.store";
import { cutEffect } from "./cut-token";

/** Adds to a plan the end of one token, for a reason that is not its owner's wish: its row, its event, and the objects that vouch for it. A token that is gone or revoked stays as it is. */
export async function addCliTokenEnd(ctx: Ctx, plan: Plan, tenantId: number, tokenId: string, reason: string): Promise<void> {
  const token = await findCliToken(ctx, tenantId, tokenId);
  if (!token || token.revokedAt !== null) return;
  plan
    .write(updateCliToken(ctx, token, { revokedAt: ctx.clock.now() }, ctx.clock.now()))
    .write(insertCliTokenEvent(ctx, token, { type: "revoked", detail: { reason }, instanceId: token.boundInstanceId }))
    .effect(cutEffect(token, "revoked", true));
}
