import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { isUniqueViolation, Plan } from "../../kernel/db/client";
import { AppError } from "../../kernel/errors/app-error";
import { shownOf } from "./featured-rooms.core";
import { toAdminView, type FeaturedRoomAdminView, type FeatureRoomBody } from "./featured-rooms.schemas";
import { insertFeaturedRoom, type FeaturedRoom } from "./featured-rooms.store";
import { getRoomDetails } from "./room-details";
import { updateFeaturedRoom } from "./update-featured-room";

/**
 * Shows a room that the homeserver has to newcomers; with `create_if_missing` false, changes one that is shown already.
 * @throws AppError MATRIX_UNAVAILABLE, NOT_FOUND (no such room, or not shown), ROOM_ALREADY_FEATURED
 */
export async function featureRoom(ctx: OwnerCtx, input: z.output<typeof FeatureRoomBody>): Promise<z.input<typeof FeaturedRoomAdminView>> {
  if (!input.create_if_missing) return updateFeaturedRoom(ctx, { ...input, refresh_metadata: true });
  const details = await getRoomDetails(ctx, input.room_id);
  const now = ctx.clock.now();
  const row = { roomId: input.room_id, displayName: input.display_name || null, description: input.description || null, ...details, displayOrder: input.display_order ?? null, addedBy: ctx.actor.userId, createdAt: now, updatedAt: now };
  const plan = new Plan(ctx).write(insertFeaturedRoom(ctx, row)).audit({ action: "featured_room.create", subject: { type: "matrix_room", id: input.room_id }, detail: { before: null, after: shownOf(row) } });
  const [inserted] = await plan.commit().catch((error: unknown) => {
    if (isUniqueViolation(error, "featured_rooms.room_id")) throw new AppError("ROOM_ALREADY_FEATURED", "This room is featured already.", { cause: error });
    throw error;
  });
  // The insert returns its row.
  const [created] = inserted as FeaturedRoom[];
  if (!created) throw new Error("the insert of a featured room returned no row");
  return toAdminView(created);
}
