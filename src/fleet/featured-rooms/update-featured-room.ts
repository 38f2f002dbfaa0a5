import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { notFound } from "../../kernel/errors/app-error";
import { shownOf } from "./featured-rooms.core";
import { toAdminView, type FeaturedRoomAdminView, type FeaturedRoomRef, type UpdateFeaturedRoomBody } from "./featured-rooms.schemas";
import { findFeaturedRoom, updateFeaturedRoomRow } from "./featured-rooms.store";
import { getRoomDetails } from "./room-details";

type Input = z.output<typeof FeaturedRoomRef> & z.output<typeof UpdateFeaturedRoomBody>;

/**
 * Changes what is given, and takes over what the homeserver says when asked to.
 * @throws AppError NOT_FOUND (not shown, or no such room any more); MATRIX_UNAVAILABLE only when the homeserver is asked
 */
export async function updateFeaturedRoom(ctx: OwnerCtx, input: Input): Promise<z.input<typeof FeaturedRoomAdminView>> {
  const details = input.refresh_metadata ? await getRoomDetails(ctx, input.room_id) : {};
  return retryLostUpdate(async () => {
    const now = ctx.clock.now();
    const row = await findFeaturedRoom(ctx, input.room_id);
    if (!row) throw notFound("Featured room");
    const change = {
      ...details,
      displayName: (input.display_name ?? row.displayName) || null,
      description: (input.description ?? row.description) || null,
      displayOrder: input.display_order ?? row.displayOrder,
    };
    await new Plan(ctx)
      .guarded(updateFeaturedRoomRow(ctx, row, change, now))
      .audit({ action: "featured_room.update", subject: { type: "matrix_room", id: row.roomId }, detail: { before: shownOf(row), after: shownOf(change), refreshed: input.refresh_metadata } })
      .commit();
    return toAdminView({ ...row, ...change, updatedAt: now });
  });
}
