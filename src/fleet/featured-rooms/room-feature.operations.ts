import { operation } from "../../kernel/operation";
import { featureRoom } from "./feature-room";
import { FeaturedRoomAdminView, FeaturedRoomRef } from "./featured-rooms.schemas";
import { unfeatureRoom } from "./unfeature-room";

const PATH = "/api/v1/admin/matrix/rooms/{room_id}/feature";
const TAG = "featured-rooms";

/** The same two things from where administrators look at the homeserver's rooms. */
export const operations = [
  operation({
    id: "fleet.featured-rooms.feature-room",
    method: "post",
    path: PATH,
    tag: TAG,
    summary: "Show this room to newcomers",
    auth: ["admin"],
    limit: "write",
    audit: "featured_room.create",
    params: FeaturedRoomRef,
    output: FeaturedRoomAdminView,
    status: 201,
  }).handle(({ params }, ctx) => featureRoom(ctx, { ...params, create_if_missing: true })),
  operation({
    id: "fleet.featured-rooms.unfeature-room",
    method: "delete",
    path: PATH,
    tag: TAG,
    summary: "Show this room to newcomers no more; may be repeated",
    auth: ["admin"],
    limit: "write",
    audit: "featured_room.delete",
    params: FeaturedRoomRef,
    status: 204,
  }).handle(({ params }, ctx) => unfeatureRoom(ctx, params)),
];
