import { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { Plan } from "../../kernel/db/client";
import type { EffectHandler } from "../../kernel/outbox/drain";
import type { Effect } from "../../kernel/outbox/effects";
import { isInUse, markMatrixStatusOf } from "./matrix-accounts.store";

const DeactivatePayload = z.object({ matrixId: z.string(), erase: z.boolean().default(false) });

/** What ends a Matrix account after its owner's is gone; null where there is no homeserver that we may tell. */
export function matrixDeactivation(ctx: Ctx, matrixId: string, erase = false): Effect | null {
  const payload: z.input<typeof DeactivatePayload> = { matrixId, erase };
  return ctx.services.matrix?.admin ? { type: "matrix.deactivate", payload } : null;
}

/** Effect `matrix.deactivate`. Harmless when repeated, and for an account that is gone. Does nothing once somebody uses the name again: late deliveries must not end what is theirs. */
export const deactivateMatrixAccount: EffectHandler = async (ctx, payload) => {
  const admin = ctx.services.matrix?.admin;
  if (!admin) return;
  const { matrixId, erase } = DeactivatePayload.parse(payload);
  if (await isInUse(ctx, matrixId)) return;
  await admin.deactivate(matrixId, erase);
  await new Plan(ctx).write(markMatrixStatusOf(ctx, matrixId, erase ? "erased" : "deactivated")).commit();
};
