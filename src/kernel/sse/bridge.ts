import { utf8 } from "../crypto/bytes";
import { AppError } from "../errors/app-error";

/**
 * SSE outside, a sleeping socket inside: the Worker owns the response and its timer, the object only accepted a hibernating
 * WebSocket. An idle stream costs the object nothing.
 */

/** A reader this far behind (bytes) is cut off: it resumes from the log, while its backlog would fill the isolate. */
const BACKLOG_MAX_BYTES = 8 * 1024 * 1024;
/** Comment and inner ping, ms. Short, because a vanished client shows at the next write at the earliest. */
const KEEPALIVE_MS = 10_000;
const RETRY_MS = 2_000;

type EventData = Readonly<Record<string, unknown>>;

/** What becomes of an inner event: what is said in its place, nothing included, and whether that was the last word. */
export interface Passage {
  readonly say: readonly EventData[];
  readonly ends: boolean;
}

export interface BridgeOptions {
  /** Inner socket as the object answered it, not yet accepted. */
  readonly socket: WebSocket;
  /** Aborts when the client goes, where the platform tells. */
  readonly signal: AbortSignal;
  /** Sends `event:` equal to the data's `type`, for `addEventListener` clients. */
  readonly named: boolean;
  /** When the credential ends, ms: the stream ends with it. */
  readonly expiresAt: number | null;
  readonly headers?: Readonly<Record<string, string>>;
  /** Said before anything else, without ids: what is true now and is in no log. */
  readonly opening?: readonly EventData[];
  /** The opening is all there is to say. */
  readonly over?: boolean;
  /** Pure. Without one every inner event is said as it is. */
  readonly pass?: (data: EventData) => Passage;
}

let openStreams = 0;

/** @throws AppError OVERLOADED before anything is opened; ask first, then upgrade. */
export function reserveStream(maxStreams: number): void {
  if (openStreams >= maxStreams) throw new AppError("OVERLOADED", "This location carries as many streams as it can; try again shortly.", { retryAfterSeconds: 5 });
}

/** The streaming response. Inner messages are JSON `{id?, data}`; they become `id:` and `data:` lines. */
export function bridgeToSse({ socket, signal, named, expiresAt, headers, opening = [], over = false, pass }: BridgeOptions): Response {
  openStreams++;
  let timer: ReturnType<typeof setInterval> | undefined;
  let finished = false;
  const finish = (): void => {
    if (finished) return;
    finished = true;
    openStreams--;
    if (timer !== undefined) clearInterval(timer);
    try {
      socket.close(1000, "stream ended");
    } catch {
      // Already closed by the object.
    }
  };
  const source = {
    start(controller: ReadableStreamDefaultController<Uint8Array>) {
      const write = (text: string): void => {
        try {
          controller.enqueue(utf8(text));
          if ((controller.desiredSize ?? 0) < 0) end();
        } catch {
          finish();
        }
      };
      const end = (): void => {
        if (finished) return;
        finish();
        try {
          controller.close();
        } catch {
          // The client closed it first.
        }
      };
      socket.accept();
      socket.addEventListener("message", ({ data }) => {
        if (typeof data !== "string" || data === "pong" || finished) return;
        if (!pass) return write(toSseText(data, named));
        const { id, data: inner } = JSON.parse(data) as InnerEvent;
        const { say, ends } = pass(inner);
        if (say.length > 0) write(say.map((said) => toSseText(JSON.stringify({ id, data: said }), named)).join(""));
        if (ends) end();
      });
      socket.addEventListener("close", end);
      socket.addEventListener("error", end);
      signal.addEventListener("abort", end);
      if (signal.aborted) return end();
      write(`retry: ${RETRY_MS}\n: connected\n\n${opening.map((data) => toSseText(JSON.stringify({ data }), named)).join("")}`);
      if (over) return end();
      timer = setInterval(() => {
        if (expiresAt !== null && expiresAt <= Date.now()) return end();
        write(": keep-alive\n\n");
        try {
          socket.send("ping");
        } catch {
          end();
        }
      }, KEEPALIVE_MS);
    },
    cancel: finish,
  };
  const body = new ReadableStream<Uint8Array>(source, new ByteLengthQueuingStrategy({ highWaterMark: BACKLOG_MAX_BYTES }));
  return new Response(body, { headers: { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-store", "x-accel-buffering": "no", ...headers } });
}

interface InnerEvent {
  readonly id?: number | null;
  readonly data: EventData;
}

/** One SSE event of an inner message; exported for its test. */
export function toSseText(message: string, named: boolean): string {
  const { id, data } = JSON.parse(message) as InnerEvent;
  const event = named && typeof data["type"] === "string" ? `event: ${data["type"]}\n` : "";
  // An event that nobody keeps has no id: a client resumes from the last one that has.
  return `${id == null ? "" : `id: ${id}\n`}${event}data: ${JSON.stringify(data)}\n\n`;
}
