import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { createMcpUpstream } from "../../../src/integrations/mcp/upstream";
import { utf8 } from "../../../src/kernel/crypto/bytes";
import type { McpAnswer, McpCall } from "../../../src/kernel/ports/mcp";
import { McpDouble, readEvents } from "../../support/mcp-server";

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()));
});

/** A server on this machine; its origin. */
async function serve(answer: (request: IncomingMessage, response: ServerResponse, body: string) => void): Promise<string> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk)).on("end", () => answer(request, response, Buffer.concat(chunks).toString()));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => new Promise((resolve) => (server.closeAllConnections(), server.close(resolve))));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** The double behind real HTTP; every piece of its streams leaves when it is made. */
const serveDouble = (double: McpDouble): Promise<string> =>
  serve((incoming, outgoing, body) => {
    const { method = "GET" } = incoming;
    const headers = new Headers(Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]));
    void double.fetch(new Request(`http://${incoming.headers.host}${incoming.url}`, { method, headers, body: method === "POST" ? body : null })).then(async (response) => {
      outgoing.writeHead(response.status, Object.fromEntries(response.headers));
      outgoing.flushHeaders();
      const reader = response.body?.getReader();
      outgoing.on("close", () => void reader?.cancel());
      for (let next = await reader?.read(); next && !next.done; next = await reader?.read()) outgoing.write(next.value);
      outgoing.end();
    });
  });

const upstream = createMcpUpstream();
const call = (url: string, change: Partial<McpCall> = {}, client = upstream): Promise<McpAnswer> =>
  client.send({ url: new URL(url), method: "POST", headers: { "content-type": "application/json", accept: "application/json, text/event-stream" }, body: utf8("{}"), signal: new AbortController().signal, ...change });
const rpc = (method: string, id?: number, params: Record<string, unknown> = {}) => utf8(JSON.stringify({ jsonrpc: "2.0", method, params, ...(id === undefined ? {} : { id }) }));
const textOf = (answer: McpAnswer): Promise<string> => new Response(answer.body).text();

describe("the client of MCP servers", () => {
  it("speaks to a server over streamable HTTP: JSON, notifications, a stream that is not held back, and the end", async () => {
    const double = new McpDouble("Bearer key", { keepsOpen: true });
    const url = `${await serveDouble(double)}/mcp`;
    const headers = { "content-type": "application/json", accept: "application/json, text/event-stream", authorization: "Bearer key" };

    const begun = await call(url, { headers, body: rpc("initialize", 1, { protocolVersion: "2025-06-18" }) });
    expect(begun.status).toBe(200);
    expect(JSON.parse(await textOf(begun))).toMatchObject({ id: 1, result: { protocolVersion: "2025-06-18" } });
    const inSession = { ...headers, "mcp-session-id": begun.headers.get("mcp-session-id") ?? "" };
    expect((await call(url, { headers: inSession, body: rpc("notifications/initialized") })).status).toBe(202);

    let release: () => void = () => undefined;
    double.release = new Promise((resolve) => (release = resolve));
    const called = await call(url, { headers: inSession, body: rpc("tools/call", 2, { name: "echo", arguments: { a: "é" } }) });
    // The first event is here although the second is not made yet.
    const stream = called.body ?? new ReadableStream<Uint8Array>();
    expect((await readEvents(stream, 1))[0]?.data).toContain("notifications/progress");
    release();
    expect(JSON.parse((await readEvents(stream, 1))[0]?.data ?? "")).toMatchObject({ id: 2, result: { content: [{ text: '{"a":"é"}' }] } });

    const ended = await call(url, { method: "DELETE", headers: inSession, body: null });
    expect([ended.status, await textOf(ended)]).toEqual([204, ""]);
    expect((await call(url, { headers: inSession, body: rpc("tools/list", 3) })).status).toBe(404);
    expect(double.seen.map((one) => one.headers["user-agent"])).toEqual(double.seen.map(() => "sett"));
  });

  it("speaks to a server of the older transport", async () => {
    const origin = await serveDouble(new McpDouble(null, { keepsOpen: true }));
    const leave = new AbortController();
    const stream = (await call(`${origin}/sse`, { method: "GET", body: null, signal: leave.signal })).body ?? new ReadableStream<Uint8Array>();
    const [first] = await readEvents(stream, 1);
    expect(first?.event).toBe("endpoint");
    expect((await call(`${origin}${first?.data ?? ""}`, { body: rpc("tools/list", 1) })).status).toBe(202);
    expect((await readEvents(stream, 1))[0]?.data).toContain('"echo"');
    leave.abort();
  });

  it("follows nobody elsewhere", async () => {
    const elsewhere: string[] = [];
    const thief = await serve((request, response) => (elsewhere.push(request.url ?? ""), response.end()));
    const origin = await serve((_request, response) => response.writeHead(307, { location: `${thief}/mcp` }).end());
    expect((await call(origin)).status).toBe(307);
    expect(elsewhere).toEqual([]);
  });

  it("says whose fault a failure is, without addresses and texts", async () => {
    const broken = await serve((request) => request.socket.destroy());
    for (const url of ["http://127.0.0.1:1/?key=hush", `${broken}/?key=hush`]) {
      const error = await call(url).then(() => null, (caught: unknown) => caught as Error);
      expect(error).toMatchObject({ code: "BAD_GATEWAY", status: 502 });
      expect(`${error?.message} ${String(error?.cause)}`).not.toContain("hush");
    }
    const silent = await serve(() => undefined);
    await expect(call(silent, {}, createMcpUpstream({ headTimeoutMs: 50 }))).rejects.toMatchObject({ code: "GATEWAY_TIMEOUT", status: 504 });
    const leave = new AbortController();
    const waiting = call(silent, { signal: leave.signal });
    leave.abort();
    await expect(waiting).rejects.toMatchObject({ code: "CLIENT_GONE" });
  });

  it("limits the wait for a beginning, not for the end", async () => {
    const url = await serve((_request, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" }).write("data: 1\n\n");
      setTimeout(() => response.end("data: 2\n\n"), 200);
    });
    expect(await textOf(await call(url, {}, createMcpUpstream({ headTimeoutMs: 100 })))).toBe("data: 1\n\ndata: 2\n\n");
  });
});
