import { z } from "zod";
import type { BotRoom } from "./bot-rooms.store";

const mode = z.string().regex(/^(auto|mention)$/);
/** Rooms of newer versions have no server in their id. */
export const roomId = z.string().min(1).max(255);
const botId = z.string().min(1).max(64);

export const BotRef = z.object({ bot_id: botId });
export const BotRoomRef = z.object({ bot_id: botId, room_id: roomId });
export const RoomRef = z.object({ room_id: roomId });
export const RoomMessagesQuery = z.object({ limit: z.coerce.number().int().min(1).max(100).default(20) });

export const AddBotToRoomBody = z.object({ mode: mode.default("auto") }).meta({ id: "AddBotToRoomRequest" });
export const UpdateBotRoomModeBody = z.object({ mode }).meta({ id: "UpdateBotRoomModeRequest" });

export const BotRoomView = z.object({ bot_id: z.string(), room_id: z.string(), mode: z.string(), added_at: z.string() }).meta({ id: "BotRoomResponse" });
export const BotRoomsView = z.array(BotRoomView);
export const BotRoomRemovedView = z.object({ success: z.boolean(), message: z.string() }).meta({ id: "BotRoomRemoveResponse" });

export const RoomCleanupView = z.object({ success: z.boolean(), deleted: z.boolean().nullish(), reason: z.string().nullish() }).meta({ id: "RoomCleanupResponse" });

export const RoomMemberView = z
  .object({ user_id: z.string(), display_name: z.string().nullable(), is_bot: z.boolean(), is_own: z.boolean().meta({ description: "The caller, or a bot of the caller." }) })
  .meta({ id: "RoomMember" });
export const RoomInfoView = z
  .object({ room_id: z.string(), members: z.array(RoomMemberView), bots: z.array(RoomMemberView), humans: z.array(RoomMemberView) })
  .meta({ id: "RoomInfoResponse" });

export const RoomMessageView = z
  .object({
    event_id: z.string(),
    sender: z.string(),
    body: z.string().nullable().meta({ description: "Null for encrypted messages." }),
    ts: z.int().meta({ description: "Milliseconds since 1970." }),
    type: z.string(),
    is_bot: z.boolean(),
  })
  .meta({ id: "RoomMessage" });
export const RoomMessagesView = z.object({ messages: z.array(RoomMessageView).meta({ description: "Newest first." }), room_id: z.string() }).meta({ id: "RoomMessagesResponse" });

/** The pattern lets nothing else through. */
export const modeOf = (text: string): "auto" | "mention" => (text === "mention" ? "mention" : "auto");

export const toBotRoomView = (room: BotRoom): z.output<typeof BotRoomView> => ({ bot_id: room.botId, room_id: room.roomId, mode: room.mode, added_at: new Date(room.createdAt).toISOString() });
