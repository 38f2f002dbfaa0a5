/** Rules of rooms: events, state, membership, power. */
import { later, randomText } from "./state.mjs";
import { forbidden, unknown } from "./wire.mjs";

/** @typedef {import("./state.mjs").State} State */
/** @typedef {import("./state.mjs").User} User */
/** @typedef {import("./state.mjs").Room} Room */
/** @typedef {import("./state.mjs").RoomEvent} RoomEvent */

const URL_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** @param {State} state @param {string} version */
export const newRoomId = (state, version) => (version === "12" ? `!${randomText(43, URL_ALPHABET)}` : `!${randomText(18)}:${state.serverName}`);

/** @param {Room} room @param {string} type @param {string} [stateKey] @returns {Record<string, any> | undefined} */
export const contentOf = (room, type, stateKey = "") => room.state.get(`${type}\0${stateKey}`)?.content;

/** @param {Room} room @param {{ type: string, sender: string, content: Record<string, any>, stateKey?: string }} facts @returns {RoomEvent} */
export function addEvent(room, facts) {
  // Later than the one before, so that order and time agree.
  const sentAt = Math.max(Date.now(), (room.events.at(-1)?.sentAt ?? 0) + 1);
  const first = room.events.length === 0 && room.version === "12";
  const event = { ...facts, eventId: first ? `$${room.roomId.slice(1)}` : `$${randomText(43, URL_ALPHABET)}`, sentAt, roomId: room.roomId };
  room.events.push(event);
  if (facts.stateKey !== undefined) room.state.set(`${facts.type}\0${facts.stateKey}`, event);
  return event;
}

/** @param {Room} room @param {string} userId @returns {string} `join`, `invite`, `leave`, `ban` or `none` */
export const membershipOf = (room, userId) => contentOf(room, "m.room.member", userId)?.["membership"] ?? "none";

/** @param {Room} room @param {string} [membership] */
export function membersOf(room, membership = "join") {
  const members = [...room.state.values()].filter((event) => event.type === "m.room.member" && event.content["membership"] === membership);
  return members.map((event) => event.stateKey ?? "");
}

/** @param {State} state @param {string} userId */
export const joinedRoomsOf = (state, userId) => [...state.rooms.values()].filter((room) => membershipOf(room, userId) === "join").map(({ roomId }) => roomId);

/** @param {Room} room @param {string} userId */
export function powerOf(room, userId) {
  const create = contentOf(room, "m.room.create") ?? {};
  if (room.version === "12" && (room.creator === userId || create["additional_creators"]?.includes(userId))) return Infinity;
  const levels = contentOf(room, "m.room.power_levels") ?? {};
  return levels["users"]?.[userId] ?? levels["users_default"] ?? 0;
}

/** @param {Room} room @param {string} action `invite`, `kick` or an event type @param {"action" | "event" | "state"} kind */
export function powerNeeded(room, action, kind) {
  const levels = contentOf(room, "m.room.power_levels") ?? {};
  if (kind === "action") return levels[action] ?? (action === "invite" ? 0 : 50);
  return levels["events"]?.[action] ?? (kind === "state" ? (levels["state_default"] ?? 50) : (levels["events_default"] ?? 0));
}

/** @param {State} state @param {Room} room @param {string} sender @param {string} userId @param {string} membership @param {Record<string, unknown>} [more] */
export function setMembership(state, room, sender, userId, membership, more = {}) {
  const displayname = state.users.get(userId)?.displayName ?? (userId === state.appserviceUser.userId ? state.appserviceUser.localpart : null);
  const profile = membership === "leave" || displayname === null ? {} : { displayname };
  return addEvent(room, { type: "m.room.member", sender, stateKey: userId, content: { ...more, ...profile, membership } });
}

/** A room that a client can act in, or null: the server forgets its way into one that everybody has left. @param {State} state @param {string} roomId */
export function findLiveRoom(state, roomId) {
  const room = state.rooms.get(roomId);
  return room && membersOf(room).length > 0 ? room : null;
}

/** Joins as a client does. @param {State} state @param {string} userId @param {string} target room or alias */
export function joinRoom(state, userId, target) {
  const roomId = resolveTarget(state, target);
  if (state.blockedRooms.has(roomId)) throw unknown(403, "This room has been blocked on this server");
  const room = findLiveRoom(state, roomId);
  if (!room) throw unknown(404, "Can't join remote room because no servers that are in the room have been provided.");
  const membership = membershipOf(room, userId);
  if (membership === "join") return room;
  if (membership === "ban") throw forbidden("You are banned from this room");
  if (membership !== "invite" && contentOf(room, "m.room.join_rules")?.["join_rule"] !== "public") throw forbidden("You are not invited to this room.");
  setMembership(state, room, userId, userId, "join");
  return room;
}

/** @param {State} state @param {string} target */
function resolveTarget(state, target) {
  if (target.startsWith("#")) {
    const roomId = state.aliases.get(target);
    if (roomId === undefined) throw unknownAlias(target);
    return roomId;
  }
  if (!target.startsWith("!") || (!target.includes(":") && target.length !== 44)) throw unknown(400, `${target} was not legal room ID or room alias`);
  return target;
}

/** @param {string} alias */
export function unknownAlias(alias) {
  const error = unknown(404, `Room alias ${alias} not found`);
  error.body.errcode = "M_NOT_FOUND";
  return error;
}

/** @param {State} state @param {string} sender @param {string} roomId @param {string} target @param {boolean} [direct] */
export function inviteTo(state, sender, roomId, target, direct) {
  const room = state.rooms.get(roomId);
  if (!room) throw forbidden("Unknown room");
  if (membershipOf(room, sender) !== "join") throw forbidden(`${sender} not in room ${roomId}.`);
  const membership = membershipOf(room, target);
  if (membership === "join") throw forbidden(`${target} is already in the room.`);
  if (membership === "ban") throw forbidden(`${target} is banned from the room`);
  if (powerOf(room, sender) < powerNeeded(room, "invite", "action")) throw forbidden("You don't have permission to invite users");
  if (membership !== "invite") setMembership(state, room, sender, target, "invite", direct ? { is_direct: true } : {});
}

/** @param {State} state @param {string} userId @param {string} roomId */
export function leaveRoom(state, userId, roomId) {
  const room = state.rooms.get(roomId);
  if (!room) throw unknown(404, "Not a known room");
  const membership = membershipOf(room, userId);
  if (membership === "none" || membership === "ban") throw forbidden(`${userId} not in room ${roomId}.`);
  if (membership !== "leave") setMembership(state, room, userId, userId, "leave");
}

/** Takes an account out of its rooms: invites at once, the rest in the background. @param {State} state @param {User} user */
export function partRooms(state, user) {
  const rooms = [...state.rooms.values()];
  for (const room of rooms) if (membershipOf(room, user.userId) === "invite") setMembership(state, room, user.userId, user.userId, "leave");
  const joined = rooms.filter((room) => membershipOf(room, user.userId) === "join");
  later(() => {
    for (const room of joined) if (membershipOf(room, user.userId) === "join") setMembership(state, room, user.userId, user.userId, "leave");
  });
}

/** Tells an account's rooms its new name, in the background. @param {State} state @param {User} user */
export function renameInRooms(state, user) {
  const joined = joinedRoomsOf(state, user.userId).flatMap((roomId) => state.rooms.get(roomId) ?? []);
  later(() => {
    for (const room of joined) if (membershipOf(room, user.userId) === "join") setMembership(state, room, user.userId, user.userId, "join");
  });
}

/** The part of a room that a user may read: all of it, or what there was when they left. @param {State} state @param {string} userId @param {string} roomId @returns {Room} */
export function readableRoom(state, userId, roomId) {
  const room = state.rooms.get(roomId);
  const membership = room ? membershipOf(room, userId) : "none";
  if (room && membership === "join") return room;
  const wasIn = room?.events.some((event) => event.stateKey === userId && event.type === "m.room.member" && event.content["membership"] === "join");
  if (!room || membership !== "leave" || !wasIn) throw forbidden(`User ${userId} not in room ${roomId}, and room previews are disabled`);
  const end = room.events.findLastIndex((event) => event.stateKey === userId && event.type === "m.room.member");
  const events = room.events.slice(0, end + 1);
  return { ...room, events, state: new Map(events.flatMap((event) => (event.stateKey === undefined ? [] : [[`${event.type}\0${event.stateKey}`, event]]))) };
}

/** An event as clients see it. @param {RoomEvent} event */
export function eventView({ type, sender, content, eventId, sentAt, roomId, stateKey }) {
  const age = Date.now() - sentAt;
  return { type, sender, user_id: sender, content, event_id: eventId, origin_server_ts: sentAt, room_id: roomId, ...(stateKey === undefined ? {} : { state_key: stateKey }), age, unsigned: { age } };
}
