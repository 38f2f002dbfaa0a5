import type { Beat } from "../core/api-types";
import { errorText } from "../core/errors";
import { detailText, retryAfterMs, type ApiClient } from "../core/http";
import { isObject, parseJson, stringField } from "../core/json";
import { fatalFromStatus, parseCommand, type CommandResult, type Fatal } from "./frames";
import { HttpDelivery } from "./http-delivery";
import { OpenError, openFailureFromStatus, type Delivery, type Link, type LinkEnd, type LinkHooks, type LinkTimings } from "./link";
import { SseParser } from "./sse-parser";

/** Opens the machine stream (SSE); resolves at its first bytes. Beats go by HTTP. Rejects with OpenError. */
export async function openStreamLink(
  api: ApiClient,
  instanceId: string,
  lastEventId: string | undefined,
  hooks: LinkHooks,
  timings: LinkTimings,
): Promise<Link> {
  const link = new StreamLink(api, instanceId, hooks, timings);
  await link.open(lastEventId);
  return link;
}

class StreamLink implements Link {
  readonly transport = "sse" as const;
  readonly closed: Promise<LinkEnd>;
  private end: (end: LinkEnd) => void = () => undefined;
  private readonly abort = new AbortController();
  private readonly http: HttpDelivery;
  private silence: NodeJS.Timeout | undefined;

  constructor(
    private readonly api: ApiClient,
    private readonly instanceId: string,
    private readonly hooks: LinkHooks,
    private readonly timings: LinkTimings,
  ) {
    this.closed = new Promise((resolve) => (this.end = resolve));
    this.http = new HttpDelivery(api, instanceId, hooks, (fatal) => this.finish({ kind: "fatal", fatal }), timings.answerMs);
  }

  async open(lastEventId: string | undefined): Promise<void> {
    const headers: Record<string, string> = { ...this.api.authHeaders(), accept: "text/event-stream" };
    if (lastEventId !== undefined) headers["last-event-id"] = lastEventId;
    const url = `${this.api.server}/api/v1/openclaw/events?${new URLSearchParams({ instance_id: this.instanceId }).toString()}`;
    const timer = setTimeout(() => this.abort.abort(), this.timings.openMs);
    try {
      const response = await fetch(url, { headers, signal: this.abort.signal, redirect: "manual" });
      if (response.status !== 200 || response.body === null) throw await refused(response);
      const interval = Number(response.headers.get("x-beat-interval") ?? "");
      if (Number.isFinite(interval) && interval > 0) this.hooks.onInterval(interval * 1000);
      const reader: ReadableStreamDefaultReader<Uint8Array> = response.body.getReader();
      // A proxy that buffers streams sends the headers and nothing more: only bytes prove the stream.
      const first = await reader.read();
      if (first.done) throw new OpenError({ kind: "unsupported", detail: "the stream ended at once" });
      void this.read(reader, first.value);
    } catch (error) {
      if (error instanceof OpenError) throw error;
      const timedOut = this.abort.signal.aborted;
      throw new OpenError(timedOut ? { kind: "unclear", detail: "no stream in time" } : { kind: "unreachable", detail: errorText(error) });
    } finally {
      clearTimeout(timer);
    }
  }

  beat(beat: Beat): Promise<Delivery> {
    return this.http.beat(beat);
  }

  ack(id: string): Promise<Delivery> {
    return this.http.ack(id);
  }

  result(id: string, result: CommandResult): Promise<Delivery> {
    return this.http.result(id, result);
  }

  async goodbye(limitMs: number): Promise<void> {
    await this.http.goodbye(limitMs);
    this.close();
  }

  close(): void {
    this.finish({ kind: "lost", detail: "closed by this side" });
  }

  private async read(reader: ReadableStreamDefaultReader<Uint8Array>, first: Uint8Array): Promise<void> {
    const parser = new SseParser();
    const decoder = new TextDecoder();
    try {
      for (let chunk: Uint8Array | undefined = first; chunk !== undefined; ) {
        this.heard();
        for (const event of parser.push(decoder.decode(chunk, { stream: true }))) this.receive(event.id, event.data);
        const next = await reader.read();
        chunk = next.done ? undefined : next.value;
      }
      this.finish({ kind: "lost", detail: "the stream ended" });
    } catch (error) {
      this.finish({ kind: "lost", detail: errorText(error) });
    }
  }

  private receive(id: string | undefined, text: string): void {
    const data = parseJson(text);
    if (isObject(data)) {
      const type = stringField(data, "type") ?? "unknown";
      const command = type === "command" ? parseCommand(data) : undefined;
      if (command !== undefined) this.hooks.onCommands([command]);
      else this.hooks.onEvent(type, data);
    }
    if (id !== undefined && id !== "") this.hooks.onEventId(id);
  }

  private heard(): void {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => this.finish({ kind: "lost", detail: "the stream fell silent" }), this.timings.streamSilenceMs);
  }

  private finish(end: LinkEnd): void {
    clearTimeout(this.silence);
    this.end(end);
    this.abort.abort();
  }
}

async function refused(response: Response): Promise<OpenError> {
  const text = await response.text();
  const detail = detailText(parseJson(text) ?? "");
  const fatal: Fatal | undefined = fatalFromStatus(response.status, detail);
  return new OpenError(openFailureFromStatus(response.status, detail, fatal, retryAfterMs(response.headers.get("retry-after"), Date.now())));
}
