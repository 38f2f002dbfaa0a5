import type { LoggedEvent } from "../shared/event-log";
import type { Caller } from "./instance.rpc";
import { NO_LINK, type LinkFacts, type LiveState } from "./machine.core";

/** A machine's own socket, or the inner end of its SSE stream. */
type LinkType = "socket" | "sse";

/** What survives hibernation with a socket, for free. At most 16,384 bytes. */
interface Attachment {
  readonly machineId: number;
  readonly type: LinkType;
  readonly tokenId: string | null;
  readonly expiresAt: number | null;
  readonly since: number;
  /** Last-seen and the numbers that move with every beat; null until the first beat on this link. */
  readonly live: LiveState | null;
  /** Until when this socket was told to beat quickly, ms. */
  readonly pacedUntil: number;
}

/** The platform's limit is 16,384 bytes of serialised value; beyond this the numbers go to the row instead. */
const ATTACHED_LIVE_MAX_CHARS = 12_000;
/** A machine may hold this many streams at once: its own reconnect overlaps with the old one for a while. */
const STREAMS_MAX = 3;

export const CLOSE = { goodbye: 1000, restart: 1012, tooLarge: 1009, tokenDead: 4401, replaced: 4409, machineGone: 4410 } as const;

/** All links of an object. State lives in the attachments, so that nothing is lost when the object sleeps. */
export class Links {
  readonly #ctx: DurableObjectState;

  constructor(ctx: DurableObjectState) {
    this.#ctx = ctx;
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair("ping", "pong"));
  }

  /** Accepts the server end for hibernation and closes what it replaces: one socket per machine, a few streams. */
  accept(server: WebSocket, machineId: number, type: LinkType, caller: Caller, now: number): void {
    const older = this.#of(machineId).filter((ws) => attachmentOf(ws)?.type === type);
    const excess = type === "socket" ? older : older.slice(0, Math.max(0, older.length - (STREAMS_MAX - 1)));
    this.#ctx.acceptWebSocket(server, [`m:${machineId}`]);
    attach(server, { machineId, type, tokenId: caller.tokenId, expiresAt: caller.expiresAt, since: now, live: null, pacedUntil: 0 });
    for (const ws of excess) close(ws, CLOSE.replaced, "replaced by a newer link");
  }

  /** Open links of a machine, oldest first, without `except` (a closing socket is still listed by the platform). */
  #of(machineId: number, except?: WebSocket): WebSocket[] {
    return this.#ctx
      .getWebSockets(`m:${machineId}`)
      .filter((ws) => ws !== except && ws.readyState === WebSocket.OPEN)
      .sort((a, b) => (attachmentOf(a)?.since ?? 0) - (attachmentOf(b)?.since ?? 0));
  }

  /** The link that stands for the machine: its socket, else its newest stream. */
  #primary(machineId: number, except?: WebSocket): WebSocket | null {
    const open = this.#of(machineId, except);
    return open.findLast((ws) => attachmentOf(ws)?.type === "socket") ?? open.at(-1) ?? null;
  }

  facts(machineId: number, except?: WebSocket): LinkFacts {
    const ws = this.#primary(machineId, except);
    const attachment = ws ? attachmentOf(ws) : null;
    if (!ws || !attachment) return NO_LINK;
    return { kind: attachment.type, since: attachment.since, lastPong: this.#ctx.getWebSocketAutoResponseTimestamp(ws)?.getTime() ?? 0 };
  }

  /** The freshest numbers that any link of the machine remembers. */
  attachedLive(machineId: number): LiveState | null {
    let freshest: LiveState | null = null;
    for (const ws of this.#of(machineId)) {
      const live = attachmentOf(ws)?.live ?? null;
      if (live && live.lastSeen > (freshest?.lastSeen ?? 0)) freshest = live;
    }
    return freshest;
  }

  /** Keeps the numbers with the link instead of writing a row. False when there is no link or they are too large. */
  keepLive(machineId: number, live: LiveState): boolean {
    const ws = this.#primary(machineId);
    const attachment = ws ? attachmentOf(ws) : null;
    if (!ws || !attachment || JSON.stringify(live).length > ATTACHED_LIVE_MAX_CHARS) return false;
    attach(ws, { ...attachment, live });
    return true;
  }

  /** Writes an event to every link of the machine; answers whether there was one. */
  broadcast(machineId: number, event: LoggedEvent): boolean {
    const open = this.#of(machineId);
    for (const ws of open) this.sendEvent(ws, event);
    return open.length > 0;
  }

  sendEvent(ws: WebSocket, event: LoggedEvent): void {
    const type = attachmentOf(ws)?.type;
    send(ws, type === "socket" ? { t: "event", id: event.id, data: event.data } : { id: event.id, data: event.data });
  }

  /** Asks the machine's socket to beat every `beatMs` until `until`; repeats itself only when the old request is about to lapse. */
  pace(machineId: number, beatMs: number, until: number, slackMs: number): void {
    for (const ws of this.#of(machineId)) {
      const attachment = attachmentOf(ws);
      if (attachment?.type !== "socket" || until <= attachment.pacedUntil + slackMs) continue;
      attach(ws, { ...attachment, pacedUntil: until });
      send(ws, { t: "pace", beat_ms: beatMs, until: new Date(until).toISOString() });
    }
  }

  /** Closes the machine's links, all or those of one token; answers how many. */
  closeAll(machineId: number, code: number, reason: string, tokenId?: string): number {
    const closing = this.#of(machineId).filter((ws) => tokenId === undefined || attachmentOf(ws)?.tokenId === tokenId);
    for (const ws of closing) close(ws, code, reason);
    return closing.length;
  }

  /** Closes links whose credential has ended; answers how many. */
  closeExpired(machineId: number, now: number): number {
    const expired = this.#of(machineId).filter((ws) => (attachmentOf(ws)?.expiresAt ?? Infinity) <= now);
    for (const ws of expired) close(ws, CLOSE.tokenDead, "token expired");
    return expired.length;
  }
}

/** Null for a socket that is not ours. */
export function attachmentOf(ws: WebSocket): Attachment | null {
  return (ws.deserializeAttachment() as Attachment | null) ?? null;
}

const attach = (ws: WebSocket, attachment: Attachment): void => ws.serializeAttachment(attachment);

export function send(ws: WebSocket, frame: unknown): void {
  try {
    ws.send(JSON.stringify(frame));
  } catch {
    // The peer is gone; its close event follows and the log replays what it missed.
  }
}

export function close(ws: WebSocket, code: number, reason: string): void {
  try {
    ws.close(code, reason);
  } catch {
    // Already closed.
  }
}
