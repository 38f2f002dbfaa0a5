import { z } from "zod";
import { accountFeedObject, instanceObject } from "../../../durable-objects/stubs";
import type { EffectHandler } from "../../kernel/outbox/drain";
import type { Effect } from "../../kernel/outbox/effects";
import type { CliToken } from "./cli-tokens.store";

const CutPayload = z.object({ userId: z.int(), tokenId: z.string(), instanceIds: z.array(z.string()), how: z.enum(["revoked", "unbound"]), goOffline: z.boolean() });

/** What the objects must hear when a token stops: they vouch for known tokens without asking D1. */
export function cutEffect(token: Pick<CliToken, "id" | "tenantId" | "boundInstanceId">, how: "revoked" | "unbound", goOffline = false): Effect {
  const payload: z.input<typeof CutPayload> = { userId: token.tenantId, tokenId: token.id, instanceIds: token.boundInstanceId === null ? [] : [token.boundInstanceId], how, goOffline };
  return { type: "cli_token.cut", payload };
}

/** Effect `cli_token.cut`: no beat, stream or socket of the token passes from now on. Harmless when repeated. */
export const cutToken: EffectHandler = async (ctx, payload) => {
  const { userId, tokenId, instanceIds, how, goOffline } = CutPayload.parse(payload);
  await Promise.all([
    ...instanceIds.map((instanceId) => {
      const ref = { userId, instanceId };
      return instanceObject(ctx.objects, ref).cutToken(ref, tokenId, how, goOffline);
    }),
    accountFeedObject(ctx.objects, userId).cutToken(userId, tokenId),
  ]);
};
