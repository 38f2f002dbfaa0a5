/** What a socket keeps while the object sleeps. */
interface Attachment {
  /** When the token ends that opened it, ms. */
  readonly expiresAt: number;
  /** How often the tenant's sessions had been cut when that token was made. */
  readonly epoch: number;
}

const HEADER = "x-sett-member";
const EPOCH_HEADER = "x-sett-member-epoch";
const TOKEN_DEAD = 4401;
/** The tenant is suspended. */
export const TENANT_PAUSED = 4403;
export const TENANT_GONE = 4410;
/** Open tabs of all members of a tenant; the oldest goes when there are more. */
const SOCKETS_MAX = 500;

/** The request that carries a member's socket to the tenant's object; nothing of the client's own headers goes along. */
export const memberUpgrade = ({ expiresAt, epoch }: Attachment): Request => new Request("http://object/socket", { headers: { upgrade: "websocket", [HEADER]: String(expiresAt), [EPOCH_HEADER]: String(epoch) } });

/** Hibernating sockets of members: they only listen, and nothing wakes for them but news. */
export class MemberSockets {
  readonly #ctx: DurableObjectState;
  /** The last cut. Sockets of earlier tokens may still be on their way then; they arrive within moments, so that memory is enough. */
  #epoch = 0;

  constructor(ctx: DurableObjectState) {
    this.#ctx = ctx;
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair("ping", "pong"));
  }

  /** Takes the socket and shows it how things are. */
  accept(request: Request, first: Readonly<Record<string, unknown>>): Response {
    const expiresAt = Number(request.headers.get(HEADER));
    const epoch = Number(request.headers.get(EPOCH_HEADER) ?? Number.NaN);
    if (request.headers.get("upgrade") !== "websocket" || !(expiresAt > 0) || !(epoch >= 0)) return new Response(null, { status: 400 });
    if (epoch < this.#epoch) return new Response(null, { status: 403 });
    const open = this.#ctx.getWebSockets();
    if (open.length >= SOCKETS_MAX) open[0]?.close(1013, "too many sockets");
    const { 0: client, 1: server } = new WebSocketPair();
    this.#ctx.acceptWebSocket(server);
    server.serializeAttachment({ expiresAt, epoch } satisfies Attachment);
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

  closeAll(code: number, reason: string): void {
    for (const ws of this.#ctx.getWebSockets()) ws.close(code, reason);
  }

  /** Ends the sockets of tokens that were made before the sessions were cut so often. */
  cut(epoch: number): void {
    this.#epoch = Math.max(this.#epoch, epoch);
    for (const ws of this.#ctx.getWebSockets()) if (attachmentOf(ws).epoch < this.#epoch) ws.close(TOKEN_DEAD, "sessions were cut");
  }

  #isDead(ws: WebSocket): boolean {
    if (attachmentOf(ws).expiresAt > Date.now()) return false;
    ws.close(TOKEN_DEAD, "token expired");
    return true;
  }
}

/** Written by accept() alone. */
const attachmentOf = (ws: WebSocket): Attachment => ws.deserializeAttachment() as Attachment;
