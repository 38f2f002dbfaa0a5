// @ts-check
/** Events on their way to us: signed, in any order, as often as wanted. */

/** @typedef {import("./state.mjs").Event} Event */

/** @param {string} secret @param {string} text @returns {Promise<string>} hex */
async function hmac(secret, text) {
  const encoder = new TextEncoder();
  const key = await crypto.subtle.importKey("raw", encoder.encode(secret), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return Array.from(new Uint8Array(await crypto.subtle.sign("HMAC", key, encoder.encode(text))), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * A webhook as Stripe sends it. Two secrets sign twice, as while one takes the place of the other.
 * @param {Event | object} event @param {string | readonly string[]} secrets @param {number} timestamp s
 * @returns {Promise<{ body: string, header: string }>}
 */
export async function sign(event, secrets, timestamp) {
  const body = JSON.stringify(event, null, 2);
  const signatures = await Promise.all([secrets].flat().map((secret) => hmac(secret, `${timestamp}.${body}`)));
  return { body, header: [`t=${timestamp}`, ...signatures.map((signature) => `v1=${signature}`), `v0=${"0".repeat(64)}`].join(",") };
}

/**
 * Posts events to `url`, one after the other.
 * @param {string} url @param {readonly Event[]} events @param {string} secret @param {(request: Request) => Promise<Response>} [send]
 * @returns {Promise<number[]>} the statuses of the answers
 */
export async function deliver(url, events, secret, send = (request) => fetch(request)) {
  /** @type {number[]} */
  const statuses = [];
  for (const event of events) {
    const { body, header } = await sign(event, secret, Math.floor(Date.now() / 1_000));
    const response = await send(new Request(url, { method: "POST", headers: { "content-type": "application/json; charset=utf-8", "stripe-signature": header, "user-agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)" }, body }));
    await response.arrayBuffer();
    statuses.push(response.status);
  }
  return statuses;
}
