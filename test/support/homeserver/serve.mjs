/** Between Node's HTTP and handlers of web requests, in both directions. */
import { createServer, request as httpRequest } from "node:http";
import { ConnectionLost } from "./faults.mjs";

/** @typedef {(request: Request) => Promise<Response>} FetchHandler */

const NO_BODY = new Set([101, 204, 205, 304]);

/** @param {import("node:http").IncomingMessage} incoming @returns {Promise<Uint8Array<ArrayBuffer>>} */
async function readAll(incoming) {
  /** @type {Buffer[]} */
  const chunks = [];
  for await (const chunk of incoming) chunks.push(chunk);
  return new Uint8Array(Buffer.concat(chunks));
}

/** @param {import("node:http").IncomingHttpHeaders} from */
function toHeaders(from) {
  const headers = new Headers();
  for (const [name, value] of Object.entries(from)) for (const one of [value ?? []].flat()) headers.append(name, one);
  return headers;
}

/**
 * Lets `handler` answer requests of Node. When it throws ConnectionLost the connection breaks; any other error is a fault of ours.
 * @param {FetchHandler} handler
 * @returns {(request: import("node:http").IncomingMessage, response: import("node:http").ServerResponse) => Promise<void>}
 */
export function nodeHandler(handler) {
  return async (incoming, outgoing) => {
    const gone = new AbortController();
    outgoing.on("close", () => gone.abort());
    try {
      const method = incoming.method ?? "GET";
      const body = await readAll(incoming);
      const url = URL.canParse(incoming.url ?? "") ? (incoming.url ?? "") : `http://${incoming.headers.host ?? "localhost"}${incoming.url}`;
      const response = await handler(new Request(url, { method, headers: toHeaders(incoming.headers), body: method === "GET" || method === "HEAD" ? null : body, signal: gone.signal, redirect: "manual" }));
      const bytes = Buffer.from(await response.arrayBuffer());
      outgoing.writeHead(response.status, { ...Object.fromEntries(response.headers), "content-length": bytes.length }).end(bytes);
    } catch (error) {
      if (error instanceof ConnectionLost || gone.signal.aborted) return void outgoing.destroy();
      process.stderr.write(`homeserver of the tests: ${error instanceof Error ? error.stack : String(error)}\n`);
      outgoing.writeHead(500, { "content-type": "text/plain" }).end("fault of the test homeserver; see the output of the tests");
    }
  };
}

/** Sends requests on to a server; a new connection each, since a kept one may end at any moment. @param {string} origin @returns {FetchHandler} */
export function forwardTo(origin) {
  return async (request) => {
    const { pathname, search } = new URL(request.url);
    const body = Buffer.from(await request.arrayBuffer());
    const headers = { ...Object.fromEntries(request.headers), connection: "close", "content-length": String(body.length) };
    return new Promise((resolve, reject) => {
      const outgoing = httpRequest(new URL(origin + pathname + search), { method: request.method, headers, agent: false }, (incoming) => {
        readAll(incoming).then((bytes) => {
          const status = incoming.statusCode ?? 502;
          const kept = toHeaders(incoming.headers);
          for (const name of ["connection", "transfer-encoding", "content-length"]) kept.delete(name);
          resolve(new Response(NO_BODY.has(status) ? null : bytes, { status, headers: kept }));
        }, reject);
      });
      outgoing.on("error", () => reject(new ConnectionLost(`no connection to ${origin}`)));
      outgoing.end(body);
    });
  };
}

/**
 * Serves `handler` on a free loopback port.
 * @param {FetchHandler} handler
 * @returns {Promise<{ origin: string, close: () => Promise<void> }>}
 */
async function serveFetch(handler) {
  const server = createServer(nodeHandler(handler));
  // Else a connection that the client keeps may end just as it is used again.
  server.keepAliveTimeout = 0;
  await new Promise((resolve, reject) => {
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => resolve(undefined));
  });
  const address = server.address();
  return {
    origin: `http://127.0.0.1:${typeof address === "object" && address ? address.port : 0}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/**
 * Serves a double on loopback, for the running product; answers what startSynapse() does.
 * @param {ReturnType<typeof import("./double.mjs").createHomeserverDouble>} double
 * @param {FetchHandler} [handler] in front of the double, for example one with faults
 * @returns {Promise<import("./synapse.mjs").Homeserver & { stop: () => Promise<void> }>}
 */
export async function serveHomeserver(double, handler = double.fetch) {
  const { serverName, adminToken, asToken, registrationSecret, version } = double;
  const { origin, close } = await serveFetch(handler);
  return { kind: "double", baseUrl: origin, serverName, adminToken, asToken, registrationSecret, version, stop: close };
}
