import type { z } from "zod";
import { isoOrNull } from "../../kernel/clock";
import type { OwnerCtx } from "../../kernel/context";
import { toAdminView, toUserView, type FeaturedRoomAdminListView, type FeaturedRoomUserListView } from "./featured-rooms.schemas";
import { findOnboardedAt, listFeaturedRoomRows } from "./featured-rooms.store";

/** As people see them, and whether this one has been through the list. */
export async function listFeaturedRooms(ctx: OwnerCtx): Promise<z.input<typeof FeaturedRoomUserListView>> {
  const [rows, onboardedAt] = await Promise.all([listFeaturedRoomRows(ctx), findOnboardedAt(ctx, ctx.actor.userId)]);
  return { items: rows.map(toUserView), viewer_onboarded_at: isoOrNull(onboardedAt) };
}

/** As administrators see them. */
export async function listFeaturedRoomsForAdmin(ctx: OwnerCtx): Promise<z.input<typeof FeaturedRoomAdminListView>> {
  return { items: (await listFeaturedRoomRows(ctx)).map(toAdminView) };
}
