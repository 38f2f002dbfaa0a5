import type { z } from "zod";
import { iso } from "../../kernel/clock";
import type { OwnerCtx } from "../../kernel/context";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { AppError } from "../../kernel/errors/app-error";
import type { AcknowledgedView } from "./featured-rooms.schemas";
import { findOnboardedAt, markOnboarded } from "./featured-rooms.store";

/** Notes that a person has been through the list; the first time stays. @throws AppError UNAUTHENTICATED when the account is gone */
export function acknowledgeFeaturedRooms(ctx: OwnerCtx): Promise<z.input<typeof AcknowledgedView>> {
  return retryLostUpdate(async () => {
    const now = ctx.clock.now();
    const known = await findOnboardedAt(ctx, ctx.actor.userId);
    if (known === undefined) throw new AppError("UNAUTHENTICATED", "This account does not exist any more.");
    if (known !== null) return { onboarded_at: iso(known) };
    await new Plan(ctx)
      .guarded(markOnboarded(ctx, ctx.actor.userId, now))
      .audit({ action: "featured_rooms.acknowledge", subject: { type: "account", id: ctx.actor.userId } })
      .commit();
    return { onboarded_at: iso(now) };
  });
}
