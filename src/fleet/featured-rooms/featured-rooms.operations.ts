import { operation } from "../../kernel/operation";
import { acknowledgeFeaturedRooms } from "./acknowledge-featured-rooms";
import { featureRoom } from "./feature-room";
import { listFeaturedRooms, listFeaturedRoomsForAdmin } from "./featured-rooms.queries";
import { AcknowledgedView, FeaturedRoomAdminListView, FeaturedRoomAdminView, FeaturedRoomRef, FeaturedRoomUserListView, FeatureRoomBody, UpdateFeaturedRoomBody } from "./featured-rooms.schemas";
import { unfeatureRoom } from "./unfeature-room";
import { updateFeaturedRoom } from "./update-featured-room";

const TAG = "featured-rooms";

/** The two below `/admin/matrix/rooms` are in room-feature.operations. */
export const operations = [
  operation({
    id: "fleet.featured-rooms.list",
    method: "get",
    path: "/api/v1/featured-rooms",
    tag: TAG,
    summary: "Rooms that newcomers are shown, and whether the caller has been through them",
    auth: ["user"],
    limit: "read",
    output: FeaturedRoomUserListView,
  }).handle((_input, ctx) => listFeaturedRooms(ctx)),
  operation({
    id: "fleet.featured-rooms.acknowledge",
    method: "post",
    path: "/api/v1/featured-rooms/acknowledge",
    tag: TAG,
    summary: "Note that the caller has been through the rooms; the first time stays",
    auth: ["user"],
    limit: "write",
    audit: "featured_rooms.acknowledge",
    output: AcknowledgedView,
  }).handle((_input, ctx) => acknowledgeFeaturedRooms(ctx)),
  operation({
    id: "fleet.featured-rooms.list-all",
    method: "get",
    path: "/api/v1/admin/featured-rooms",
    tag: TAG,
    summary: "Featured rooms as administrators see them",
    auth: ["admin"],
    limit: "read",
    output: FeaturedRoomAdminListView,
  }).handle((_input, ctx) => listFeaturedRoomsForAdmin(ctx)),
  operation({
    id: "fleet.featured-rooms.create",
    method: "post",
    path: "/api/v1/admin/featured-rooms",
    tag: TAG,
    summary: "Show a room to newcomers",
    auth: ["admin"],
    limit: "write",
    audit: "featured_room.create",
    body: FeatureRoomBody,
    output: FeaturedRoomAdminView,
    status: 201,
  }).handle(({ body }, ctx) => featureRoom(ctx, body)),
  operation({
    id: "fleet.featured-rooms.update",
    method: "patch",
    path: "/api/v1/admin/featured-rooms/{room_id}",
    tag: TAG,
    summary: "Change how a room is shown, or take over again what the homeserver says of it",
    auth: ["admin"],
    limit: "write",
    audit: "featured_room.update",
    params: FeaturedRoomRef,
    body: UpdateFeaturedRoomBody,
    output: FeaturedRoomAdminView,
  }).handle(({ params, body }, ctx) => updateFeaturedRoom(ctx, { ...params, ...body })),
  operation({
    id: "fleet.featured-rooms.delete",
    method: "delete",
    path: "/api/v1/admin/featured-rooms/{room_id}",
    tag: TAG,
    summary: "Show a room to newcomers no more; may be repeated",
    auth: ["admin"],
    limit: "write",
    audit: "featured_room.delete",
    params: FeaturedRoomRef,
    status: 204,
  }).handle(({ params }, ctx) => unfeatureRoom(ctx, params)),
];
