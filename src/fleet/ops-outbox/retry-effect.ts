import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { AppError, notFound } from "../../kernel/errors/app-error";
import { toEffectView, type EffectRef, type OutboxEffectView } from "./outbox.schemas";
import { deleteParked, findShownEffect, unpark, type ShownEffect } from "./outbox.store";

/** Gives an effect that gave up its tries back and delivers it soon. @throws AppError NOT_FOUND, EFFECT_NOT_PARKED */
export async function retryEffect(ctx: OwnerCtx, ref: z.output<typeof EffectRef>): Promise<z.input<typeof OutboxEffectView>> {
  const effect = await retryLostUpdate(async () => {
    const now = ctx.clock.now();
    const before = await requireParked(ctx, ref.effect_id);
    const after = { ...before, parkedAt: null, attempts: 0, dueAt: now };
    await new Plan(ctx).guarded(unpark(ctx, before, now)).audit(auditOf("outbox.retry", before, after)).commit();
    return after;
  });
  await ctx.pokeOutbox([{ id: effect.id, type: effect.type }]);
  return toEffectView(effect);
}

/** Gives up an effect for good; whatever it was to do does not happen. @throws AppError NOT_FOUND, EFFECT_NOT_PARKED */
export function dropEffect(ctx: OwnerCtx, ref: z.output<typeof EffectRef>): Promise<void> {
  return retryLostUpdate(async () => {
    const before = await requireParked(ctx, ref.effect_id);
    await new Plan(ctx).guarded(deleteParked(ctx, before)).audit(auditOf("outbox.drop", before, null)).commit();
  });
}

async function requireParked(ctx: OwnerCtx, id: string): Promise<ShownEffect> {
  const effect = await findShownEffect(ctx, id);
  if (!effect) throw notFound("Effect");
  if (effect.parkedAt === null) throw new AppError("EFFECT_NOT_PARKED", "This effect has not given up; it is tried again by itself.");
  return effect;
}

const auditOf = (action: string, before: ShownEffect, after: ShownEffect | null) => ({
  action,
  tenantId: null,
  subject: { type: "outbox_effect", id: before.id },
  detail: { before: toEffectView(before), after: after && toEffectView(after) },
});
