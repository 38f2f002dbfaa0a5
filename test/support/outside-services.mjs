/** Doubles of the outside services. They speak HTTP and are as strict as the real ones about what they are sent. */
import { generateKeyPairSync, verify } from "node:crypto";
import { createServer } from "node:http";

/**
 * @typedef {{ method: string, path: string, headers: import("node:http").IncomingHttpHeaders, body: any, closedEarly: boolean }} Seen
 * @typedef {import("node:http").ServerResponse} Answer
 * @typedef {{ origin: string, seen: Seen[], close: () => Promise<void> }} Double
 */

/**
 * @param {(seen: Seen, answer: Answer) => Promise<void> | void} reply
 * @returns {Promise<Double>}
 */
async function startDouble(reply) {
  /** @type {Seen[]} */
  const all = [];
  const server = createServer((request, answer) => {
    /** @type {Buffer[]} */
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      const text = Buffer.concat(chunks).toString("utf8");
      const seen = { method: request.method ?? "", path: request.url ?? "", headers: request.headers, body: text === "" ? null : JSON.parse(text), closedEarly: false };
      all.push(seen);
      answer.on("close", () => (seen.closedEarly = !answer.writableFinished));
      void Promise.resolve(reply(seen, answer)).catch((error) => answer.destroy(error));
    });
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", () => ready(undefined)));
  const address = server.address();
  return {
    origin: `http://127.0.0.1:${typeof address === "object" && address ? address.port : 0}`,
    seen: all,
    close: () =>
      new Promise((done) => {
        server.closeAllConnections();
        server.close(() => done());
      }),
  };
}

/** @param {Answer} answer @param {number} status @param {unknown} body @param {Record<string, string>} [headers] */
function sendJson(answer, status, body, headers = {}) {
  answer.writeHead(status, { "content-type": "application/json", ...headers });
  answer.end(JSON.stringify(body));
}

/** @param {Answer} answer @param {number} status @param {string} text */
function sendText(answer, status, text) {
  answer.writeHead(status, { "content-type": "text/plain" });
  answer.end(text);
}

/**
 * Apple's DeviceCheck. Tokens that begin with `bad` are none; every other is a device. `mode` makes it fail.
 * @returns {Promise<Double & { privateKey: string, teamId: string, keyId: string, bits: Map<string, { bit0: boolean, bit1: boolean }>, fail: (mode: "" | "401" | "500" | "hang" | "nonsense") => void }>}
 */
export async function startDeviceCheck() {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const [teamId, keyId] = ["TEAM123456", "KEY1234567"];
  const bits = new Map();
  let mode = "";
  const double = await startDouble(({ method, path, headers, body }, answer) => {
    if (mode === "hang") return;
    if (mode === "500") return sendText(answer, 500, "internal");
    if (mode === "nonsense") return sendText(answer, 200, "<html>maintenance</html>");
    if (mode === "401" || !isSigned(headers.authorization ?? "", publicKey, teamId, keyId)) return sendText(answer, 401, "Unable to verify authorization token");
    const formed = method === "POST" && typeof body?.transaction_id === "string" && Number.isInteger(body?.timestamp) && typeof body?.device_token === "string";
    if (!formed || body.device_token.startsWith("bad") || /\s/.test(body.device_token)) return sendText(answer, 400, "Missing or incorrectly formatted device token payload");
    if (path === "/v1/query_two_bits") {
      const known = bits.get(body.device_token);
      return known ? sendJson(answer, 200, { ...known, last_update_time: "2026-11" }) : sendText(answer, 200, "Failed to find bit state");
    }
    if (path === "/v1/update_two_bits" && typeof body.bit0 === "boolean" && typeof body.bit1 === "boolean") {
      bits.set(body.device_token, { bit0: body.bit0, bit1: body.bit1 });
      answer.writeHead(200).end();
      return;
    }
    sendText(answer, 404, "no such place");
  });
  return { ...double, privateKey: privateKey.export({ type: "pkcs8", format: "pem" }).toString(), teamId, keyId, bits, fail: (next) => void (mode = next) };
}

/** @param {string} authorization @param {import("node:crypto").KeyObject} publicKey @param {string} teamId @param {string} keyId */
function isSigned(authorization, publicKey, teamId, keyId) {
  const [, header = "", claims = "", signature = ""] = /^Bearer ([\w-]+)\.([\w-]+)\.([\w-]+)$/.exec(authorization) ?? [];
  if (!verify("sha256", Buffer.from(`${header}.${claims}`), { key: publicKey, dsaEncoding: "ieee-p1363" }, Buffer.from(signature, "base64url"))) return false;
  const { alg, kid } = JSON.parse(Buffer.from(header, "base64url").toString());
  const { iss, iat } = JSON.parse(Buffer.from(claims, "base64url").toString());
  return alg === "ES256" && kid === keyId && iss === teamId && Math.abs(Date.now() / 1_000 - iat) < 3_600;
}

/**
 * An OpenAI-compatible model that repeats the last message. `mode` is a status to refuse with, or a way to answer.
 * @returns {Promise<Double & { apiKey: string, as: (mode: number | "whole" | "stream" | "broken-stream" | "hang" | "hanging-stream" | "empty" | "endless" | "nonsense") => void }>}
 */
export async function startLanguageModel() {
  const apiKey = "sk-secret-of-the-model";
  /** @type {number | string} */
  let mode = "whole";
  const double = await startDouble(async ({ path, headers, body }, answer) => {
    if (path !== "/v1/chat/completions") return sendText(answer, 404, "no such place");
    if (headers.authorization !== `Bearer ${apiKey}`) return sendJson(answer, 401, { error: { message: `bad key ${headers.authorization}` } });
    if (typeof mode === "number") return sendJson(answer, mode, { error: { message: `refused; key ${apiKey}` } }, mode === 429 ? { "retry-after": "17" } : {});
    if (mode === "hang") return;
    const reply = `You said: ${body.messages.at(-1).content}`;
    if (mode === "nonsense") return sendText(answer, 200, `<html>${reply}</html>`);
    if (mode === "whole" || mode === "empty") return sendJson(answer, 200, { choices: [{ message: { role: "assistant", content: mode === "empty" ? "" : reply } }] });
    answer.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
    answer.write(": keep-alive\n\n");
    if (mode === "endless") {
      while (!answer.destroyed && answer.write(`data: {"choices":[{"delta":{"content":"${"x".repeat(8_000)}"}}]}\n\n`)) await new Promise((next) => setImmediate(next));
      return;
    }
    const text = Buffer.from([...reply.match(/.{1,3}/gsu) ?? [], ""].map((content) => `data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\r\n\r\n`).join(""), "utf8");
    // Cut anywhere, also within a character.
    for (let at = 0; at < text.length; at += 7) answer.write(text.subarray(at, at + 7));
    if (mode === "hanging-stream") return;
    answer.end(mode === "broken-stream" ? "" : "data: [DONE]\n\n");
  });
  return { ...double, apiKey, as: (next) => void (mode = next) };
}

/**
 * Resend's mail API; `sent` holds what it took, once per idempotency key. `mode` is a status to refuse with.
 * @returns {Promise<Double & { apiKey: string, sent: Map<string, { from: string, to: string[], subject: string, text: string, html: string }>, refuse: (status: number, name?: string) => void }>}
 */
export async function startResend() {
  const apiKey = "re_secret_of_resend";
  const sent = new Map();
  let [status, name] = [200, ""];
  const double = await startDouble(({ method, path, headers, body }, answer) => {
    if (method !== "POST" || path !== "/emails") return sendJson(answer, 404, { name: "not_found", message: "" });
    if (!headers["user-agent"]) return sendJson(answer, 403, { name: "missing_user_agent", message: "" });
    if (headers.authorization !== `Bearer ${apiKey}`) return sendJson(answer, 401, { name: "missing_api_key", message: "" });
    if (status !== 200) return sendJson(answer, status, { name, message: `about ${body.to}` });
    const key = String(headers["idempotency-key"] ?? "");
    if (key === "" || key.length > 256) return sendJson(answer, 400, { name: "invalid_idempotency_key", message: "" });
    if (!sent.has(key)) sent.set(key, body);
    sendJson(answer, 200, { id: key });
  });
  return { ...double, apiKey, sent, refuse: (next, slug = "validation_error") => void ([status, name] = [next, slug]) };
}

/**
 * GitHub's workflow_dispatch. Takes one token for one workflow; the ref `main` alone exists. `mode` makes it fail.
 * @returns {Promise<Double & { token: string, fail: (mode: "" | "403" | "limit" | "500" | "hang" | "redirect") => void }>}
 */
export async function startGithub() {
  const token = "github_pat_double";
  let mode = "";
  const double = await startDouble(({ method, path, headers, body }, answer) => {
    if (mode === "hang") return;
    if (mode === "redirect") return void answer.writeHead(307, { location: "https://elsewhere.example/" }).end();
    if (mode === "500") return sendJson(answer, 500, { message: "Server Error" });
    if (mode === "limit") return sendJson(answer, 403, { message: "You have exceeded a secondary rate limit." }, { "retry-after": "7" });
    // GitHub refuses whoever does not say who it is.
    if (!headers["user-agent"]) return sendText(answer, 403, "Request forbidden by administrative rules.");
    if (mode === "403" || headers.authorization !== `Bearer ${token}`) return sendJson(answer, mode === "403" ? 403 : 401, { message: "Bad credentials" });
    const place = /^\/repos\/den\/compat\/actions\/workflows\/([^/]+)\/dispatches$/.exec(path)?.[1];
    if (method !== "POST" || place !== "openclaw-compat.yml") return sendJson(answer, 404, { message: "Not Found" });
    if (headers["x-github-api-version"] !== "2022-11-28" || headers.accept !== "application/vnd.github+json") return sendJson(answer, 415, { message: "Unsupported" });
    const extra = Object.keys(body ?? {}).filter((name) => name !== "ref" && name !== "inputs");
    if (typeof body?.ref !== "string" || extra.length > 0) return sendJson(answer, 400, { message: `Invalid request. ${extra.join(", ")}` });
    if (body.ref !== "main") return sendJson(answer, 422, { message: `No ref found for: ${body.ref}` });
    const wrong = Object.keys(body.inputs ?? {}).filter((name) => !["openclaw_version", "plugin_version", "cli_version", "runtime"].includes(name) || typeof body.inputs[name] !== "string");
    if (wrong.length > 0) return sendJson(answer, 422, { message: `Unexpected inputs provided: ${JSON.stringify(wrong)}` });
    answer.writeHead(204).end();
  });
  return Object.assign(double, { token, fail: (/** @type {any} */ next) => void (mode = next) });
}

/**
 * An npm registry: tags of the packages in `packages`, 404 for all others. `mode` makes it fail.
 * @returns {Promise<Double & { packages: Map<string, string>, fail: (mode: "" | "500" | "hang" | "nonsense" | "huge") => void }>}
 */
export async function startPackageRegistry() {
  /** @type {Map<string, string>} */
  const packages = new Map();
  let mode = "";
  const double = await startDouble(({ method, path }, answer) => {
    if (mode === "hang") return;
    if (mode === "500") return sendText(answer, 500, "internal");
    if (mode === "nonsense") return sendText(answer, 200, "<html>maintenance</html>");
    if (mode === "huge") return sendJson(answer, 200, { latest: "1.0.0", filler: "x".repeat(100_000) });
    const name = /^\/-\/package\/((?:@[a-z-]+%2f)?[a-z-]+)\/dist-tags$/.exec(path)?.[1];
    const latest = name === undefined ? undefined : packages.get(decodeURIComponent(name));
    if (method !== "GET" || latest === undefined) return sendJson(answer, 404, { error: "Not found" });
    sendJson(answer, 200, { latest, next: "99.0.0-beta.1" });
  });
  return Object.assign(double, { packages, fail: (/** @type {any} */ next) => void (mode = next) });
}
