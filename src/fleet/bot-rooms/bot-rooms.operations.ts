import { operation, type Operation } from "../../kernel/operation";
import { addBotToRoom } from "./add-bot-to-room";
import { getRoomInfo, listBotRooms, listRoomMessages } from "./bot-rooms.queries";
import { AddBotToRoomBody, BotRef, BotRoomRef, BotRoomRemovedView, BotRoomsView, BotRoomView, modeOf, RoomCleanupView, RoomInfoView, RoomMessagesQuery, RoomMessagesView, RoomRef, toBotRoomView, UpdateBotRoomModeBody } from "./bot-rooms.schemas";
import { cleanUpRoom } from "./clean-up-room";
import { removeBotFromRoom } from "./remove-bot-from-room";
import { setRoomMode } from "./set-room-mode";

const OWNER = ["user", "cliToken"] as const;

/** Fixed paths before those that begin with a bot's id. */
export const operations: readonly Operation[] = [
  operation({
    id: "fleet.bot-rooms.clean-up",
    method: "delete",
    path: "/api/v1/bots/rooms/{room_id}/cleanup",
    tag: "bots",
    summary: "Delete a room that only bots are left in; anybody may ask, the homeserver decides",
    auth: ["none"],
    limit: "public",
    audit: "room.clean_up",
    params: RoomRef,
    output: RoomCleanupView,
  }).handle(({ params }, ctx) => cleanUpRoom(ctx, params.room_id)),
  operation({
    id: "fleet.bot-rooms.info",
    method: "get",
    path: "/api/v1/bots/rooms/{room_id}/info",
    tag: "bots",
    summary: "Who is in a room that the caller or a bot of theirs is in",
    auth: OWNER,
    limit: "read",
    params: RoomRef,
    output: RoomInfoView,
  }).handle(({ params }, ctx) => getRoomInfo(ctx, params.room_id)),
  operation({
    id: "fleet.bot-rooms.messages",
    method: "get",
    path: "/api/v1/bots/rooms/{room_id}/messages",
    tag: "bots",
    summary: "The newest messages of a room, newest first",
    auth: OWNER,
    limit: "read",
    params: RoomRef,
    query: RoomMessagesQuery,
    output: RoomMessagesView,
  }).handle(({ params, query }, ctx) => listRoomMessages(ctx, params.room_id, query.limit)),
  operation({
    id: "fleet.bot-rooms.list",
    method: "get",
    path: "/api/v1/bots/{bot_id}/rooms",
    tag: "bots",
    summary: "Rooms that a bot is in",
    auth: OWNER,
    limit: "read",
    params: BotRef,
    output: BotRoomsView,
  }).handle(async ({ params }, ctx) => (await listBotRooms(ctx, params.bot_id)).map(toBotRoomView)),
  operation({
    id: "fleet.bot-rooms.add",
    method: "post",
    path: "/api/v1/bots/{bot_id}/rooms/{room_id}",
    tag: "bots",
    summary: "Bring a bot into a room; one that is in there gets the mode",
    auth: OWNER,
    limit: "write",
    audit: "bot_room.add",
    params: BotRoomRef,
    body: AddBotToRoomBody,
    bodyOptional: true,
    output: BotRoomView,
    status: 201,
  }).handle(async ({ params, body }, ctx) => toBotRoomView(await addBotToRoom(ctx, params.bot_id, params.room_id, modeOf(body?.mode ?? "auto")))),
  operation({
    id: "fleet.bot-rooms.remove",
    method: "delete",
    path: "/api/v1/bots/{bot_id}/rooms/{room_id}",
    tag: "bots",
    summary: "Take a bot out of a room",
    auth: OWNER,
    limit: "write",
    audit: "bot_room.remove",
    params: BotRoomRef,
    output: BotRoomRemovedView,
  }).handle(async ({ params }, ctx) => {
    const removal = await removeBotFromRoom(ctx, params.bot_id, params.room_id);
    return { success: true, message: removal === "done" ? "The bot has left the room." : "The bot leaves the room as soon as the homeserver answers." };
  }),
  operation({
    id: "fleet.bot-rooms.set-mode",
    method: "patch",
    path: "/api/v1/bots/{bot_id}/rooms/{room_id}/mode",
    tag: "bots",
    summary: "How a bot answers in a room: every message of people, or only when it is mentioned",
    auth: OWNER,
    limit: "write",
    audit: "bot_room.set_mode",
    params: BotRoomRef,
    body: UpdateBotRoomModeBody,
    output: BotRoomView,
  }).handle(async ({ params, body }, ctx) => toBotRoomView(await setRoomMode(ctx, params.bot_id, params.room_id, modeOf(body.mode)))),
];
