// @ts-check
/** The double on a port, for the running product and for clients in Node. */
import { createServer } from "node:http";
import { nodeHandler } from "../homeserver/serve.mjs";

/**
 * Serves a double on a free loopback port.
 * @param {{ fetch: (request: Request) => Promise<Response> }} double
 * @returns {Promise<{ origin: string, close: () => Promise<void> }>}
 */
export async function serveStripe(double) {
  const server = createServer(nodeHandler(double.fetch));
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
