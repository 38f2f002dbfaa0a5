/** The agent's HTTP: JSON in, JSON out, a bearer token, loopback only. */
import { createHash, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";
import { VmFault } from "./machine.mjs";

/** @typedef {Pick<import("./disk.mjs").VmRecord, "tag" | "cpu" | "ram_gb" | "disk_gb">} VmSpec */
/** @typedef {ReturnType<import("./machine.mjs").Machine["view"]>} VmView */
/**
 * @typedef {object} Provider
 * @property {() => VmView[]} list
 * @property {(id: string) => VmView} find
 * @property {(spec: VmSpec) => Promise<VmView>} create
 * @property {(id: string, change: "start" | "stop" | "restart" | "destroy") => Promise<VmView>} change
 * @property {(id: string, command: string, timeoutMs: number) => Promise<import("./machine.mjs").RunOutcome>} run
 */

const MAX_BODY_BYTES = 256 * 1024;
const MAX_TAG_CHARS = 200;
const MAX_RUN_MS = 600_000;
const STATUS_OF = { gone: 404, not_ready: 409, refused: 422, capacity: 507, unavailable: 503 };

/**
 * @param {string} token @param {Provider} provider
 * @returns {Promise<{ url: string, close: () => Promise<void> }>}
 */
export async function createApi(token, provider) {
  const expected = digest(`Bearer ${token}`);
  const server = createServer((request, response) => {
    const answer = (/** @type {number} */ status, /** @type {unknown} */ body) => {
      response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" }).end(JSON.stringify(body));
    };
    const work = async () => {
      if (!timingSafeEqual(digest(request.headers.authorization ?? ""), expected)) return answer(401, { code: "unauthorized", message: "The agent's token is another." });
      const found = route(request.method ?? "", new URL(request.url ?? "/", "http://agent").pathname);
      if (!found) return answer(404, { code: "no_route", message: "The agent has no such call." });
      answer(200, await found(provider, await readBody(request)));
    };
    work().catch((error) => {
      if (error instanceof VmFault) answer(STATUS_OF[error.code], { code: error.code, message: error.message });
      else answer(500, { code: "unavailable", message: error instanceof Error ? error.message : String(error) });
    });
  });
  await new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => resolve(undefined));
  });
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === "object" && address ? address.port : 0}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Of equal length, so that comparing takes the same time for every guess. @param {string} text */
const digest = (text) => createHash("sha256").update(text).digest();

/** @typedef {(provider: Provider, body: Record<string, unknown>) => unknown} Handler */

/** @param {string} method @param {string} path @returns {Handler | null} */
function route(method, path) {
  const match = /^\/v1\/vms(?:\/([0-9a-f-]{36})(?:\/([a-z]+))?)?$/.exec(path);
  if (!match) {
    // An id of another shape is nobody's.
    return /^\/v1\/vms\/[^/]+(\/[a-z]+)?$/.test(path) ? () => Promise.reject(new VmFault("gone", "There is no such machine.")) : null;
  }
  const [, id, verb] = match;
  if (id === undefined) return method === "GET" ? (provider) => ({ vms: provider.list() }) : method === "POST" ? (provider, body) => provider.create(readSpec(body)) : null;
  if (verb === undefined) return method === "GET" ? (provider) => provider.find(id) : method === "DELETE" ? (provider) => provider.change(id, "destroy") : null;
  if (method !== "POST") return null;
  if (verb === "run") {
    return (provider, body) => {
      const { command, timeout_ms: timeoutMs } = body;
      if (typeof command !== "string" || typeof timeoutMs !== "number" || !(timeoutMs > 0 && timeoutMs <= MAX_RUN_MS)) throw new VmFault("refused", "A command needs its text and its time.");
      return provider.run(id, command, timeoutMs);
    };
  }
  return verb === "start" || verb === "stop" || verb === "restart" ? (provider) => provider.change(id, verb) : null;
}

/** @param {Record<string, unknown>} body @returns {VmSpec} */
function readSpec({ tag, cpu, ram_gb: ramGb, disk_gb: diskGb }) {
  const isSize = (/** @type {unknown} */ value) => typeof value === "number" && Number.isFinite(value) && value > 0;
  if (typeof tag !== "string" || tag === "" || tag.length > MAX_TAG_CHARS) throw new VmFault("refused", "A machine needs a name.");
  if (!isSize(cpu) || !isSize(ramGb) || !(diskGb === null || isSize(diskGb))) throw new VmFault("refused", "A machine needs a size.");
  return { tag, cpu: Number(cpu), ram_gb: Number(ramGb), disk_gb: diskGb === null ? null : Number(diskGb) };
}

/** @param {import("node:http").IncomingMessage} request @returns {Promise<Record<string, unknown>>} */
async function readBody(request) {
  /** @type {Buffer[]} */
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw new VmFault("refused", `A body has at most ${MAX_BODY_BYTES} bytes.`);
    chunks.push(chunk);
  }
  if (size === 0) return {};
  try {
    const body = JSON.parse(Buffer.concat(chunks).toString("utf8"));
    if (body !== null && typeof body === "object" && !Array.isArray(body)) return body;
  } catch {
    // Said below.
  }
  throw new VmFault("refused", "The body is no JSON object.");
}
