// @ts-check
/** How Stripe's API speaks: forms in, JSON out, errors in an envelope. */

/** A decoded form; lists are forms whose names are numbers. @typedef {{ [name: string]: string | Form }} Form */
/** @typedef {{ type?: string, code?: string, param?: string, message: string, decline_code?: string }} ErrorBody */
/** @typedef {{ state: import("./state.mjs").State, id: string, form: Form }} Call */
/** `params` are the top-level parameters that it takes; any other is refused. @typedef {{ method: string, path: string, params: readonly string[], handle: (call: Call) => object }} Route */

/** A refusal. */
export class StripeFault extends Error {
  /** @param {number} status @param {ErrorBody} body */
  constructor(status, body) {
    super(body.message);
    this.status = status;
    this.body = { type: "invalid_request_error", ...body };
  }
}

/** @param {string} message @param {{ code?: string, param?: string }} [more] */
export const invalid = (message, more = {}) => new StripeFault(400, { message, ...more });

/** What a path names and is not there. @param {string} noun @param {string} id @param {string} [param] */
export const missing = (noun, id, param = "id") => new StripeFault(404, { message: `No such ${noun}: '${id}'`, code: "resource_missing", param });

/** What a parameter names and is not there. @param {string} noun @param {string} id @param {string} param */
export const missingParam = (noun, id, param) => new StripeFault(400, { message: `No such ${noun}: '${id}'`, code: "resource_missing", param });

/** @param {string} declineCode */
export const declined = (declineCode = "generic_decline") =>
  new StripeFault(402, { type: "card_error", code: "card_declined", decline_code: declineCode, message: "Your card was declined." });

/** @param {object} body @param {number} [status] @param {Record<string, string>} [headers] */
export const json = (body, status = 200, headers = {}) => new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json", ...headers } });

/** A body as text. workerd warns of forms that are read by text(). @param {Request} request */
export const readText = async (request) => new TextDecoder().decode(await request.arrayBuffer());

/** `a[b][0]=c` as nested forms. @param {Iterable<readonly [string, string]>} pairs @returns {Form} */
export function parseForm(pairs) {
  /** @type {Form} */
  const root = {};
  for (const [name, value] of pairs) {
    const keys = name.split("[").map((key) => key.replace(/\]$/, ""));
    let at = root;
    for (const key of keys.slice(0, -1)) {
      const next = at[key];
      at = typeof next === "object" ? next : (at[key] = {});
    }
    at[keys.at(-1) ?? ""] = value;
  }
  return root;
}

/** @param {Form} form @param {readonly string[]} known */
export function checkNames(form, known) {
  const stranger = Object.keys(form).find((name) => name !== "expand" && !known.includes(name));
  if (stranger !== undefined) throw invalid(`Received unknown parameter: ${stranger}`, { code: "parameter_unknown", param: stranger });
}

/** A text; null when it is absent. @param {Form | undefined} form @param {string} name @returns {string | null} */
export function text(form, name) {
  const value = form?.[name];
  return typeof value === "string" ? value : null;
}

/** @param {Form} form @param {string} name @param {string} [param] */
export function required(form, name, param = name) {
  const value = text(form, name);
  if (value === null || value === "") throw invalid(`Missing required param: ${param}.`, { code: "parameter_missing", param });
  return value;
}

/** @param {Form} form @param {string} name @returns {number | null} */
export function integer(form, name) {
  const value = text(form, name);
  if (value === null || value === "") return null;
  if (!/^-?\d+$/.test(value)) throw invalid(`Invalid integer: ${value}`, { code: "parameter_invalid_integer", param: name });
  return Number(value);
}

/** @param {Form} form @param {string} name @returns {boolean | null} */
export function flag(form, name) {
  const value = text(form, name);
  if (value === null) return null;
  if (value !== "true" && value !== "false") throw invalid(`Invalid boolean: ${value}`, { param: name });
  return value === "true";
}

/** @param {Form | undefined} form @param {string} name @returns {Form[]} */
export function listOf(form, name) {
  const value = form?.[name];
  return typeof value === "object" ? Object.values(value).flatMap((item) => (typeof item === "object" ? [item] : [])) : [];
}

/** @param {Form | undefined} form @param {string} name @returns {Record<string, string>} */
export function textsOf(form, name) {
  const value = form?.[name];
  return typeof value === "object" ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, String(item)])) : {};
}

/** @param {Form} form @param {string} name @returns {Form | undefined} */
export function formOf(form, name) {
  const value = form[name];
  return typeof value === "object" ? value : undefined;
}

/** The id of what a path names, `""` where it names nothing; null when it is another path. @param {string} path @param {string} pattern */
export function matchPath(path, pattern) {
  const hit = new RegExp(`^${pattern.replace(":id", "([^/]+)")}$`).exec(path);
  return hit ? decodeURIComponent(hit[1] ?? "") : null;
}

/**
 * One page of a list, newest first.
 * @template {{ id: string }} T
 * @param {readonly T[]} items oldest first @param {Form} form @param {string} url
 */
export function page(items, form, url) {
  const limit = integer(form, "limit") ?? 10;
  if (limit < 1 || limit > 100) throw invalid("This value must be between 1 and 100.", { param: "limit" });
  const all = items.toReversed();
  const after = text(form, "starting_after");
  const start = after === null ? 0 : all.findIndex(({ id }) => id === after) + 1;
  if (after !== null && start === 0) throw missingParam("object", after, "starting_after");
  return { object: /** @type {const} */ ("list"), data: all.slice(start, start + limit), has_more: all.length > start + limit, url };
}
