/** An MCP server of the tests: JSON-RPC over streamable HTTP at `/mcp`, and over the older HTTP with SSE at `/sse` and `/messages`. */

interface Message {
  readonly jsonrpc: "2.0";
  readonly id?: number | string;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
}

/** What a request brought, for looking at. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const utf8 = new TextEncoder();
const event = (name: string, data: unknown): Uint8Array => utf8.encode(`event: ${name}\ndata: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`);
const SSE = { "content-type": "text/event-stream" };

/** A server that takes `authorization`, or anybody when it is null. */
export class McpDouble {
  readonly seen: SeenRequest[] = [];
  readonly sessions = new Set<string>();
  /** Open streams of the older transport, by session. */
  readonly #streams = new Map<string, ReadableStreamDefaultController<Uint8Array>>();
  readonly #authorization: string | null;
  /** `tools/call` answers its progress at once, and its result when this is done. */
  release: Promise<void> = Promise.resolve();
  /** Whether streams stay open after what they have to say. In workerd nobody may write later into a stream that another request began. */
  readonly #keepsOpen: boolean;
  /** Where the older transport says that messages go. */
  place = (session: string): string => `/messages?session=${session}`;

  constructor(authorization: string | null, { keepsOpen }: { readonly keepsOpen: boolean }) {
    this.#authorization = authorization;
    this.#keepsOpen = keepsOpen;
  }

  readonly fetch = async (request: Request): Promise<Response> => {
    const { pathname, searchParams } = new URL(request.url);
    const body = request.method === "POST" ? await request.text() : "";
    this.seen.push({ method: request.method, path: pathname, headers: Object.fromEntries(request.headers), body });
    if (this.#authorization !== null && request.headers.get("authorization") !== this.#authorization) return Response.json({ error: "invalid_token" }, { status: 401, headers: { "www-authenticate": "Bearer" } });
    if (pathname === "/sse" && request.method === "GET") return this.#openStream();
    if (pathname === "/messages" && request.method === "POST") return this.#takeMessage(searchParams.get("session") ?? "", body);
    if (pathname !== "/mcp") return new Response("Not found", { status: 404, headers: { "content-type": "text/plain" } });
    return this.#streamable(request, body);
  };

  #streamable(request: Request, body: string): Response {
    const session = request.headers.get("mcp-session-id") ?? "";
    if (request.method === "DELETE") return new Response(null, { status: this.sessions.delete(session) ? 204 : 404 });
    if (request.method === "GET") {
      if (!this.sessions.has(session)) return new Response("No session", { status: 400, headers: { "content-type": "text/plain" } });
      return this.#stream("message", { jsonrpc: "2.0", method: "notifications/tools/list_changed" });
    }
    const message = JSON.parse(body) as Message;
    if (message.method === "initialize") {
      const id = crypto.randomUUID();
      this.sessions.add(id);
      return Response.json(this.#answer(message), { headers: { "mcp-session-id": id, "set-cookie": "upstream=1", "x-powered-by": "double" } });
    }
    if (!this.sessions.has(session)) return Response.json({ jsonrpc: "2.0", error: { code: -32_001, message: "Session not found" }, id: null }, { status: 404 });
    if (message.id === undefined) return new Response(null, { status: 202 });
    if (message.method !== "tools/call") return Response.json(this.#answer(message));
    const answer = this.#answer(message);
    const { release } = this;
    return new Response(
      new ReadableStream({
        start: async (controller) => {
          controller.enqueue(event("message", { jsonrpc: "2.0", method: "notifications/progress", params: { progress: 1 } }));
          await release;
          controller.enqueue(event("message", answer));
          controller.close();
        },
      }),
      { headers: SSE },
    );
  }

  #openStream(): Response {
    const session = crypto.randomUUID();
    this.sessions.add(session);
    return this.#stream("endpoint", this.place(session), session);
  }

  /** A stream that begins with one event. */
  #stream(name: string, data: unknown, session?: string): Response {
    const start = (controller: ReadableStreamDefaultController<Uint8Array>): void => {
      controller.enqueue(event(name, data));
      if (!this.#keepsOpen) controller.close();
      else if (session !== undefined) this.#streams.set(session, controller);
    };
    return new Response(new ReadableStream<Uint8Array>({ start }), { headers: SSE });
  }

  #takeMessage(session: string, body: string): Response {
    if (!this.sessions.has(session)) return new Response("Unknown session", { status: 404, headers: { "content-type": "text/plain" } });
    this.#streams.get(session)?.enqueue(event("message", this.#answer(JSON.parse(body) as Message)));
    return new Response("Accepted", { status: 202, headers: { "content-type": "text/plain" } });
  }

  #answer({ id, method, params }: Message): unknown {
    const result = (value: unknown) => ({ jsonrpc: "2.0", id, result: value });
    switch (method) {
      case "initialize":
        return result({ protocolVersion: params?.["protocolVersion"], capabilities: { tools: {} }, serverInfo: { name: "double", version: "1" } });
      case "tools/list":
        return result({ tools: [{ name: "echo", inputSchema: { type: "object" } }] });
      case "tools/call":
        return result({ content: [{ type: "text", text: JSON.stringify(params?.["arguments"]) }] });
      default:
        return { jsonrpc: "2.0", id, error: { code: -32_601, message: `No method ${String(method)}` } };
    }
  }
}

/** The next events of a stream, until `count` have come. */
export async function readEvents(body: ReadableStream<Uint8Array>, count: number): Promise<{ readonly event: string; readonly data: string }[]> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  while (text.split("\n\n").length <= count) {
    const { done, value } = await reader.read();
    if (done) break;
    text += decoder.decode(value, { stream: true });
  }
  reader.releaseLock();
  return text
    .split("\n\n")
    .slice(0, count)
    .map((block) => ({ event: /^event: (.*)$/m.exec(block)?.[1] ?? "", data: /^data: (.*)$/m.exec(block)?.[1] ?? "" }));
}
