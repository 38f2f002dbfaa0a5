/** What a socket keeps while the object sleeps. */
interface Attachment {
  /** When the token ends that opened it, ms. */
  readonly expiresAt: number;
}

const HEADER = "x-sett-member";
const TOKEN_DEAD = 4401;
const TENANT_GONE = 4410;
/** Open tabs of all members of a tenant; the oldest goes when there are more. */
const SOCKETS_MAX = 500;

/** The request that carries a member's socket to the tenant's object; nothing of the client's own headers goes along. */
export const memberUpgrade = (expiresAt: number): Request => new Request("http://object/socket", { headers: { upgrade: "websocket", [HEADER]: String(expiresAt) } });

/** Hibernating sockets of members: they only listen, and nothing wakes for them but news. */
export class MemberSockets {
  readonly #ctx: DurableObjectState;

  constructor(ctx: DurableObjectState) {
    this.#ctx = ctx;
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair("ping", "pong"));
  }

  /** Takes the socket and shows it how things are. */
  accept(request: Request, first: Readonly<Record<string, unknown>>): Response {
    const expiresAt = Number(request.headers.get(HEADER));
    if (request.headers.get("upgrade") !== "websocket" || !Number.isFinite(expiresAt) || expiresAt <= 0) return new Response(null, { status: 400 });
    const open = this.#ctx.getWebSockets();
    if (open.length >= SOCKETS_MAX) open[0]?.close(1013, "too many sockets");
    const { 0: client, 1: server } = new WebSocketPair();
    this.#ctx.acceptWebSocket(server);
    server.serializeAttachment({ expiresAt } satisfies Attachment);
    server.send(JSON.stringify(first));
    return new Response(null, { status: 101, webSocket: client });
  }

  broadcast(frame: Readonly<Record<string, unknown>>): void {
    const text = JSON.stringify(frame);
    for (const ws of this.#ctx.getWebSockets()) {
      if (this.#isDead(ws)) continue;
      try {
        ws.send(text);
      } catch {
        // It is closing; who opens anew is shown how things are.
      }
    }
  }

  /** Members have nothing to say; a token that has ended ends its socket here too. */
  heard(ws: WebSocket): void {
    this.#isDead(ws);
  }

  closeAll(reason: string): void {
    for (const ws of this.#ctx.getWebSockets()) ws.close(TENANT_GONE, reason);
  }

  #isDead(ws: WebSocket): boolean {
    // Written by accept() alone.
    const { expiresAt } = ws.deserializeAttachment() as Attachment;
    if (expiresAt > Date.now()) return false;
    ws.close(TOKEN_DEAD, "token expired");
    return true;
  }
}
