import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

/**
 * A store that speaks as much of S3 as signed addresses need, written from its documentation: path style, query signatures
 * (version 4) checked over the signed headers, PUT, GET and DELETE, and the list of a prefix.
 * @typedef {{ origin: string, files: Map<string, { type: string, bytes: Buffer }>, refuse: (yes: boolean) => void, close: () => void }} S3Double
 */

/** @param {string | Buffer} key @param {string} text */
const hmac = (key, text) => createHmac("sha256", key).update(text).digest();
/** @param {string} text */
const encode = (text) => encodeURIComponent(text).replace(/[!'()*]/g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`);

/**
 * @param {import("node:http").IncomingMessage} request
 * @param {URL} url
 * @param {string} secret
 */
function isSigned(request, url, secret) {
  const { "X-Amz-Signature": signature = "", ...rest } = Object.fromEntries(url.searchParams);
  const { "X-Amz-Credential": credential = "", "X-Amz-Date": date = "", "X-Amz-Expires": expires = "", "X-Amz-SignedHeaders": names = "" } = rest;
  const startedAt = Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"));
  if (!(Date.now() < startedAt + Number(expires) * 1_000)) return false;
  const [, day = "", region = "", service = "", end = ""] = credential.split("/");
  const path = url.pathname.split("/").map((part) => encode(decodeURIComponent(part))).join("/");
  const query = Object.keys(rest).sort().map((name) => `${encode(name)}=${encode(rest[name] ?? "")}`).join("&");
  const headers = names.split(";").map((name) => `${name}:${String(request.headers[name] ?? "").trim()}\n`).join("");
  const canonical = [request.method, path, query, headers, names, "UNSIGNED-PAYLOAD"].join("\n");
  const text = ["AWS4-HMAC-SHA256", date, [day, region, service, end].join("/"), createHash("sha256").update(canonical).digest("hex")].join("\n");
  const want = hmac(hmac(hmac(hmac(hmac(`AWS4${secret}`, day), region), service), end), text);
  const got = Buffer.from(signature, "hex");
  return got.length === want.length && timingSafeEqual(got, want);
}

/** @param {{ bucket: string, secret: string }} options @returns {Promise<S3Double>} */
export async function startS3({ bucket, secret }) {
  /** @type {S3Double["files"]} */
  const files = new Map();
  let refusing = false;
  const server = createServer(async (request, response) => {
    /** @type {Buffer[]} */
    const chunks = [];
    try {
      for await (const chunk of request) chunks.push(chunk);
    } catch {
      return;
    }
    const url = new URL(request.url ?? "/", `http://${request.headers.host}`);
    const prefix = `/${bucket}/`;
    if (refusing) return void response.writeHead(500).end();
    if (!url.pathname.startsWith(prefix) || !isSigned(request, url, secret)) return void response.writeHead(403, { "content-type": "application/xml" }).end("<Error><Code>SignatureDoesNotMatch</Code></Error>");
    const key = decodeURIComponent(url.pathname.slice(prefix.length));
    if (request.method === "PUT") {
      if (request.headers["content-length"] === undefined) return void response.writeHead(411).end();
      files.set(key, { type: String(request.headers["content-type"]), bytes: Buffer.concat(chunks) });
      return void response.writeHead(200).end();
    }
    if (request.method === "DELETE") return void (files.delete(key), response.writeHead(204).end());
    if (key === "" && url.searchParams.get("list-type") === "2") {
      const keys = [...files.keys()].filter((name) => name.startsWith(url.searchParams.get("prefix") ?? "")).sort().slice(0, 1_000);
      return void response.writeHead(200, { "content-type": "application/xml" }).end(`<ListBucketResult>${keys.map((name) => `<Contents><Key>${encodeURIComponent(name)}</Key></Contents>`).join("")}</ListBucketResult>`);
    }
    const file = files.get(key);
    if (!file) return void response.writeHead(404).end();
    response.writeHead(200, { "content-type": file.type, "content-disposition": url.searchParams.get("response-content-disposition") ?? "inline" }).end(file.bytes);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
  const address = server.address();
  return {
    origin: `http://127.0.0.1:${typeof address === "object" && address ? address.port : 0}`,
    files,
    refuse: (yes) => void (refusing = yes),
    close: () => (server.closeAllConnections(), void server.close()),
  };
}
