/** Turns bytes of the dashboard stream into numbered events. */
import { createParser } from "eventsource-parser";
import type { FleetEvent } from "../api/live-types";

export interface StreamEvent {
  id: number | null;
  event: FleetEvent;
}

interface StreamParser {
  /** Feed text; whole events are handed over as they complete. */
  feed(text: string): void;
}

/** An id is the sequence of the server's log; anything else cannot be ordered and counts as none. */
export function readEventId(id: string | undefined): number | null {
  if (id === undefined || !/^\d{1,15}$/.test(id)) return null;
  return Number(id);
}

/** Null for data that is not an object with a type: one bad event must not end the stream. */
export function readFleetEvent(data: string): FleetEvent | null {
  try {
    const value: unknown = JSON.parse(data);
    if (typeof value !== "object" || value === null || !("type" in value) || typeof value.type !== "string") return null;
    // The reducer ignores types it does not know and tolerates missing fields.
    return value as FleetEvent;
  } catch {
    return null;
  }
}

export function createStreamParser(onEvent: (event: StreamEvent) => void, onRetry: (ms: number) => void): StreamParser {
  return createParser({
    onEvent: (message) => {
      const event = readFleetEvent(message.data);
      if (event) onEvent({ id: readEventId(message.id), event });
    },
    onRetry,
  });
}
