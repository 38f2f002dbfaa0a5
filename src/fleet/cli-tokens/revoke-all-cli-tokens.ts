import type { Ctx } from "../../kernel/context";
import type { Plan } from "../../kernel/db/client";
import { insertCliTokenEvent, listUnrevokedCliTokens, revokeEveryCliToken } from "./cli-tokens.store";
import { cutEffect } from "./cut-token";

/** Adds the end of every CLI token of an owner to a plan: the rows, their events, and the objects that vouch for them. */
export async function revokeAllCliTokens(ctx: Ctx, plan: Plan, tenantId: number, nowMs: number): Promise<void> {
  const tokens = await listUnrevokedCliTokens(ctx, tenantId);
  plan.write(revokeEveryCliToken(ctx, tenantId, nowMs));
  for (const token of tokens) {
    plan.write(insertCliTokenEvent(ctx, token, { type: "revoked", detail: { reason: "account_ended" }, instanceId: token.boundInstanceId })).effect(cutEffect(token, "revoked", true));
  }
}
