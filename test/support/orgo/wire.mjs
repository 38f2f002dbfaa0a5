// @ts-check
/** How Orgo speaks: JSON both ways, every refusal `{ error, request_id }`. */

/** A refusal. */
export class OrgoFault extends Error {
  /** @param {number} status @param {string} message @param {{ upstream_status?: number, code?: string }} [more] */
  constructor(status, message, more = {}) {
    super(message);
    this.status = status;
    this.body = { error: message, ...more };
  }
}

/** @param {unknown} body @param {number} [status] @param {Record<string, string>} [headers] */
export const json = (body, status = 200, headers = {}) => new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json", ...headers } });

/** @param {number} status @param {string} message @param {Record<string, string>} [headers] */
export const refusal = (status, message, headers = {}) => json({ error: message, request_id: crypto.randomUUID() }, status, headers);

/** @param {Request} request @returns {Promise<Record<string, unknown>>} */
export async function readBody(request) {
  const text = new TextDecoder().decode(await request.arrayBuffer());
  if (text === "") return {};
  try {
    const body = JSON.parse(text);
    if (typeof body === "object" && body !== null && !Array.isArray(body)) return body;
  } catch {
    // Told below.
  }
  throw new OrgoFault(400, "Invalid JSON body");
}

/** @param {Record<string, unknown>} body @param {string} name @returns {string} */
export function required(body, name) {
  const value = body[name];
  if (typeof value !== "string" || value === "") throw new OrgoFault(400, `${name} is required`);
  return value;
}
