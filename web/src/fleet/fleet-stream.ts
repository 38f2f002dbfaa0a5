/** A connection to an event stream, usually `GET /api/v1/dashboard/events`: fetch with the token in a header, watched for silence, always coming back. */
import { readRetryAfter } from "../api/errors";
import { findAccessToken, renewAccessToken } from "../auth/tokens";
import { backoffMs } from "./backoff";
import { createStreamParser, type StreamEvent } from "./sse-events";

const SILENCE_MS = 25_000;
/** Server comments come every 10 s; after a sleep, anything older than this deserves a fresh connection at once. */
const STALE_ON_WAKE_MS = 12_000;
const OFFLINE_AFTER_ATTEMPTS = 3;

export type StreamStatus = "connecting" | "live" | "reconnecting" | "offline";

interface StreamHandlers {
  onEvent(event: StreamEvent): void;
  onStatus(status: StreamStatus): void;
  /** Any bytes at all, comments included. */
  onPulse(atMs: number): void;
  /** The server answered something else than a stream; it is asked again unless somebody closes. */
  onRefused?(status: number): void;
  lastEventId(): number | null;
}

export interface FleetStream {
  /** Try again now instead of after the pause. */
  reconnect(): void;
  close(): void;
}

export function openFleetStream(handlers: StreamHandlers, path = "/api/v1/dashboard/events"): FleetStream {
  let isClosed = false;
  let attempt = 0;
  let lastBytesMs = 0;
  let connection: AbortController | null = null;
  let pause: ReturnType<typeof setTimeout> | null = null;
  let silence: ReturnType<typeof setTimeout> | null = null;

  const pulse = (): void => {
    lastBytesMs = Date.now();
    handlers.onPulse(lastBytesMs);
    if (silence) clearTimeout(silence);
    silence = setTimeout(() => connection?.abort(), SILENCE_MS);
  };

  const scheduleNext = (waitMs: number | null): void => {
    if (isClosed) return;
    const isOffline = !navigator.onLine || attempt >= OFFLINE_AFTER_ATTEMPTS;
    handlers.onStatus(isOffline ? "offline" : "reconnecting");
    pause = setTimeout(connect, waitMs ?? backoffMs(attempt, Math.random()));
    attempt += 1;
  };

  const connect = (): void => {
    if (pause) clearTimeout(pause);
    if (silence) clearTimeout(silence);
    connection?.abort();
    const mine = new AbortController();
    connection = mine;
    silence = setTimeout(() => mine.abort(), SILENCE_MS);
    void readStream(mine).then((waitMs) => {
      if (connection !== mine) return;
      if (silence) clearTimeout(silence);
      scheduleNext(waitMs);
    });
  };

  /** Resolves when the stream is over, with the pause the server asked for, if it did. */
  const readStream = async (mine: AbortController): Promise<number | null> => {
    try {
      const response = await requestStream(path, mine.signal, handlers.lastEventId());
      if (!response.ok || !response.body) {
        handlers.onRefused?.(response.status);
        const seconds = readRetryAfter(response.headers.get("retry-after"), Date.now());
        return seconds === null ? null : seconds * 1000 + Math.random() * 1000;
      }
      if (mine.signal.aborted) return null;
      attempt = 0;
      handlers.onStatus("live");
      pulse();
      const parser = createStreamParser(handlers.onEvent, () => undefined);
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done || mine.signal.aborted) return null;
        pulse();
        parser.feed(value);
      }
    } catch {
      return null;
    }
  };

  const wake = (): void => {
    if (isClosed || document.visibilityState === "hidden") return;
    if (Date.now() - lastBytesMs > STALE_ON_WAKE_MS) reconnectNow();
  };
  const reconnectNow = (): void => {
    if (isClosed) return;
    attempt = 0;
    handlers.onStatus("reconnecting");
    connect();
  };
  const noteOffline = (): void => {
    connection?.abort();
    handlers.onStatus("offline");
  };

  document.addEventListener("visibilitychange", wake);
  window.addEventListener("pageshow", wake);
  window.addEventListener("online", reconnectNow);
  window.addEventListener("offline", noteOffline);
  handlers.onStatus("connecting");
  connect();

  return {
    reconnect: reconnectNow,
    close() {
      isClosed = true;
      if (pause) clearTimeout(pause);
      if (silence) clearTimeout(silence);
      connection?.abort();
      document.removeEventListener("visibilitychange", wake);
      window.removeEventListener("pageshow", wake);
      window.removeEventListener("online", reconnectNow);
      window.removeEventListener("offline", noteOffline);
    },
  };
}

async function requestStream(path: string, signal: AbortSignal, lastEventId: number | null): Promise<Response> {
  const ask = (token: string | null): Promise<Response> =>
    fetch(path, {
      signal,
      cache: "no-store",
      headers: {
        accept: "text/event-stream",
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(lastEventId === null ? {} : { "last-event-id": String(lastEventId) }),
      },
    });
  const token = await findAccessToken();
  const response = await ask(token);
  if (response.status !== 401 || token === null) return response;
  const renewed = await renewAccessToken(token);
  return renewed === null ? response : ask(renewed);
}
