/** A homeserver in memory that answers like Synapse. It needs nothing but web standards. */
import { accountRoutes, bearerOf } from "./double/accounts.mjs";
import { adminAccountRoutes } from "./double/admin-accounts.mjs";
import { adminRoomRoutes, IMITATED_VERSION } from "./double/admin-rooms.mjs";
import { roomRoutes } from "./double/room-calls.mjs";
import { addUser, findMasqueraded, newState, signIn } from "./double/state.mjs";
import { deadToken, forbidden, json, matchPath, MatrixError, parseBody } from "./double/wire.mjs";

/** @typedef {import("./double/state.mjs").State} State */
/** @typedef {import("./double/wire.mjs").Requester} Requester */

const ROUTES = [...accountRoutes, ...adminAccountRoutes, ...adminRoomRoutes, ...roomRoutes];
const NOBODY = /** @type {Requester} */ (/** @type {unknown} */ (null));

/** @param {State} state @param {Request} request @param {URL} url @returns {Requester} */
function authenticate(state, request, url) {
  const token = bearerOf(request) ?? url.searchParams.get("access_token");
  if (token === null) throw new MatrixError(401, "M_MISSING_TOKEN", "Missing access token");
  if (token === state.asToken) {
    return { user: findMasqueraded(state, url.searchParams.get("user_id") ?? state.appserviceUser.userId), token, deviceId: null, appservice: true };
  }
  const owner = state.tokens.get(token);
  const user = state.users.get(owner?.userId ?? "");
  if (!owner || !user) throw deadToken("Invalid access token passed.");
  const signingOut = url.pathname.endsWith("/logout");
  if (owner.expiresAt !== null && owner.expiresAt < Date.now() && !signingOut) throw deadToken("Access token has expired", true);
  if (user.locked && !signingOut) throw new MatrixError(401, "M_USER_LOCKED", "User account has been locked", { soft_logout: true });
  const device = owner.deviceId === null ? undefined : user.devices.get(owner.deviceId);
  if (device) [device.lastSeenAt, device.userAgent] = [Date.now(), request.headers.get("user-agent")];
  return { user, token, deviceId: owner.deviceId, appservice: false };
}

/** @param {State} state @param {Request} request @returns {Promise<Response>} */
async function answer(state, request) {
  const url = new URL(request.url);
  if (url.pathname === "/health") return new Response("OK");
  const found = ROUTES.map((route) => ({ route, params: matchPath(url.pathname, route.path) })).filter(({ params }) => params !== null);
  const hit = found.find(({ route }) => route.method === request.method);
  if (!hit) throw new MatrixError(found.length > 0 ? 405 : 404, "M_UNRECOGNIZED", "Unrecognized request");
  const { route, params } = hit;
  const requester = route.auth === "none" ? NOBODY : authenticate(state, request, url);
  if (route.auth === "admin" && !requester.user.admin) throw forbidden("You are not a server admin");
  const text = route.body === "none" ? "" : await request.text();
  const body = parseBody(text, route.body);
  const result = await route.handle({ state, params: params ?? {}, query: url.searchParams, body, requester, path: url.pathname, request, size: new TextEncoder().encode(text).length });
  return result instanceof Response ? result : json(result, 200);
}

/**
 * A fresh, empty homeserver with one administrator and one application service.
 * @param {{ serverName?: string }} [options]
 */
export function createHomeserverDouble({ serverName = "localhost" } = {}) {
  const state = newState({ serverName });
  const admin = addUser(state, "sett_admin", { admin: true, password: "admin-of-the-tests" });
  return {
    serverName,
    adminToken: signIn(state, admin, undefined, undefined).access_token,
    asToken: state.asToken,
    registrationSecret: state.registrationSecret,
    version: IMITATED_VERSION,
    /** @param {Request} request @returns {Promise<Response>} */
    async fetch(request) {
      try {
        return await answer(state, request);
      } catch (error) {
        if (error instanceof MatrixError) return json(error.body, error.status);
        throw error;
      }
    },
  };
}
