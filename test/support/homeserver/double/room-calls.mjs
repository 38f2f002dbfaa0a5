/** What clients do in rooms. */
import { addEvent, contentOf, eventView, findLiveRoom, inviteTo, joinedRoomsOf, joinRoom, leaveRoom, membershipOf, membersOf, newRoomId, powerNeeded, powerOf, readableRoom, setMembership, unknownAlias } from "./rooms.mjs";
import { serverOf } from "./state.mjs";
import { forbidden, MatrixError, notFound, readCount, readDirection, requireKeys, route, unknown } from "./wire.mjs";

/** @typedef {import("./wire.mjs").Call} Call */
/** @typedef {import("./wire.mjs").Route} Route */
/** @typedef {import("./state.mjs").Room} Room */
/** @typedef {import("./state.mjs").State} State */

const MAX_EVENT_BYTES = 65_536;
const CLIENT = "/_matrix/client/v3";
const ROOM = `${CLIENT}/rooms/:roomId`;

const PRESETS = new Map([
  ["private_chat", { joinRule: "invite", guests: true, power: { invite: 0 }, inviteesRule: false }],
  ["trusted_private_chat", { joinRule: "invite", guests: true, power: { invite: 0 }, inviteesRule: true }],
  ["public_chat", { joinRule: "public", guests: false, power: {}, inviteesRule: false }],
]);

/** @param {string} version @param {readonly string[]} rulers @param {Record<string, unknown>} more */
const powerLevels = (version, rulers, more) => ({
  users: version === "12" ? {} : Object.fromEntries(rulers.map((userId) => [userId, 100])),
  users_default: 0,
  events: {
    "m.room.name": 50,
    "m.room.power_levels": 100,
    "m.room.history_visibility": 100,
    "m.room.canonical_alias": 50,
    "m.room.avatar": 50,
    "m.room.tombstone": version === "12" ? 150 : 100,
    "m.room.server_acl": 100,
    "m.room.encryption": 100,
  },
  events_default: 0,
  state_default: 50,
  ban: 50,
  kick: 50,
  redact: 50,
  invite: 50,
  historical: 100,
  ...more,
});

/** @param {Call} call @param {string} alias */
function checkAlias({ state, requester }, alias) {
  if (requester.appservice) throw new MatrixError(400, "M_EXCLUSIVE", "This application service has not reserved this kind of alias.");
  if (state.aliases.has(alias)) throw new MatrixError(400, "M_ROOM_IN_USE", "Room alias already taken");
}

/** @param {Call} call */
function createRoom(call) {
  const { state, body, requester } = call;
  const creator = requester.user.userId;
  const version = body["room_version"] ?? "11";
  if (version !== "11" && version !== "12") throw new MatrixError(400, "M_UNSUPPORTED_ROOM_VERSION", "Your homeserver does not support this room version");
  const isPublic = body["visibility"] === "public";
  const presetName = body["preset"] ?? (isPublic ? "public_chat" : "private_chat");
  const preset = PRESETS.get(presetName);
  if (!preset) throw new MatrixError(400, "M_BAD_JSON", `'${presetName}' is not a valid preset`);
  /** @type {string[]} */
  const invite = body["invite"] ?? [];
  for (const userId of invite) if (!/^@[^:]+:.+/.test(String(userId))) throw unknown(400, `Invalid user_id: ${userId}`);
  const alias = typeof body["room_alias_name"] === "string" ? `#${body["room_alias_name"]}:${state.serverName}` : null;
  if (alias !== null) checkAlias(call, alias);

  /** @type {Room} */
  const room = { roomId: newRoomId(state, version), version, creator, events: [], state: new Map(), published: isPublic };
  const add = (/** @type {string} */ type, /** @type {Record<string, any>} */ content, stateKey = "") => addEvent(room, { type, sender: creator, content, stateKey });
  const rulers = preset.inviteesRule ? [creator, ...invite] : [creator];
  add("m.room.create", { ...body["creation_content"], ...(version === "12" && rulers.length > 1 ? { additional_creators: rulers.slice(1) } : {}), room_version: version });
  setMembership(state, room, creator, creator, "join");
  add("m.room.power_levels", { ...powerLevels(version, rulers, preset.power), ...body["power_level_content_override"] });
  if (alias !== null) add("m.room.canonical_alias", { alias });
  add("m.room.join_rules", { join_rule: preset.joinRule });
  add("m.room.history_visibility", { history_visibility: "shared" });
  if (preset.guests) add("m.room.guest_access", { guest_access: "can_join" });
  for (const { type, state_key: stateKey = "", content } of body["initial_state"] ?? []) add(type, content, stateKey);
  if (typeof body["name"] === "string") add("m.room.name", { name: body["name"] });
  if (typeof body["topic"] === "string") add("m.room.topic", { topic: body["topic"] });
  state.rooms.set(room.roomId, room);
  if (alias !== null) state.aliases.set(alias, room.roomId);
  // Nobody asks whether they exist.
  for (const userId of new Set(invite)) if (userId !== creator) inviteTo(state, creator, room.roomId, userId, body["is_direct"] === true);
  return { room_id: room.roomId };
}

/** @param {Call} call */
function kick({ state, params, body, requester }) {
  requireKeys(body, ["user_id"]);
  const [sender, target] = [requester.user.userId, String(body["user_id"])];
  const room = state.rooms.get(params["roomId"] ?? "");
  if (!room) throw forbidden("Unknown room");
  if (membershipOf(room, sender) !== "join") throw forbidden(`${sender} not in room ${room.roomId}.`);
  if (membershipOf(room, target) === "none" || membershipOf(room, target) === "leave") throw forbidden("The target user is not in the room");
  if (powerOf(room, sender) < powerNeeded(room, "kick", "action") || powerOf(room, sender) <= powerOf(room, target)) throw forbidden(`You cannot kick user ${target}.`);
  setMembership(state, room, sender, target, "leave");
  return {};
}

/** @param {Call} call @param {boolean} asState */
function requireSender({ state, params, requester }, asState) {
  const [roomId, sender, type] = [params["roomId"] ?? "", requester.user.userId, params["type"] ?? ""];
  const room = state.rooms.get(roomId);
  if (!room || membershipOf(room, sender) !== "join") throw forbidden(`User ${sender} not in room ${roomId}`);
  const needed = powerNeeded(room, type, asState ? "state" : "event");
  if (powerOf(room, sender) < needed) throw forbidden(`You don't have permission to post that to the room. user_level (${powerOf(room, sender)}) < send_level (${needed})`);
  return room;
}

/** A transaction belongs to a device, to a token without one, or to the whole application service, whoever it acts as. @param {Call} call */
function send(call) {
  const { state, params, body, requester, path } = call;
  const scope = requester.appservice ? "appservice" : requester.deviceId === null ? requester.token : `${requester.user.userId} ${requester.deviceId}`;
  const key = `${path} ${scope}`;
  const known = state.transactions.get(key);
  if (known !== undefined) return known;
  const room = requireSender(call, false);
  if (call.size > MAX_EVENT_BYTES) throw new MatrixError(413, "M_TOO_LARGE", "event too large");
  const event = addEvent(room, { type: params["type"] ?? "", sender: requester.user.userId, content: body });
  const answer = { event_id: event.eventId };
  state.transactions.set(key, answer);
  return answer;
}

/** @param {Call} call */
function putState(call) {
  const { params, body, requester } = call;
  const event = addEvent(requireSender(call, true), { type: params["type"] ?? "", sender: requester.user.userId, content: body, stateKey: params["stateKey"] ?? "" });
  return { event_id: event.eventId };
}

/** @param {Call} call */
function messages({ state, params, query, requester }) {
  const backwards = readDirection(query) === "b";
  const limit = readCount(query, "limit", 10);
  const room = readableRoom(state, requester.user.userId, params["roomId"] ?? "");
  const filter = JSON.parse(query.get("filter") ?? "{}");
  const wanted = (/** @type {import("./state.mjs").RoomEvent} */ event) => (!filter.types || filter.types.includes(event.type)) && (!filter.senders || filter.senders.includes(event.sender));
  const from = query.get("from") === null ? (backwards ? room.events.length : 0) : Number(/^t(\d+)$/.exec(query.get("from") ?? "")?.[1] ?? NaN);
  if (Number.isNaN(from)) throw new MatrixError(400, "M_INVALID_PARAM", "'from' parameter is invalid");
  const indexed = room.events.map((event, index) => ({ event, index })).filter(({ event }) => wanted(event));
  const ahead = backwards ? indexed.filter(({ index }) => index < from).reverse() : indexed.filter(({ index }) => index >= from);
  const page = ahead.slice(0, limit);
  const last = page.at(-1);
  return { chunk: page.map(({ event }) => eventView(event)), start: `t${from}`, ...(last ? { end: `t${backwards ? last.index : last.index + 1}` } : {}) };
}

/** The application service needs only one of its users in the room, whomever it acts as. @param {Call} call */
function joinedMembers({ state, params, requester }) {
  const roomId = params["roomId"] ?? "";
  const room = state.rooms.get(roomId);
  const members = room ? membersOf(room) : [];
  if (requester.appservice) {
    if (!members.some((userId) => state.users.get(userId)?.appservice)) throw forbidden("Appservice not in room");
  } else if (!members.includes(requester.user.userId)) {
    readableRoom(state, requester.user.userId, roomId);
    throw forbidden("Getting joined members while not being a current member of the room is forbidden.");
  }
  return { joined: Object.fromEntries(members.map((userId) => [userId, { display_name: (room && contentOf(room, "m.room.member", userId)?.["displayname"]) ?? null, avatar_url: null }])) };
}

/** @param {Call} call */
function readState({ state, params, requester }) {
  const content = contentOf(readableRoom(state, requester.user.userId, params["roomId"] ?? ""), params["type"] ?? "", params["stateKey"] ?? "");
  if (!content) throw notFound("Event not found.");
  return content;
}

/** @param {Call} call */
function findAlias({ state, params }) {
  const alias = params["alias"] ?? "";
  const roomId = state.aliases.get(alias);
  if (roomId === undefined) throw unknownAlias(alias);
  return { room_id: roomId, servers: [state.serverName] };
}

/** @param {Call} call */
function putAlias(call) {
  const { state, params, body, requester } = call;
  const alias = params["alias"] ?? "";
  requireKeys(body, ["room_id"]);
  if (requester.appservice) checkAlias(call, alias);
  const room = state.rooms.get(body["room_id"]);
  if (!room || membershipOf(room, requester.user.userId) !== "join") throw forbidden("You must be in the room to create an alias for it");
  if (state.aliases.has(alias)) throw unknown(409, `Room alias ${alias} already exists`);
  state.aliases.set(alias, room.roomId);
  return {};
}

/** @param {Call} call */
function publish({ state, params, body, requester }) {
  const room = state.rooms.get(params["roomId"] ?? "");
  if (!room) throw unknown(400, "Unknown room");
  const mayEdit = membershipOf(room, requester.user.userId) === "join" && powerOf(room, requester.user.userId) >= powerNeeded(room, "m.room.canonical_alias", "state");
  if (!mayEdit && !requester.user.admin) throw forbidden("This server requires you to be a moderator in the room to edit its room list entry");
  room.published = (body["visibility"] ?? "public") === "public";
  return {};
}

/** @param {State} state @param {number} limit @param {string} [term] */
function publicRooms(state, limit, term) {
  const text = (/** @type {Room} */ room, /** @type {string} */ type, /** @type {string} */ key) => contentOf(room, type)?.[key];
  const chunk = [...state.rooms.values()]
    .filter((room) => room.published && findLiveRoom(state, room.roomId) && text(room, "m.room.join_rules", "join_rule") === "public")
    .map((room) => ({
      room_id: room.roomId,
      name: text(room, "m.room.name", "name"),
      topic: text(room, "m.room.topic", "topic"),
      canonical_alias: text(room, "m.room.canonical_alias", "alias"),
      num_joined_members: membersOf(room).length,
      world_readable: text(room, "m.room.history_visibility", "history_visibility") === "world_readable",
      guest_can_join: text(room, "m.room.guest_access", "guest_access") === "can_join",
      join_rule: "public",
    }))
    .filter((room) => !term || [room.name, room.topic, room.canonical_alias].some((value) => value?.toLowerCase().includes(term.toLowerCase())));
  return { chunk: chunk.slice(0, limit), total_room_count_estimate: chunk.length, ...(chunk.length > limit ? { next_batch: String(limit) } : {}) };
}

/** @type {readonly Route[]} */
export const roomRoutes = [
  route("POST", `${CLIENT}/createRoom`, "user", "needed", createRoom),
  route("GET", `${CLIENT}/joined_rooms`, "user", "none", ({ state, requester }) => ({ joined_rooms: joinedRoomsOf(state, requester.user.userId) })),
  route("POST", `${CLIENT}/join/:target`, "user", "optional", ({ state, params, requester }) => ({ room_id: joinRoom(state, requester.user.userId, params["target"] ?? "").roomId })),
  route("POST", `${ROOM}/join`, "user", "optional", ({ state, params, requester }) => ({ room_id: joinRoom(state, requester.user.userId, params["roomId"] ?? "").roomId })),
  route("POST", `${ROOM}/invite`, "user", "needed", ({ state, params, body, requester }) => {
    requireKeys(body, ["user_id"]);
    serverOf(String(body["user_id"]));
    inviteTo(state, requester.user.userId, params["roomId"] ?? "", String(body["user_id"]));
    return {};
  }),
  route("POST", `${ROOM}/leave`, "user", "optional", ({ state, params, requester }) => (leaveRoom(state, requester.user.userId, params["roomId"] ?? ""), {})),
  route("POST", `${ROOM}/kick`, "user", "needed", kick),
  route("PUT", `${ROOM}/send/:type/:txn`, "user", "needed", send),
  route("GET", `${ROOM}/messages`, "user", "none", messages),
  route("GET", `${ROOM}/joined_members`, "user", "none", joinedMembers),
  route("GET", `${ROOM}/state`, "user", "none", ({ state, params, requester }) => [...readableRoom(state, requester.user.userId, params["roomId"] ?? "").state.values()].map(eventView)),
  route("GET", `${ROOM}/state/:type`, "user", "none", readState),
  route("GET", `${ROOM}/state/:type/:stateKey`, "user", "none", readState),
  route("PUT", `${ROOM}/state/:type`, "user", "needed", putState),
  route("PUT", `${ROOM}/state/:type/:stateKey`, "user", "needed", putState),
  route("GET", `${CLIENT}/directory/room/:alias`, "none", "none", findAlias),
  route("PUT", `${CLIENT}/directory/room/:alias`, "user", "needed", putAlias),
  route("GET", `${CLIENT}/directory/list/room/:roomId`, "none", "none", ({ state, params }) => {
    const room = state.rooms.get(params["roomId"] ?? "");
    if (!room) throw notFound("Unknown room");
    return { visibility: room.published ? "public" : "private" };
  }),
  route("PUT", `${CLIENT}/directory/list/room/:roomId`, "user", "needed", publish),
  route("GET", `${CLIENT}/publicRooms`, "user", "none", ({ state, query }) => publicRooms(state, readCount(query, "limit", 100))),
  route("POST", `${CLIENT}/publicRooms`, "user", "optional", ({ state, body }) => publicRooms(state, body["limit"] ?? 100, body["filter"]?.generic_search_term)),
];
