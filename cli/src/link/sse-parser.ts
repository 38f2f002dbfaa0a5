/** One event of a text/event-stream. */
export interface StreamEvent {
  readonly id: string | undefined;
  readonly event: string | undefined;
  readonly data: string;
}

/** Reads a text/event-stream in pieces of any size. Pure; comments are skipped, `retry:` is remembered. */
export class SseParser {
  private buffer = "";
  private data: string[] = [];
  private id: string | undefined;
  private event: string | undefined;
  /** Milliseconds the server asked to wait before reconnecting. */
  retryMs: number | undefined;

  /** The events completed by this piece of text. */
  push(text: string): StreamEvent[] {
    // A CR at the very end may be the first half of CRLF: leave it in the buffer.
    this.buffer += text;
    const events: StreamEvent[] = [];
    for (;;) {
      const match = /\r\n|\n|\r(?!$)/.exec(this.buffer);
      if (match === null) return events;
      const line = this.buffer.slice(0, match.index);
      this.buffer = this.buffer.slice(match.index + match[0].length);
      const event = this.line(line);
      if (event !== undefined) events.push(event);
    }
  }

  private line(line: string): StreamEvent | undefined {
    if (line === "") {
      const event = this.data.length === 0 ? undefined : { id: this.id, event: this.event, data: this.data.join("\n") };
      this.data = [];
      this.event = undefined;
      return event;
    }
    if (line.startsWith(":")) return undefined;
    const colon = line.indexOf(":");
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "data") this.data.push(value);
    else if (field === "id") this.id = value;
    else if (field === "event") this.event = value;
    else if (field === "retry" && /^\d+$/.test(value)) this.retryMs = Number(value);
    return undefined;
  }
}
