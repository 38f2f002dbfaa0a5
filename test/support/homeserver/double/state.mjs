/** What the double knows: accounts, devices, tokens, rooms. All of it is gone with the process. */
import { badParam, forbidden, MatrixError, unknown } from "./wire.mjs";

/**
 * @typedef {{ displayName: string | null, lastSeenAt: number | null, userAgent: string | null }} Device
 * @typedef {{ userId: string, localpart: string, password: string | null, displayName: string | null, avatarUrl: string | null, admin: boolean, deactivated: boolean, erased: boolean, locked: boolean, appservice: boolean, userType: string | null, createdAt: number, lastSeenAt: number | null, devices: Map<string, Device>, accountData: Map<string, unknown>, mediaCount: number, mediaLength: number }} User
 * @typedef {{ userId: string, deviceId: string | null, expiresAt: number | null }} Token
 * @typedef {{ type: string, sender: string, content: Record<string, any>, eventId: string, sentAt: number, roomId: string, stateKey?: string }} RoomEvent
 * @typedef {{ roomId: string, version: string, creator: string, events: RoomEvent[], state: Map<string, RoomEvent>, published: boolean }} Room
 * @typedef {{ delete_id: string, room_id: string, status: string, shutdown_room: unknown }} Deletion
 *
 * @typedef {object} State
 * @property {string} serverName
 * @property {string} asToken
 * @property {string} registrationSecret
 * @property {User} appserviceUser sender of the application service; no account of the server's
 * @property {Map<string, User>} users
 * @property {Map<string, Token>} tokens
 * @property {Map<string, Room>} rooms
 * @property {Map<string, string>} aliases room of each
 * @property {Map<string, number>} nonces when each ends
 * @property {Map<string, unknown>} transactions what was answered to each
 * @property {Map<string, Deletion>} deletions
 * @property {Set<string>} blockedRooms
 */

/** Until the work that Synapse does after its answer is done: long enough to be noticed by who does not wait for it. */
const BACKGROUND_MS = 20;

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** @param {number} length @param {string} [alphabet] */
export const randomText = (length, alphabet = ALPHABET) => Array.from(crypto.getRandomValues(new Uint8Array(length)), (byte) => alphabet[byte % alphabet.length]).join("");

/** Does `work` after the present answer, as the server's own background processes do. @param {() => void} work */
export function later(work) {
  const timer = setTimeout(work, BACKGROUND_MS);
  if (typeof timer === "object") timer.unref?.();
}

/** @param {string} serverName @param {string} localpart @returns {User} */
function newUser(serverName, localpart) {
  return {
    userId: `@${localpart}:${serverName}`,
    localpart,
    password: null,
    displayName: localpart,
    avatarUrl: null,
    admin: false,
    deactivated: false,
    erased: false,
    locked: false,
    appservice: false,
    userType: null,
    createdAt: Math.floor(Date.now() / 1_000) * 1_000,
    lastSeenAt: null,
    devices: new Map(),
    accountData: new Map(),
    mediaCount: 0,
    mediaLength: 0,
  };
}

/** @param {{ serverName: string }} options @returns {State} */
export function newState({ serverName }) {
  return {
    serverName,
    asToken: randomText(32),
    registrationSecret: randomText(32),
    appserviceUser: newUser(serverName, "sett_as"),
    users: new Map(),
    tokens: new Map(),
    rooms: new Map(),
    aliases: new Map(),
    nonces: new Map(),
    transactions: new Map(),
    deletions: new Map(),
    blockedRooms: new Set(),
  };
}

/** @param {State} state @param {string} localpart */
export const isAppserviceName = (state, localpart) => /^[a-z0-9_]+_bot$/.test(localpart) || localpart === state.appserviceUser.localpart;

/** Server part of a Matrix id. @param {string} userId */
export function serverOf(userId) {
  if (!userId.startsWith("@")) throw badParam("Expected UserID string to start with '@'");
  const colon = userId.indexOf(":");
  if (colon === -1) throw badParam("Expected UserID of the form '@localname:domain'");
  return userId.slice(colon + 1);
}

/** @param {State} state @param {string} name localpart or whole id */
export const userIdOf = (state, name) => (name.startsWith("@") ? name : `@${name}:${state.serverName}`);

/** Whether a name may be taken. Deactivated accounts keep theirs. @param {State} state @param {string} localpart @param {{ appservice: boolean }} by */
export function checkName(state, localpart, { appservice }) {
  const invalid = (/** @type {string} */ error) => new MatrixError(400, "M_INVALID_USERNAME", error);
  if (!/^[a-z0-9=_\-./+]*$/.test(localpart)) throw invalid("User ID can only contain characters a-z, 0-9, or '=_-./+'");
  if (localpart === "") throw invalid("User ID cannot be empty");
  if (!appservice && localpart.startsWith("_")) throw invalid("User ID may not begin with _");
  if (/^\d+$/.test(localpart)) throw invalid("Numeric user IDs are reserved for guest users.");
  if (!appservice && isAppserviceName(state, localpart)) throw new MatrixError(400, "M_EXCLUSIVE", "This user ID is reserved by an application service.");
  if (state.users.has(userIdOf(state, localpart))) throw new MatrixError(400, "M_USER_IN_USE", "User ID already taken.");
}

/** @param {State} state @param {string} localpart @param {Partial<User>} facts */
export function addUser(state, localpart, facts) {
  const user = { ...newUser(state.serverName, localpart), ...facts };
  state.users.set(user.userId, user);
  return user;
}

/** @param {string} text */
const encodeName = (text) => btoa(text).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");

/** @param {State} state @param {User} user @param {string | null} deviceId @param {number | null} [expiresAt] */
export function addToken(state, user, deviceId, expiresAt = null) {
  const token = `syt_${encodeName(user.localpart)}_${randomText(20)}_${randomText(6)}`;
  state.tokens.set(token, { userId: user.userId, deviceId, expiresAt });
  return token;
}

/** Signs in on a device, which is made if it is new. Older tokens of it stay valid. @param {State} state @param {User} user @param {unknown} deviceId @param {unknown} displayName */
export function signIn(state, user, deviceId, displayName) {
  const device_id = typeof deviceId === "string" ? deviceId : randomText(10, ALPHABET.slice(0, 26));
  if (!user.devices.has(device_id)) user.devices.set(device_id, { displayName: typeof displayName === "string" ? displayName : null, lastSeenAt: null, userAgent: null });
  return { user_id: user.userId, access_token: addToken(state, user, device_id), home_server: state.serverName, device_id };
}

/** @param {State} state @param {User} user @param {string} deviceId */
export function removeDevice(state, user, deviceId) {
  user.devices.delete(deviceId);
  for (const [token, owner] of state.tokens) if (owner.userId === user.userId && owner.deviceId === deviceId) state.tokens.delete(token);
}

/** Ends every token of an account, those without a device as well. @param {State} state @param {User} user */
export function signOutEverywhere(state, user) {
  user.devices.clear();
  for (const [token, owner] of state.tokens) if (owner.userId === user.userId) state.tokens.delete(token);
}

/** @param {User} user @param {string} displayName */
export function setDisplayName(user, displayName) {
  // Synapse 1.160 cannot write the profile of an erased account.
  if (user.erased) throw unknown(500, "Internal server error");
  if (displayName.length > 256) throw unknown(400, "Displayname is too long (max 256)");
  user.displayName = displayName.trim() === "" ? null : displayName.trim();
}

/** @param {User} user */
export function requireUsable(user) {
  if (user.deactivated) throw new MatrixError(403, "M_USER_DEACTIVATED", "This account has been deactivated");
  if (user.locked) throw new MatrixError(401, "M_USER_LOCKED", "User account has been locked", { soft_logout: true });
}

/** @param {State} state @param {string} userId as given in a request of the application service */
export function findMasqueraded(state, userId) {
  if (userId === state.appserviceUser.userId) return state.appserviceUser;
  if (serverOf(userId) !== state.serverName || !isAppserviceName(state, userId.slice(1, userId.indexOf(":")))) {
    throw forbidden(`Application service cannot masquerade as this user (${userId}).`);
  }
  const user = state.users.get(userId);
  if (!user) throw forbidden(`Application service has not registered this user (${userId})`);
  return user;
}
