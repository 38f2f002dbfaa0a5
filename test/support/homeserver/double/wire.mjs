/** How the double speaks: routes, bodies, query parameters and errors, in Synapse's words. */

/** An answer that is no success. */
export class MatrixError extends Error {
  /** @param {number} status @param {string} errcode @param {string} error @param {Record<string, unknown>} [more] */
  constructor(status, errcode, error, more = {}) {
    super(error);
    this.status = status;
    this.body = { errcode, error, ...more };
  }
}

export const forbidden = (/** @type {string} */ error) => new MatrixError(403, "M_FORBIDDEN", error);
export const notFound = (/** @type {string} */ error) => new MatrixError(404, "M_NOT_FOUND", error);
export const unknown = (/** @type {number} */ status, /** @type {string} */ error) => new MatrixError(status, "M_UNKNOWN", error);
export const badParam = (/** @type {string} */ error) => new MatrixError(400, "M_INVALID_PARAM", error);
export const deadToken = (/** @type {string} */ error, soft_logout = false) => new MatrixError(401, "M_UNKNOWN_TOKEN", error, { soft_logout });

/**
 * @typedef {import("./state.mjs").State} State
 * @typedef {import("./state.mjs").User} User
 * @typedef {Record<string, any>} Json
 * @typedef {{ user: User, token: string, deviceId: string | null, appservice: boolean }} Requester
 * @typedef {object} Call
 * @property {State} state
 * @property {Readonly<Record<string, string>>} params
 * @property {URLSearchParams} query
 * @property {Json} body
 * @property {Requester} requester of a route whose auth is "none": nobody
 * @property {string} path
 * @property {Request} request
 * @property {number} size bytes of the body
 *
 * @typedef {object} Route
 * @property {string} method
 * @property {string} path with `:name` for what varies
 * @property {"none" | "user" | "admin"} auth
 * @property {"none" | "optional" | "needed" | "raw"} body
 * @property {(call: Call) => unknown} handle answers the body of a 200, or a whole Response
 */

/**
 * @param {string} method
 * @param {string} path
 * @param {Route["auth"]} auth
 * @param {Route["body"]} body
 * @param {Route["handle"]} handle
 * @returns {Route}
 */
export const route = (method, path, auth, body, handle) => ({ method, path, auth, body, handle });

/** @param {unknown} body @param {number} status */
export const json = (body, status) => new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json", "cache-control": "no-cache, no-store, must-revalidate" } });

/** What a segment says, or null when it is no proper percent encoding. @param {string} segment */
function decode(segment) {
  try {
    return decodeURIComponent(segment);
  } catch {
    return null;
  }
}

/** @param {string} path @param {string} pattern @returns {Record<string, string> | null} */
export function matchPath(path, pattern) {
  const [have, want] = [path.split("/"), pattern.split("/")];
  if (have.length !== want.length) return null;
  /** @type {Record<string, string>} */
  const params = {};
  for (const [index, part] of want.entries()) {
    const text = decode(have[index] ?? "");
    if (text === null) return null;
    if (part.startsWith(":")) params[part.slice(1)] = text;
    else if (part !== text) return null;
  }
  return params;
}

/** @param {string} text @param {Route["body"]} how @returns {Json} */
export function parseBody(text, how) {
  if (how === "none" || how === "raw" || (how === "optional" && text === "")) return {};
  let body;
  try {
    body = JSON.parse(text);
  } catch {
    throw new MatrixError(400, "M_NOT_JSON", "Content not JSON.");
  }
  if (typeof body !== "object" || body === null || Array.isArray(body)) throw new MatrixError(400, "M_BAD_JSON", "Content must be a JSON object.");
  return body;
}

/** @param {Json} body @param {readonly string[]} names */
export function requireKeys(body, names) {
  const missing = names.filter((name) => !(name in body));
  if (missing.length > 0) throw new MatrixError(400, "M_MISSING_PARAM", `Missing params: [${missing.map((name) => `'${name}'`).join(", ")}]`);
}

/** @param {URLSearchParams} query @param {string} name @param {number} absent */
export function readCount(query, name, absent) {
  const text = query.get(name);
  if (text === null) return absent;
  if (!/^-?\d+$/.test(text)) throw badParam(`Query parameter '${name}' must be an integer`);
  if (Number(text) < 0) throw badParam(`Query parameter ${name} must be a positive integer.`);
  return Number(text);
}

/** @param {URLSearchParams} query @param {string} name @param {readonly string[]} allowed @param {string} absent */
export function readChoice(query, name, allowed, absent) {
  const text = query.get(name) ?? absent;
  if (!allowed.includes(text)) throw badParam(`Query parameter '${name}' must be one of [${allowed.map((choice) => `'${choice}'`).join(", ")}]`);
  return text;
}

/** @param {URLSearchParams} query @returns {"f" | "b"} */
export const readDirection = (query) => /** @type {"f" | "b"} */ (readChoice(query, "dir", ["b", "f"], "f"));

/** @param {URLSearchParams} query @param {string} name @returns {boolean | null} null when it is absent */
export function readFlag(query, name) {
  const text = query.get(name);
  if (text === null) return null;
  if (text !== "true" && text !== "false") throw badParam(`Boolean query parameter '${name}' must be one of ['true', 'false']`);
  return text === "true";
}
