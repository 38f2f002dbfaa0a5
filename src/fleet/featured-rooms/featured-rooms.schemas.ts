import { z } from "zod";
import { iso } from "../../kernel/clock";
import type { FeaturedRoom } from "./featured-rooms.store";

const RoomId = z.string().trim().min(1).max(255);
const DisplayName = z.string().trim().max(255);
const Description = z.string().trim().max(2_000);
const DisplayOrder = z.int().min(0).max(1_000_000);

export const FeaturedRoomRef = z.object({ room_id: z.string().min(1).max(255) });

export const FeatureRoomBody = z
  .object({
    room_id: RoomId,
    display_name: DisplayName.nullish(),
    description: Description.nullish(),
    display_order: DisplayOrder.nullish().describe("Last when it is missing."),
    create_if_missing: z.boolean().default(true).describe("False changes a room that is featured already, and only that."),
  })
  .meta({ id: "FeaturedRoomCreateRequest" });

/** What is absent or null stays; an empty text takes the name or the description away. */
export const UpdateFeaturedRoomBody = z
  .object({
    display_name: DisplayName.nullish(),
    description: Description.nullish(),
    display_order: DisplayOrder.nullish(),
    refresh_metadata: z.boolean().default(false).describe("Takes over again what the homeserver says of the room."),
  })
  .meta({ id: "FeaturedRoomUpdateRequest" });

export const FeaturedRoomAdminView = z
  .object({
    room_id: z.string(),
    display_name: z.string().nullable(),
    description: z.string().nullable(),
    matrix_name: z.string().nullable(),
    matrix_topic: z.string().nullable(),
    matrix_avatar_url: z.string().nullable(),
    matrix_canonical_alias: z.string().nullable(),
    matrix_joined_member_count: z.int().nullable(),
    display_order: z.int(),
    added_by: z.int().nullable(),
    added_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
  })
  .meta({ id: "FeaturedRoomAdminItem" });

export const FeaturedRoomAdminListView = z.object({ items: z.array(FeaturedRoomAdminView) }).meta({ id: "FeaturedRoomAdminListResponse" });

const FeaturedRoomUserView = z
  .object({
    room_id: z.string(),
    name: z.string().nullable(),
    description: z.string().nullable(),
    topic: z.string().nullable(),
    avatar_url: z.string().nullable(),
    canonical_alias: z.string().nullable(),
    joined_member_count: z.int().nullable(),
  })
  .meta({ id: "FeaturedRoomUserItem" });

export const FeaturedRoomUserListView = z.object({ items: z.array(FeaturedRoomUserView), viewer_onboarded_at: z.iso.datetime().nullable() }).meta({ id: "FeaturedRoomUserListResponse" });

export const AcknowledgedView = z.object({ onboarded_at: z.iso.datetime() }).meta({ id: "FeaturedRoomAcknowledgeResponse" });

export const toAdminView = (row: FeaturedRoom): z.input<typeof FeaturedRoomAdminView> => ({
  room_id: row.roomId,
  display_name: row.displayName,
  description: row.description,
  matrix_name: row.matrixName,
  matrix_topic: row.matrixTopic,
  matrix_avatar_url: row.matrixAvatarUrl,
  matrix_canonical_alias: row.matrixCanonicalAlias,
  matrix_joined_member_count: row.matrixJoinedMemberCount,
  display_order: row.displayOrder,
  added_by: row.addedBy,
  added_at: iso(row.createdAt),
  updated_at: iso(row.updatedAt),
});

export const toUserView = (row: FeaturedRoom): z.input<typeof FeaturedRoomUserView> => ({
  room_id: row.roomId,
  name: row.displayName ?? row.matrixName,
  description: row.description,
  topic: row.matrixTopic,
  avatar_url: row.matrixAvatarUrl,
  canonical_alias: row.matrixCanonicalAlias,
  joined_member_count: row.matrixJoinedMemberCount,
});
