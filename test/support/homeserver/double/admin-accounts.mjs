/** What a server administrator does with accounts and devices. */
import { joinedRoomsOf, partRooms, renameInRooms } from "./rooms.mjs";
import { addToken, addUser, checkName, randomText, removeDevice, serverOf, setDisplayName, signIn, signOutEverywhere } from "./state.mjs";
import { json, MatrixError, notFound, readChoice, readCount, readDirection, readFlag, requireKeys, route, unknown } from "./wire.mjs";

/** @typedef {import("./wire.mjs").Call} Call */
/** @typedef {import("./wire.mjs").Route} Route */
/** @typedef {import("./state.mjs").State} State */
/** @typedef {import("./state.mjs").User} User */

const ADMIN = "/_synapse/admin";
const NONCE_MS = 60_000;

/** @param {string} secret @param {string} text */
async function hmacSha1(secret, text) {
  const encoder = new TextEncoder();
  const key = await crypto.subtle.importKey("raw", encoder.encode(secret), { name: "HMAC", hash: "SHA-1" }, false, ["sign"]);
  return Array.from(new Uint8Array(await crypto.subtle.sign("HMAC", key, encoder.encode(text))), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @param {Call} call */
function newNonce({ state }) {
  const nonce = randomText(128, "0123456789abcdef");
  state.nonces.set(nonce, Date.now() + NONCE_MS);
  return { nonce };
}

/** Registration by the shared secret. @param {Call} call */
async function registerBySecret({ state, body }) {
  const missing = (/** @type {string} */ name) => new MatrixError(400, "M_BAD_JSON", `${name} must be specified`);
  const { nonce, username, password, mac, admin = false, user_type: userType = null } = body;
  if (nonce === undefined) throw missing("nonce");
  if (!((state.nonces.get(nonce) ?? 0) > Date.now())) throw unknown(400, "unrecognised nonce");
  state.nonces.delete(nonce);
  if (username === undefined) throw missing("username");
  if (typeof username !== "string" || username === "" || username.includes("\0")) throw unknown(400, "Invalid username");
  if (password === undefined) throw missing("password");
  if (typeof password !== "string" || password.includes("\0")) throw unknown(400, "Invalid password");
  if (mac === undefined) throw missing("mac");
  const want = await hmacSha1(state.registrationSecret, [nonce, username, password, admin === true ? "admin" : "notadmin", ...(userType === null ? [] : [userType])].join("\0"));
  if (mac !== want) throw unknown(403, "HMAC incorrect");
  const localpart = username.toLowerCase();
  checkName(state, localpart, { appservice: false });
  const displayName = typeof body["displayname"] === "string" && body["displayname"] !== "" ? body["displayname"] : localpart;
  const user = addUser(state, localpart, { password, displayName, admin: admin === true, userType });
  const answer = { user_id: user.userId, home_server: state.serverName };
  return body["inhibit_login"] === true ? answer : { ...answer, ...signIn(state, user, undefined, undefined) };
}

/** `creation_ts` is in seconds here and in milliseconds in the list. @param {User} user */
const details = (user) => ({
  name: user.userId,
  admin: user.admin,
  deactivated: user.deactivated,
  locked: user.locked,
  shadow_banned: false,
  creation_ts: user.createdAt / 1_000,
  appservice_id: user.appservice ? "sett" : null,
  consent_server_notice_sent: null,
  consent_version: null,
  consent_ts: null,
  user_type: user.userType,
  is_guest: false,
  suspended: false,
  displayname: user.displayName,
  avatar_url: user.avatarUrl,
  threepids: [],
  external_ids: [],
  erased: user.erased,
  last_seen_ts: user.lastSeenAt,
});

/** @param {Call} call @param {{ foreign: string, unknown: string }} words */
function targetUser({ state, params }, words) {
  const userId = params["userId"] ?? "";
  if (serverOf(userId) !== state.serverName) throw unknown(400, words.foreign);
  const user = state.users.get(userId);
  if (!user) throw notFound(words.unknown);
  return user;
}

const ACCOUNT = { foreign: "Can only look up local users", unknown: "User not found" };
const DEVICES = { foreign: "Can only lookup local users", unknown: "Unknown user" };

/** @param {Record<string, any>} body */
function checkChanges(body) {
  if ("admin" in body && typeof body["admin"] !== "boolean") throw new MatrixError(400, "M_BAD_JSON", "Param 'admin' must be a boolean, if given");
  if (body["password"] !== undefined && body["password"] !== null && typeof body["password"] !== "string") throw unknown(400, "Invalid password");
  for (const name of ["logout_devices", "deactivated", "locked"]) if (name in body && typeof body[name] !== "boolean") throw unknown(400, `'${name}' parameter is not of type boolean`);
  if (body["deactivated"] && body["locked"]) throw unknown(400, "An user can't be deactivated and locked");
}

/** @param {Call} call */
function putUser(call) {
  const { state, params, body } = call;
  const userId = params["userId"] ?? "";
  if (serverOf(userId) !== state.serverName) throw unknown(400, "This endpoint can only be used with local users");
  checkChanges(body);
  const user = state.users.get(userId);
  if (user) return details(changeUser(state, user, body));
  const localpart = userId.slice(1, userId.indexOf(":"));
  checkName(state, localpart, { appservice: false });
  const { password = null, displayname, admin = false } = body;
  // A new account is active, whatever `deactivated` says.
  return json(details(addUser(state, localpart, { password, admin, ...(typeof displayname === "string" ? { displayName: displayname } : {}), locked: body["locked"] === true })), 201);
}

/** In Synapse's order: the name comes before the reactivation, so an erased account fails with both. @param {State} state @param {User} user @param {Record<string, any>} body */
function changeUser(state, user, body) {
  if (typeof body["displayname"] === "string") {
    setDisplayName(user, body["displayname"]);
    renameInRooms(state, user);
  }
  if ("admin" in body) user.admin = body["admin"];
  if (typeof body["password"] === "string") setPassword(state, user, body["password"], body["logout_devices"] ?? true);
  if (body["deactivated"] === true && !user.deactivated) deactivate(state, user, false);
  if (body["deactivated"] === false && user.deactivated) [user.deactivated, user.erased] = [false, false];
  if ("locked" in body) user.locked = body["locked"];
  return user;
}

/** @param {State} state @param {User} user @param {string} password @param {boolean} logoutDevices */
function setPassword(state, user, password, logoutDevices) {
  user.password = password;
  if (logoutDevices) signOutEverywhere(state, user);
}

/** @param {State} state @param {User} user @param {boolean} erase */
function deactivate(state, user, erase) {
  signOutEverywhere(state, user);
  user.password = null;
  user.accountData.clear();
  user.deactivated = true;
  if (erase) [user.erased, user.displayName, user.avatarUrl] = [true, null, null];
  partRooms(state, user);
}

const USER_ORDER = ["name", "is_guest", "admin", "user_type", "deactivated", "shadow_banned", "displayname", "avatar_url", "creation_ts", "last_seen_ts", "locked"];

/** @param {Call} call */
function listUsers({ state, query }) {
  const [from, limit] = [readCount(query, "from", 0), readCount(query, "limit", 100)];
  const withDeactivated = readFlag(query, "deactivated") ?? false;
  // There are no guests here, so either answer leaves the list as it is.
  readFlag(query, "guests");
  const orderBy = readChoice(query, "order_by", USER_ORDER, "name");
  const backwards = readDirection(query) === "b";
  const [name, id] = [query.get("name")?.toLowerCase(), query.get("user_id")?.toLowerCase()];
  const matches = [...state.users.values()]
    .filter((user) => withDeactivated || !user.deactivated)
    .filter((user) => name === undefined || user.localpart.includes(name) || user.displayName?.toLowerCase().includes(name))
    .filter((user) => id === undefined || user.userId.includes(id))
    .map((user) => {
      const { name: userId, user_type, is_guest, admin, deactivated, shadow_banned, displayname, avatar_url, erased, last_seen_ts, locked } = details(user);
      return { name: userId, user_type, is_guest, admin, deactivated, shadow_banned, displayname, avatar_url, creation_ts: user.createdAt, approved: true, erased, last_seen_ts, locked };
    })
    .sort((a, b) => (backwards ? -1 : 1) * compare(a[/** @type {"name"} */ (orderBy)], b[/** @type {"name"} */ (orderBy)]) || compare(a.name, b.name));
  return { users: matches.slice(from, from + limit), total: matches.length, ...(from + limit < matches.length ? { next_token: String(from + limit) } : {}) };
}

/** SQLite's order: nothing, then numbers, then text. @param {unknown} a @param {unknown} b */
export function compare(a, b) {
  if (a === b) return 0;
  if (a === null || a === undefined) return -1;
  if (b === null || b === undefined) return 1;
  return /** @type {string} */ (a) < /** @type {string} */ (b) ? -1 : 1;
}

/** @param {User} user */
const deviceViews = (user) =>
  [...user.devices].map(([device_id, device]) => ({
    user_id: user.userId,
    device_id,
    display_name: device.displayName,
    last_seen_user_agent: device.userAgent,
    last_seen_ts: device.lastSeenAt,
    last_seen_ip: device.lastSeenAt === null ? null : "127.0.0.1",
  }));

/** @param {Call} call */
function deleteDevices(call) {
  const user = targetUser(call, DEVICES);
  requireKeys(call.body, ["devices"]);
  for (const deviceId of call.body["devices"]) removeDevice(call.state, user, deviceId);
  return {};
}

/** A token without a device. @param {Call} call */
function loginAs(call) {
  const user = targetUser(call, ACCOUNT);
  if (user === call.requester.user) throw unknown(400, "Cannot use admin API to login as self");
  const validUntil = call.body["valid_until_ms"] ?? null;
  if (validUntil !== null && !Number.isInteger(validUntil)) throw unknown(400, "'valid_until_ms' parameter must be an int");
  return { access_token: addToken(call.state, user, null, validUntil) };
}

/** @param {Call} call */
function resetPassword(call) {
  requireKeys(call.body, ["new_password"]);
  setPassword(call.state, targetUser(call, { ...ACCOUNT, unknown: "Unknown user" }), String(call.body["new_password"]), call.body["logout_devices"] ?? true);
  return {};
}

/** @param {Call} call */
function deactivateUser(call) {
  const erase = call.body["erase"] ?? false;
  if (typeof erase !== "boolean") throw new MatrixError(400, "M_BAD_JSON", "Param 'erase' must be a boolean, if given");
  deactivate(call.state, targetUser(call, ACCOUNT), erase);
  return { id_server_unbind_result: "success" };
}

/** @param {Call} call */
function mediaUse({ state, query }) {
  const orderBy = readChoice(query, "order_by", ["media_length", "media_count", "user_id", "displayname"], "user_id");
  const [from, limit] = [readCount(query, "from", 0), readCount(query, "limit", 100)];
  const sign = readDirection(query) === "b" ? -1 : 1;
  const rows = [...state.users.values()]
    .filter((user) => user.mediaCount > 0)
    .map((user) => ({ user_id: user.userId, displayname: user.displayName, media_count: user.mediaCount, media_length: user.mediaLength }))
    .sort((a, b) => sign * compare(a[/** @type {"user_id"} */ (orderBy)], b[/** @type {"user_id"} */ (orderBy)]));
  return { users: rows.slice(from, from + limit), total: rows.length, ...(from + limit < rows.length ? { next_token: from + limit } : {}) };
}

/** @type {readonly Route[]} */
export const adminAccountRoutes = [
  route("GET", `${ADMIN}/v1/register`, "none", "none", newNonce),
  route("POST", `${ADMIN}/v1/register`, "none", "needed", registerBySecret),
  route("GET", `${ADMIN}/v2/users`, "admin", "none", listUsers),
  route("GET", `${ADMIN}/v2/users/:userId`, "admin", "none", (call) => details(targetUser(call, ACCOUNT))),
  route("PUT", `${ADMIN}/v2/users/:userId`, "admin", "needed", putUser),
  route("GET", `${ADMIN}/v1/username_available`, "admin", "none", ({ state, query }) => (checkName(state, query.get("username") ?? "", { appservice: false }), { available: true })),
  route("POST", `${ADMIN}/v1/deactivate/:userId`, "admin", "optional", deactivateUser),
  route("POST", `${ADMIN}/v1/reset_password/:userId`, "admin", "needed", resetPassword),
  route("GET", `${ADMIN}/v2/users/:userId/devices`, "admin", "none", (call) => {
    const devices = deviceViews(targetUser(call, DEVICES));
    return { devices, total: devices.length };
  }),
  route("DELETE", `${ADMIN}/v2/users/:userId/devices/:deviceId`, "admin", "none", (call) => (removeDevice(call.state, targetUser(call, DEVICES), call.params["deviceId"] ?? ""), {})),
  route("POST", `${ADMIN}/v2/users/:userId/delete_devices`, "admin", "needed", deleteDevices),
  route("POST", `${ADMIN}/v1/users/:userId/login`, "admin", "optional", loginAs),
  route("GET", `${ADMIN}/v1/users/:userId/joined_rooms`, "admin", "none", ({ state, params }) => {
    const rooms = joinedRoomsOf(state, params["userId"] ?? "");
    return { joined_rooms: rooms, total: rooms.length };
  }),
  route("GET", `${ADMIN}/v1/users/:userId/accountdata`, "admin", "none", (call) => ({ account_data: { global: Object.fromEntries(targetUser(call, ACCOUNT).accountData), rooms: {} } })),
  route("GET", `${ADMIN}/v1/users/:userId/pushers`, "admin", "none", (call) => (targetUser(call, ACCOUNT), { pushers: [], total: 0 })),
  route("GET", `${ADMIN}/v1/statistics/users/media`, "admin", "none", mediaUse),
];
