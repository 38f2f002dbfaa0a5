import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { createPushGateway } from "../../../src/integrations/push/sygnal";
import { fromUtf8, utf8 } from "../../../src/kernel/crypto/bytes";

type Answer = (request: IncomingMessage, response: ServerResponse, body: Buffer) => void;

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()));
});

/** A server that answers with `answer`; its origin. */
async function serve(answer: Answer): Promise<string> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk)).on("end", () => answer(request, response, Buffer.concat(chunks)));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => new Promise((resolve) => (server.closeAllConnections(), server.close(resolve))));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe("the push gateway's client", () => {
  it("hands over bytes and brings back status, type and bytes", async () => {
    const seen: { method?: string | undefined; url?: string | undefined; type?: string | undefined; body?: string }[] = [];
    const origin = await serve((request, response, body) => {
      seen.push({ method: request.method, url: request.url, type: request.headers["content-type"], body: body.toString() });
      response.writeHead(400, { "content-type": "text/plain", "retry-after": "7" }).end("no\tdevices ");
    });
    const answer = await createPushGateway(origin).notify(utf8('{ "spaces" : [1,2] }\n'), "application/json; charset=x");
    expect(seen).toEqual([{ method: "POST", url: "/_matrix/push/v1/notify", type: "application/json; charset=x", body: '{ "spaces" : [1,2] }\n' }]);
    expect({ ...answer, body: fromUtf8(answer.body) }).toEqual({ status: 400, contentType: "text/plain", retryAfter: "7", body: "no\tdevices " });
  });

  it("follows nobody elsewhere", async () => {
    const origin = await serve((request, response) => response.writeHead(302, { location: `http://${request.headers.host}/elsewhere` }).end());
    expect((await createPushGateway(origin).notify(utf8("{}"), "application/json")).status).toBe(302);
  });

  it("is unreachable when nobody listens, the connection breaks, or the answer has no end", async () => {
    const broken = await serve((request) => request.socket.destroy());
    const endless = await serve((_request, response) => response.end("x".repeat(512 * 1024 + 1)));
    for (const origin of ["http://127.0.0.1:1", broken, endless]) {
      await expect(createPushGateway(origin).notify(utf8("{}"), "application/json")).rejects.toMatchObject({ code: "BAD_GATEWAY", status: 502 });
      if (origin !== endless) expect(await createPushGateway(origin).isHealthy()).toBe(false);
    }
  });

  it("is healthy when it says so", async () => {
    const origin = await serve((request, response) => response.writeHead(request.url === "/health" ? 200 : 404).end());
    expect(await createPushGateway(origin).isHealthy()).toBe(true);
    expect(await createPushGateway(await serve((_request, response) => response.writeHead(500).end())).isHealthy()).toBe(false);
  });
});
