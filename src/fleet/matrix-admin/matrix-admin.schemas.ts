import { z } from "zod";
import { isoOrNull } from "../../kernel/clock";
import type { MatrixAccount, MatrixRoom } from "../../kernel/ports/matrix";
import { ROOM_ORDERS, toDirection } from "./matrix-admin.core";
import { ENDPOINT_METHODS, isSafeEndpoint } from "./test-endpoint.core";

const MAX_OFFSET = 1_000_000_000;
/** Most rooms whose times one call asks for: each is a request of its own. */
const MAX_META_ROOMS = 200;

const Flag = z.stringbool().meta({ type: "boolean" });
const RoomId = z.string().min(1).max(255);

export const MatrixUserRef = z.object({ user_id: z.string().min(1).max(255) });
export const MatrixRoomRef = z.object({ room_id: RoomId });

export const ListUsersQuery = z.object({
  from_user: z.coerce.number().int().min(0).max(MAX_OFFSET).default(0),
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
  guests: Flag.optional(),
  deactivated: Flag.optional(),
});

export const MatrixUserView = z
  .object({
    user_id: z.string(),
    displayname: z.string().nullable(),
    avatar_url: z.string().nullable(),
    admin: z.boolean(),
    deactivated: z.boolean(),
    is_guest: z.boolean(),
    creation_ts: z.int().nullable().describe("Milliseconds, in lists and alone."),
    shadow_banned: z.boolean().nullable(),
    erased: z.boolean().nullable(),
    locked: z.boolean().nullable(),
  })
  .meta({ id: "MatrixUserResponse" });

export const MatrixUserListView = z.object({ users: z.array(MatrixUserView), total: z.int(), next_token: z.string().nullable() }).meta({ id: "MatrixUsersListResponse" });

export const DeactivateUserBody = z.object({ erase: z.boolean().default(false) }).meta({ id: "MatrixDeactivateUserRequest" });
export const DeactivatedUserView = z.object({ success: z.boolean(), user_id: z.string(), erased: z.boolean(), message: z.string() }).meta({ id: "MatrixUserDeactivated" });

export const ResetPasswordBody = z.object({ new_password: z.string().min(8).max(512), logout_devices: z.boolean().default(true) }).meta({ id: "MatrixResetPasswordRequest" });
export const ResetPasswordView = z.object({ success: z.boolean(), user_id: z.string(), logged_out_devices: z.boolean(), message: z.string() }).meta({ id: "MatrixPasswordReset" });

export const ListRoomsQuery = z.object({
  from_room: z.coerce.number().int().min(0).max(MAX_OFFSET).default(0),
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
  order_by: z.enum(ROOM_ORDERS).optional(),
  dir: z
    .string()
    .max(16)
    .default("b")
    .transform((text, check) => {
      const direction = toDirection(text);
      if (direction) return direction;
      check.addIssue({ code: "custom", message: "dir should be f, asc, ascending, b, desc or descending" });
      return z.NEVER;
    }),
});

export const MatrixRoomView = z
  .object({
    room_id: z.string(),
    name: z.string().nullable(),
    canonical_alias: z.string().nullable(),
    joined_members: z.int(),
    joined_local_members: z.int(),
    version: z.string().nullable(),
    creator: z.string().nullable(),
    encryption: z.string().nullable(),
    federatable: z.boolean(),
    public: z.boolean(),
    join_rules: z.string().nullable(),
    guest_access: z.string().nullable(),
    history_visibility: z.string().nullable(),
    state_events: z.int().nullable(),
    topic: z.string().nullable(),
    avatar_url: z.string().nullable(),
    joined_local_devices: z.int().nullable(),
    created_at: z.iso.datetime().nullable().describe("Null in lists; `rooms/meta` tells it."),
  })
  .meta({ id: "MatrixRoomResponse" });

export const MatrixRoomListView = z.object({ rooms: z.array(MatrixRoomView), total_rooms: z.int(), next_batch: z.string().nullable() }).meta({ id: "MatrixRoomsListResponse" });

export const RoomsMetaBody = z.object({ room_ids: z.array(RoomId).max(MAX_META_ROOMS) }).meta({ id: "MatrixRoomsMetaRequest" });
const RoomMetaView = z.object({ created_at: z.iso.datetime().nullable() }).meta({ id: "MatrixRoomMeta" });
export const RoomsMetaView = z.object({ rooms: z.record(z.string(), RoomMetaView) }).meta({ id: "MatrixRoomsMetaResponse" });

export const DeleteRoomBody = z.object({ block: z.boolean().default(false), purge: z.boolean().default(true) }).meta({ id: "MatrixDeleteRoomRequest" });
export const DeletedRoomView = z.object({ success: z.boolean(), room_id: z.string(), delete_id: z.string(), message: z.string() }).meta({ id: "MatrixRoomDeletion" });

export const RoomMembersView = z.object({ members: z.array(z.string()), total: z.int() }).meta({ id: "MatrixRoomMembersResponse" });

export const ServerVersionView = z.object({ server_version: z.string(), python_version: z.string().nullable() }).meta({ id: "MatrixServerVersionResponse" });

export const ServerStatsView = z
  .object({
    media: z.object({ users: z.int(), files: z.int(), bytes: z.int(), complete: z.boolean().describe("False when there are so many users that only the first were counted.") }),
    users: z.object({ total: z.int(), active: z.int(), deactivated: z.int() }),
    rooms: z.object({ total: z.int() }),
  })
  .meta({ id: "MatrixServerStatsResponse" });

export const TestEndpointBody = z
  .object({
    endpoint: z.string().min(1).max(2_000).refine(isSafeEndpoint, "endpoint should be a plain path below /_matrix/ or /_synapse/"),
    method: z
      .string()
      .max(16)
      .default("GET")
      .transform((text) => text.toUpperCase())
      .pipe(z.enum(ENDPOINT_METHODS)),
    body: z.record(z.string(), z.unknown()).nullish(),
  })
  .meta({ id: "MatrixTestEndpointRequest" });

export const TestEndpointView = z
  .object({
    status: z.int(),
    headers: z.record(z.string(), z.string()),
    data: z.unknown().describe("The answer when it is JSON, else null."),
    text: z.string().nullable(),
    success: z.boolean(),
    error: z.string().nullable(),
    errcode: z.string().nullable(),
  })
  .meta({ id: "MatrixTestEndpointResponse" });

export const toUserView = (account: MatrixAccount): z.input<typeof MatrixUserView> => ({
  user_id: account.userId,
  displayname: account.displayName,
  avatar_url: account.avatarUrl,
  admin: account.admin,
  deactivated: account.deactivated,
  is_guest: account.guest,
  creation_ts: account.createdAt,
  shadow_banned: account.shadowBanned,
  erased: account.erased,
  locked: account.locked,
});

export const toRoomView = (room: MatrixRoom, createdAt: number | null): z.input<typeof MatrixRoomView> => ({
  room_id: room.roomId,
  name: room.name,
  canonical_alias: room.canonicalAlias,
  joined_members: room.joinedMembers,
  joined_local_members: room.joinedLocalMembers,
  version: room.version,
  creator: room.creator,
  encryption: room.encryption,
  federatable: room.federatable,
  public: room.public,
  join_rules: room.joinRules,
  guest_access: room.guestAccess,
  history_visibility: room.historyVisibility,
  state_events: room.stateEvents,
  topic: room.topic,
  avatar_url: room.avatarUrl,
  joined_local_devices: room.joinedLocalDevices,
  created_at: isoOrNull(createdAt),
});
