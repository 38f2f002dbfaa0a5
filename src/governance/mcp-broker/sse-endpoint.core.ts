/** Servers of the older transport tell in their stream where messages go; through the broker that is another place. */

const MAX_EVENT_CHARS = 64 * 1024;
const END_OF_EVENT = /\r\n\r\n|\n\n|\r\r/;
const END_OF_LINE = /\r\n|\n|\r/;

/** What the `endpoint` event says, or null when an event is another one. */
export function endpointOf(event: string): string | null {
  const fields = event.split(END_OF_LINE).map((line) => /^(event|data): ?(.*)$/.exec(line));
  if (!fields.some((field) => field?.[1] === "event" && field[2] === "endpoint")) return null;
  return fields.flatMap((field) => (field?.[1] === "data" ? [field[2] ?? ""] : [])).join("\n");
}

/**
 * Lets an event stream through, with the place in its first `endpoint` event replaced; what comes after is not looked at.
 * A stream whose place is refused ends there, and so does one that never comes to the end of an event.
 * @param replace answers the new place, or null to refuse it
 */
export function replaceEndpoint(replace: (place: string) => Promise<string | null>): TransformStream<Uint8Array, Uint8Array> {
  const decoder = new TextDecoder();
  const encoder = new TextEncoder();
  let isDone = false;
  let held = "";
  return new TransformStream<Uint8Array, Uint8Array>({
    async transform(chunk, controller) {
      const text = decoder.decode(chunk, { stream: true });
      if (isDone) {
        controller.enqueue(encoder.encode(text));
        return;
      }
      held += text;
      for (let end = END_OF_EVENT.exec(held); end && !isDone; end = END_OF_EVENT.exec(held)) {
        const event = held.slice(0, end.index);
        held = held.slice(end.index + end[0].length);
        const place = endpointOf(event);
        isDone = place !== null;
        const next = place === null ? null : await replace(place);
        if (isDone && next === null) {
          controller.terminate();
          return;
        }
        controller.enqueue(encoder.encode(next === null ? event + end[0] : `event: endpoint\ndata: ${next}\n\n`));
      }
      if (isDone) {
        controller.enqueue(encoder.encode(held));
        held = "";
      } else if (held.length > MAX_EVENT_CHARS) controller.terminate();
    },
    flush(controller) {
      controller.enqueue(encoder.encode(held + decoder.decode()));
    },
  });
}
