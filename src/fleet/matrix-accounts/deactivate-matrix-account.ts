import { z } from "zod";
import type { Ctx } from "../../kernel/context";
import type { EffectHandler } from "../../kernel/outbox/drain";
import type { Effect } from "../../kernel/outbox/effects";

const DeactivatePayload = z.object({ matrixId: z.string() });

/** What ends a Matrix account after its owner's is gone; null where there is no homeserver that we may tell. */
export function matrixDeactivation(ctx: Ctx, matrixId: string): Effect | null {
  const payload: z.input<typeof DeactivatePayload> = { matrixId };
  return ctx.services.matrix?.admin ? { type: "matrix.deactivate", payload } : null;
}

/** Effect `matrix.deactivate`. Harmless when repeated, and for an account that is gone. */
export const deactivateMatrixAccount: EffectHandler = async (ctx, payload) => {
  await ctx.services.matrix?.admin?.deactivate(DeactivatePayload.parse(payload).matrixId, false);
};
