import type { z } from "zod";
import type { OwnerCtx } from "../../kernel/context";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { shownOf } from "./featured-rooms.core";
import type { FeaturedRoomRef } from "./featured-rooms.schemas";
import { deleteFeaturedRoomRow, findFeaturedRoom } from "./featured-rooms.store";

/** Shows a room no more. One that is not shown is fine, and leaves no trace. */
export function unfeatureRoom(ctx: OwnerCtx, ref: z.output<typeof FeaturedRoomRef>): Promise<void> {
  return retryLostUpdate(async () => {
    const row = await findFeaturedRoom(ctx, ref.room_id);
    if (!row) return;
    await new Plan(ctx)
      .guarded(deleteFeaturedRoomRow(ctx, row))
      .audit({ action: "featured_room.delete", subject: { type: "matrix_room", id: row.roomId }, detail: { before: shownOf(row), after: null } })
      .commit();
  });
}
