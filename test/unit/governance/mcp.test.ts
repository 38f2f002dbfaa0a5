import { describe, expect, it } from "vitest";
import { authorizationOf, credentialToUse, headersToCaller, headersToServer, judgeAnswer } from "../../../src/governance/mcp-broker/mcp-broker.core";
import { endpointOf, replaceEndpoint } from "../../../src/governance/mcp-broker/sse-endpoint.core";
import { custodyFault, isBrokered, readEndpoint, shownEndpoint } from "../../../src/governance/mcp-servers/mcp-servers.core";

describe("endpoints of MCP servers", () => {
  it("are encrypted everywhere but at home, and hold neither credentials nor fragments", () => {
    for (const fine of ["https://mcp.example.org/mcp", "wss://mcp.example.org:8443/x?y=1"]) expect(readEndpoint(fine, false)).toEqual({ endpoint: fine });
    for (const atHome of ["http://127.0.0.1:8080/mcp", "ws://localhost/x"]) {
      expect(readEndpoint(atHome, true)).toEqual({ endpoint: atHome });
      expect(readEndpoint(atHome, false)).toHaveProperty("fault");
    }
    for (const bad of ["mcp.example.org", "ftp://example.org", "file:///etc", "javascript:1", "https://ada:pw@example.org", "https://ada@example.org", "https://example.org/#part", "https://example.org/#", ""]) {
      expect(readEndpoint(bad, true), bad).toHaveProperty("fault");
    }
    expect(shownEndpoint("https://example.org/mcp?key=1")).toBe("https://example.org/mcp");
  });

  it("are brokered over HTTP only", () => {
    expect([isBrokered("streamable-http", "https://a.example"), isBrokered("sse", "http://a"), isBrokered("websocket", "https://a"), isBrokered("sse", "wss://a")]).toEqual([true, true, false, false]);
  });
});

describe("credentials of MCP servers", () => {
  it("name a secret exactly when they are static", () => {
    expect(custodyFault("static", "a")).toBeNull();
    expect(custodyFault("obo", null)).toBeNull();
    expect(custodyFault("static", null)).toMatch(/needs/);
    expect(custodyFault("obo", "a")).toMatch(/must not/);
  });

  it("are used oldest secret first, exchanged only without any", () => {
    const [obo, one, two] = [{ brokeringMode: "obo", secretRef: null }, { brokeringMode: "static", secretRef: "one" }, { brokeringMode: "static", secretRef: "two" }] as const;
    expect(credentialToUse([])).toEqual({ kind: "none" });
    expect(credentialToUse([obo])).toEqual({ kind: "exchange" });
    expect(credentialToUse([obo, one, two])).toEqual({ kind: "secret", name: "one" });
  });

  it("go as they are when they name a scheme", () => {
    expect(authorizationOf("abc123==")).toBe("Bearer abc123==");
    expect(authorizationOf("Basic YTpi")).toBe("Basic YTpi");
    expect(authorizationOf("token  x")).toBe("token  x");
  });
});

describe("what passes the broker", () => {
  it("is what the protocol needs, and nobody's credentials", () => {
    const asked = new Headers({ accept: "application/json", "content-type": "application/json", authorization: "Bearer tenant", cookie: "a=b", host: "sett", "mcp-session-id": "s", "mcp-protocol-version": "2025-06-18", "last-event-id": "7", connection: "x", "x-forwarded-for": "1.2.3.4", "proxy-authorization": "x" });
    expect(headersToServer(asked, "of the server", "key")).toEqual({ accept: "application/json", "content-type": "application/json", "mcp-session-id": "of the server", "mcp-protocol-version": "2025-06-18", "last-event-id": "7", authorization: "Bearer key" });
    for (const name of ["authorization", "mcp-session-id"]) expect(headersToServer(asked, null, null)).not.toHaveProperty(name);
    const answered = new Headers({ "content-type": "text/event-stream", "set-cookie": "a=b", "www-authenticate": "Bearer", "mcp-session-id": "s", "transfer-encoding": "chunked", "content-length": "3", "access-control-allow-origin": "x" });
    expect(headersToCaller(answered, "of the caller")).toEqual({ "content-type": "text/event-stream", "mcp-session-id": "of the caller", "cache-control": "no-store", "x-content-type-options": "nosniff" });
  });

  it("is judged by status and type", () => {
    const judged = (status: number, type: string | null) => judgeAnswer(status, type);
    expect([judged(200, "application/json; charset=utf-8"), judged(200, "text/event-stream"), judged(400, "application/json"), judged(202, "application/json")]).toEqual(["pass", "pass", "pass", "pass"]);
    expect([judged(202, null), judged(202, "text/plain"), judged(204, null), judged(404, "text/html"), judged(405, null), judged(429, "text/plain")]).toEqual(["bare", "bare", "bare", "bare", "bare", "bare"]);
    expect([judged(401, "application/json"), judged(403, null)]).toEqual(["refused", "refused"]);
    expect([judged(200, "text/html"), judged(302, null), judged(304, null), judged(500, "application/json"), judged(503, null), judged(200, "application/jsonish")]).toEqual(["failed", "failed", "failed", "failed", "failed", "failed"]);
  });
});

describe("the place for messages in an event stream", () => {
  const through = async (pieces: readonly string[]): Promise<string> => {
    const bytes = new TextEncoder();
    const source = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const piece of pieces) controller.enqueue(bytes.encode(piece));
        controller.close();
      },
    });
    return new Response(source.pipeThrough(replaceEndpoint((place) => Promise.resolve(`/new?was=${place}`)))).text();
  };

  it("is found in the event that tells it", () => {
    expect(endpointOf("event: endpoint\ndata: /messages?s=1")).toBe("/messages?s=1");
    expect(endpointOf("data:/m\r\nevent:endpoint")).toBe("/m");
    expect(endpointOf("event: message\ndata: endpoint")).toBeNull();
    expect(endpointOf(": event: endpoint")).toBeNull();
  });

  it("is replaced once, wherever the pieces break, and all else stays", async () => {
    const before = ": hello é\n\n";
    const after = "event: message\ndata: {\"é\":1}\n\nevent: endpoint\ndata: /second\n\ndata: tail";
    const whole = `${before}event: endpoint\r\ndata: /first\r\n\r\n${after}`;
    const wanted = `${before}event: endpoint\ndata: /new?was=/first\n\n${after}`;
    expect(await through([whole])).toBe(wanted);
    expect(await through([...whole])).toBe(wanted);
    expect(await through([before, after.slice(after.indexOf("data: tail"))])).toBe(`${before}data: tail`);
  });

  it("ends a stream whose first event has no end, or whose place is refused", async () => {
    expect(await through(["x".repeat(70_000), "data: tail\n\n"]).catch(() => "broken")).not.toContain("tail");
    const refused = new Response(": hello\n\nevent: endpoint\ndata: https://elsewhere/\n\ndata: tail\n\n").body?.pipeThrough(replaceEndpoint(() => Promise.resolve(null)));
    expect(await new Response(refused).text()).toBe(": hello\n\n");
  });
});
