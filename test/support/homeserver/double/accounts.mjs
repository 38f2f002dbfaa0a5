/** The client's own side of an account: registration, sign-in, profile, account data. */
import { renameInRooms } from "./rooms.mjs";
import { addUser, checkName, isAppserviceName, removeDevice, requireUsable, setDisplayName, signIn, userIdOf } from "./state.mjs";
import { badParam, deadToken, forbidden, MatrixError, notFound, route, unknown } from "./wire.mjs";

/** @typedef {import("./wire.mjs").Call} Call */
/** @typedef {import("./wire.mjs").Route} Route */

const CLIENT = "/_matrix/client/v3";

/** @param {Request} request */
export const bearerOf = (request) => /^Bearer (.+)$/.exec(request.headers.get("authorization") ?? "")?.[1] ?? null;

/** @param {Call} call */
function register({ state, body, request }) {
  if (body["type"] !== "m.login.application_service") throw forbidden("Registration has been disabled");
  const { username } = body;
  if (typeof username !== "string") throw unknown(400, "Desired Username is missing or not a string");
  const token = bearerOf(request);
  if (token === null) throw unknown(400, "Appservice token must be provided when using a type of m.login.application_service");
  if (token !== state.asToken) throw deadToken("Unrecognised access token");
  if (!isAppserviceName(state, username)) throw new MatrixError(400, "M_EXCLUSIVE", "Invalid user localpart for this application service.");
  checkName(state, username, { appservice: true });
  const user = addUser(state, username, { appservice: true });
  const answer = { user_id: user.userId, home_server: state.serverName };
  return body["inhibit_login"] === true ? answer : { ...answer, ...signIn(state, user, body["device_id"], body["initial_device_display_name"]) };
}

/** @param {Call} call */
function login(call) {
  const { state, body } = call;
  const name = body["identifier"]?.user ?? body["user"];
  const kind = body["type"];
  if ((kind !== "m.login.password" && kind !== "m.login.application_service") || typeof name !== "string") throw badParam("Invalid login submission");
  const user = kind === "m.login.password" ? checkPassword(call, name) : checkAppservice(call, name);
  requireUsable(user);
  return { ...signIn(state, user, body["device_id"], body["initial_device_display_name"]), well_known: { "m.homeserver": { base_url: new URL("/", call.request.url).href } } };
}

/** @param {Call} call @param {string} name */
function checkPassword({ state, body }, name) {
  const user = state.users.get(userIdOf(state, name)) ?? state.users.get(userIdOf(state, name.toLowerCase()));
  if (!user || user.deactivated || user.password === null || user.password !== body["password"]) throw forbidden("Invalid username or password");
  return user;
}

/** @param {Call} call @param {string} name */
function checkAppservice({ state, request }, name) {
  const token = bearerOf(request);
  if (token === null) throw new MatrixError(401, "M_MISSING_TOKEN", "Missing access token");
  if (state.tokens.has(token)) throw deadToken("This login method is only valid for application services");
  if (token !== state.asToken) throw deadToken("Invalid access token passed.");
  const userId = userIdOf(state, name);
  if (userId !== state.appserviceUser.userId && (!userId.endsWith(`:${state.serverName}`) || !isAppserviceName(state, userId.slice(1, userId.indexOf(":"))))) {
    throw forbidden("Invalid access_token");
  }
  const user = state.users.get(userId);
  if (!user) throw unknown(404, "No row found (users)");
  return user;
}

/** Ends the device of the token and with it every other token of that device. @param {Call} call */
function logout({ state, requester }) {
  const { user, token, deviceId, appservice } = requester;
  if (appservice) throw unknown(401, "Unrecognised access token");
  if (deviceId === null) state.tokens.delete(token);
  else removeDevice(state, user, deviceId);
  return {};
}

/** @param {Call} call */
function profileOf({ state, params }) {
  const user = state.users.get(params["userId"] ?? "");
  if (!user || user.erased) throw unknown(404, "No row found (profiles)");
  return user;
}

/** @param {Call} call */
function putDisplayName({ state, params, body, requester }) {
  if (!("displayname" in body)) throw new MatrixError(400, "M_MISSING_PARAM", "Missing key 'displayname'");
  const user = state.users.get(params["userId"] ?? "");
  if (!user || (user.userId !== requester.user.userId && !requester.user.admin)) throw new MatrixError(400, "M_FORBIDDEN", "Cannot set another user's displayname");
  if (typeof body["displayname"] !== "string") throw badParam("'displayname' must be a string");
  setDisplayName(user, body["displayname"]);
  renameInRooms(state, user);
  return {};
}

/** @param {Call} call */
function ownAccountData({ params, requester }) {
  if (params["userId"] !== requester.user.userId) throw forbidden("Cannot get or add account data for other users.");
  return requester.user.accountData;
}

/** @param {Call} call */
function readAccountData(call) {
  const data = ownAccountData(call);
  const type = call.params["type"] ?? "";
  if (!data.has(type)) throw notFound("Account data not found");
  return data.get(type);
}

/** @param {Call} call */
function upload({ requester, size, state }) {
  requester.user.mediaCount += 1;
  requester.user.mediaLength += size;
  return { content_uri: `mxc://${state.serverName}/media${requester.user.mediaCount}${requester.user.localpart}` };
}

/** @type {readonly Route[]} */
export const accountRoutes = [
  route("POST", `${CLIENT}/register`, "none", "needed", register),
  route("POST", `${CLIENT}/login`, "none", "needed", login),
  route("POST", `${CLIENT}/logout`, "user", "none", logout),
  route("GET", `${CLIENT}/account/whoami`, "user", "none", ({ requester: { user, deviceId } }) => ({ user_id: user.userId, is_guest: false, ...(deviceId === null ? {} : { device_id: deviceId }) })),
  route("GET", `${CLIENT}/profile/:userId`, "none", "none", (call) => {
    const { displayName, avatarUrl } = profileOf(call);
    return { ...(displayName === null ? {} : { displayname: displayName }), ...(avatarUrl === null ? {} : { avatar_url: avatarUrl }) };
  }),
  route("GET", `${CLIENT}/profile/:userId/displayname`, "none", "none", (call) => ({ displayname: profileOf(call).displayName })),
  route("PUT", `${CLIENT}/profile/:userId/displayname`, "user", "needed", putDisplayName),
  route("GET", `${CLIENT}/user/:userId/account_data/:type`, "user", "none", readAccountData),
  route("PUT", `${CLIENT}/user/:userId/account_data/:type`, "user", "needed", (call) => (ownAccountData(call).set(call.params["type"] ?? "", call.body), {})),
  route("POST", "/_matrix/media/v3/upload", "user", "raw", upload),
];
