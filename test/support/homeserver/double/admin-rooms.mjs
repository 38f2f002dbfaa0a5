/** What a server administrator does with rooms, and what the server tells about itself. */
import { addEvent, contentOf, eventView, findLiveRoom, inviteTo, joinRoom, membershipOf, membersOf, powerOf, setMembership } from "./rooms.mjs";
import { later, randomText } from "./state.mjs";
import { compare } from "./admin-accounts.mjs";
import { badParam, notFound, readChoice, readCount, readDirection, requireKeys, route, unknown } from "./wire.mjs";

/** @typedef {import("./wire.mjs").Call} Call */
/** @typedef {import("./wire.mjs").Route} Route */
/** @typedef {import("./state.mjs").Room} Room */
/** @typedef {import("./state.mjs").State} State */

const ADMIN = "/_synapse/admin";

/** Nothing is left of the state of a room that everybody has left. @param {State} state @param {Room} room */
function summary(state, room) {
  const live = findLiveRoom(state, room.roomId) !== null;
  const text = (/** @type {string} */ type, /** @type {string} */ key) => (live ? (contentOf(room, type)?.[key] ?? null) : null);
  const joined = membersOf(room).length;
  return {
    room_id: room.roomId,
    name: text("m.room.name", "name"),
    canonical_alias: text("m.room.canonical_alias", "alias"),
    joined_members: joined,
    joined_local_members: joined,
    version: room.version,
    creator: room.creator,
    encryption: text("m.room.encryption", "algorithm"),
    federatable: contentOf(room, "m.room.create")?.["m.federate"] !== false,
    public: room.published,
    join_rules: text("m.room.join_rules", "join_rule"),
    guest_access: text("m.room.guest_access", "guest_access"),
    history_visibility: text("m.room.history_visibility", "history_visibility"),
    state_events: room.state.size,
    room_type: text("m.room.create", "type"),
  };
}

const ROOM_ORDER = ["alphabetical", "size", "name", "canonical_alias", "joined_members", "joined_local_members", "version", "creator", "encryption", "federatable", "public", "join_rules", "guest_access", "history_visibility", "state_events"];
const LARGEST_FIRST = ["size", "joined_members", "joined_local_members", "version", "state_events"];

/** @param {Call} call */
function listRooms({ state, query }) {
  const [from, limit] = [readCount(query, "from", 0), readCount(query, "limit", 100)];
  const order = readChoice(query, "order_by", ROOM_ORDER, "name");
  const term = query.get("search_term");
  if (term === "") throw badParam("search_term cannot be an empty string");
  const sign = (readDirection(query) === "b" ? -1 : 1) * (LARGEST_FIRST.includes(order) ? -1 : 1);
  const key = /** @type {"name"} */ ({ alphabetical: "name", size: "joined_members" }[order] ?? order);
  const found = [...state.rooms.values()]
    .map((room) => summary(state, room))
    .filter((room) => term === null || room.room_id === term || [room.name, room.canonical_alias].some((text) => text?.toLowerCase().includes(term.toLowerCase())))
    .sort((a, b) => sign * compare(a[key], b[key]) || compare(a.room_id, b.room_id));
  return {
    offset: from,
    rooms: found.slice(from, from + limit),
    total_rooms: found.length,
    ...(from + limit < found.length ? { next_batch: from + limit } : {}),
    ...(from > 0 ? { prev_batch: Math.max(from - limit, 0) } : {}),
  };
}

/** @param {Call} call */
function requireRoom({ state, params }) {
  const room = state.rooms.get(params["roomId"] ?? "");
  if (!room) throw notFound("Room not found");
  return room;
}

/** @param {Call} call */
function roomDetails(call) {
  const room = requireRoom(call);
  const live = findLiveRoom(call.state, room.roomId) !== null;
  const devices = membersOf(room).reduce((sum, userId) => sum + (call.state.users.get(userId)?.devices.size ?? 0), 0);
  return {
    ...summary(call.state, room),
    avatar: live ? (contentOf(room, "m.room.avatar")?.["url"] ?? null) : null,
    topic: live ? (contentOf(room, "m.room.topic")?.["topic"] ?? null) : null,
    joined_local_devices: devices,
    forgotten: false,
    tombstoned: false,
    replacement_room: null,
  };
}

/** @param {Call} call */
function roomState(call) {
  const room = requireRoom(call);
  const type = call.query.get("type");
  if (!findLiveRoom(call.state, room.roomId)) return { state: [] };
  return { state: [...room.state.values()].filter((event) => type === null || event.type === type).map(eventView) };
}

/** Invites in the name of the administrator, who has to be in the room with the power to, and joins the invited. @param {Call} call */
function joinUser({ state, params, body, requester }) {
  requireKeys(body, ["user_id"]);
  const [userId, roomId] = [String(body["user_id"]), params["roomId"] ?? ""];
  if (!state.users.has(userId)) throw notFound("User not found");
  const room = findLiveRoom(state, roomId);
  if (room && contentOf(room, "m.room.join_rules")?.["join_rule"] !== "public" && membershipOf(room, userId) !== "join") inviteTo(state, requester.user.userId, roomId, userId);
  return { room_id: joinRoom(state, userId, roomId).roomId };
}

/** @param {Call} call */
function makeRoomAdmin({ state, params, body, requester }) {
  const target = String(body["user_id"] ?? requester.user.userId);
  const room = findLiveRoom(state, params["roomId"] ?? "");
  if (!room) throw unknown(400, "Server not in room");
  const [ruler] = membersOf(room).sort((a, b) => powerOf(room, b) - powerOf(room, a));
  if (ruler === undefined || powerOf(room, ruler) < 100) throw unknown(400, "No local admin user in room");
  const levels = contentOf(room, "m.room.power_levels") ?? {};
  addEvent(room, { type: "m.room.power_levels", sender: ruler, stateKey: "", content: { ...levels, users: { ...levels["users"], [target]: 100 } } });
  if (!["join", "invite"].includes(membershipOf(room, target)) && contentOf(room, "m.room.join_rules")?.["join_rule"] !== "public") setMembership(state, room, ruler, target, "invite");
  return {};
}

/** Works on after its answer, and answers for rooms that it does not know as well. @param {Call} call */
function deleteRoom({ state, params, body }) {
  const roomId = params["roomId"] ?? "";
  if (!roomId.startsWith("!")) throw unknown(400, `${roomId} is not a legal room ID`);
  for (const name of ["block", "purge"]) if (name in body && typeof body[name] !== "boolean") throw unknown(400, `Param '${name}' must be a boolean, if given`);
  if ([...state.deletions.values()].some((other) => other.room_id === roomId && other.status === "active")) throw unknown(400, `Purge already in progress for ${roomId}`);
  /** @type {import("./state.mjs").Deletion} */
  const deletion = { delete_id: randomText(16), room_id: roomId, status: "active", shutdown_room: null };
  state.deletions.set(deletion.delete_id, deletion);
  if (body["block"] === true) state.blockedRooms.add(roomId);
  later(() => {
    const room = state.rooms.get(roomId);
    const kicked = room ? [...membersOf(room), ...membersOf(room, "invite")] : [];
    for (const userId of kicked) if (room) setMembership(state, room, userId, userId, "leave");
    for (const [alias, target] of state.aliases) if (target === roomId) state.aliases.delete(alias);
    if (room) room.published = false;
    if (body["purge"] !== false) state.rooms.delete(roomId);
    deletion.status = "complete";
    deletion.shutdown_room = { kicked_users: kicked, failed_to_kick_users: [], local_aliases: [], new_room_id: null };
  });
  return { delete_id: deletion.delete_id };
}

/** @param {Call} call */
function deletionById({ state, params }) {
  const deletion = state.deletions.get(params["deleteId"] ?? "");
  if (!deletion) throw notFound(`delete id '${params["deleteId"]}' not found`);
  return deletion;
}

/** @param {Call} call */
function deletionsOf({ state, params }) {
  const results = [...state.deletions.values()].filter((deletion) => deletion.room_id === params["roomId"]);
  if (results.length === 0) throw notFound(`No delete task for room_id '${params["roomId"]}' found`);
  return { results };
}

/** The Synapse that the double imitates. */
export const IMITATED_VERSION = "1.160.0";

/** @type {readonly Route[]} */
export const adminRoomRoutes = [
  route("GET", `${ADMIN}/v1/rooms`, "admin", "none", listRooms),
  route("GET", `${ADMIN}/v1/rooms/:roomId`, "admin", "none", roomDetails),
  route("GET", `${ADMIN}/v1/rooms/:roomId/members`, "admin", "none", (call) => {
    const members = membersOf(requireRoom(call));
    return { members, total: members.length };
  }),
  route("GET", `${ADMIN}/v1/rooms/:roomId/state`, "admin", "none", roomState),
  route("POST", `${ADMIN}/v1/rooms/:roomId/make_room_admin`, "admin", "optional", makeRoomAdmin),
  route("POST", `${ADMIN}/v1/join/:roomId`, "admin", "needed", joinUser),
  route("DELETE", `${ADMIN}/v2/rooms/:roomId`, "admin", "needed", deleteRoom),
  route("GET", `${ADMIN}/v2/rooms/:roomId/delete_status`, "admin", "none", deletionsOf),
  route("GET", `${ADMIN}/v2/rooms/delete_status/:deleteId`, "admin", "none", deletionById),
  route("GET", `${ADMIN}/v1/server_version`, "none", "none", () => ({ server_version: IMITATED_VERSION })),
  route("GET", `${ADMIN}/v1/background_updates/status`, "admin", "none", () => ({ enabled: true, current_updates: {} })),
  route("GET", `${ADMIN}/v1/statistics/database/rooms`, "admin", "none", () => {
    throw unknown(400, "Endpoint requires using PostgreSQL");
  }),
  route("GET", "/_matrix/client/versions", "none", "none", () => ({ versions: ["v1.1", "v1.11", "v1.12"], unstable_features: {} })),
];
