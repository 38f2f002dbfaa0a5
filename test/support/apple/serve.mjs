/** The App Store double over loopback: base addresses are `${origin}/production` and `${origin}/sandbox`. */
import { createServer } from "node:http";
import { createAppStoreDouble } from "./app-store.mjs";

/** @param {Parameters<typeof createAppStoreDouble>[0]} [options] */
export async function startAppStore(options) {
  const double = await createAppStoreDouble(options);
  const server = createServer((request, answer) => {
    /** @type {Buffer[]} */
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      const method = request.method ?? "GET";
      const headers = Object.entries(request.headers).flatMap(([name, value]) => (typeof value === "string" ? [/** @type {[string, string]} */ ([name, value])] : []));
      const body = method === "GET" ? null : Buffer.concat(chunks);
      double
        .handle(new Request(`http://${request.headers.host}${request.url}`, { method, headers, body }))
        .then(async (response) => {
          answer.writeHead(response.status, Object.fromEntries(response.headers));
          answer.end(Buffer.from(await response.arrayBuffer()));
        })
        .catch((error) => answer.destroy(error));
    });
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", () => ready(undefined)));
  const address = server.address();
  const origin = `http://127.0.0.1:${typeof address === "object" && address ? address.port : 0}`;
  return {
    ...double,
    origin,
    /** For a Worker that is to use it. */
    variables: {
      APPLE_BUNDLE_ID: double.bundleId,
      APPLE_SHARED_SECRET: double.sharedSecret,
      APPLE_ISSUER_ID: double.issuerId,
      APPLE_STOREKIT_KEY_ID: double.keyId,
      APPLE_STOREKIT_PRIVATE_KEY: double.privateKey,
      APPLE_RECEIPT_BASE_URL: `${origin}/production`,
      APPLE_RECEIPT_SANDBOX_BASE_URL: `${origin}/sandbox`,
      APPLE_STOREKIT_BASE_URL: `${origin}/production`,
      APPLE_STOREKIT_SANDBOX_BASE_URL: `${origin}/sandbox`,
      APPLE_ROOT_CA_SHA256: double.authority.rootSha256,
    },
    close: () =>
      new Promise((done) => {
        server.closeAllConnections();
        server.close(() => done(undefined));
      }),
  };
}
